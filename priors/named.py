"""Laws as penalties: −log density in ``a``, constants dropped, with parameters named as in scipy.

One row a law of ``scipy.stats``; ``loc`` and ``scale`` apply to every row. A shape parameter that
scipy calls ``a`` is written ``shape_a`` in the expression.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedLaw:
    """−log density (up to a constant), its domain and its shape parameters in scipy's order."""

    expr: str
    domain: str
    shapes: tuple[str, ...] = ()


LAWS: dict[str, NamedLaw] = {
    "laplace": NamedLaw("abs(a)", "real"),
    "norm": NamedLaw("a**2/2", "real"),
    "cauchy": NamedLaw("log(1+a**2)", "real"),
    "t": NamedLaw("(df+1)/2*log(1+a**2/df)", "real", ("df",)),
    "logistic": NamedLaw("a+2*log(1+exp(-a))", "real"),
    "hypsecant": NamedLaw("log(cosh(a))", "real"),
    "gennorm": NamedLaw("abs(a)**beta_", "real", ("beta_",)),
    "gumbel_r": NamedLaw("a+exp(-a)", "real"),
    "gumbel_l": NamedLaw("exp(a)-a", "real"),
    "dgamma": NamedLaw("abs(a)-(shape_a-1)*log(abs(a))", "real", ("shape_a",)),
    "dweibull": NamedLaw("abs(a)**c-(c-1)*log(abs(a))", "real", ("c",)),
    "expon": NamedLaw("a", "positive"),
    "halfnorm": NamedLaw("a**2/2", "positive"),
    "halfcauchy": NamedLaw("log(1+a**2)", "positive"),
    "halflogistic": NamedLaw("a+2*log(1+exp(-a))", "positive"),
    "halfgennorm": NamedLaw("a**beta_", "positive", ("beta_",)),
    "lomax": NamedLaw("(c+1)*log(1+a)", "positive", ("c",)),
    "genpareto": NamedLaw("(1+1/c)*log(1+c*a)", "positive", ("c",)),
    "gamma": NamedLaw("a-(shape_a-1)*log(a)", "positive", ("shape_a",)),
    "chi2": NamedLaw("a/2-(df/2-1)*log(a)", "positive", ("df",)),
    "weibull_min": NamedLaw("a**c-(c-1)*log(a)", "positive", ("c",)),
    "rayleigh": NamedLaw("a**2/2-log(a)", "positive"),
    "gengamma": NamedLaw("a**c-(shape_a*c-1)*log(a)", "positive", ("shape_a", "c")),
    "lognorm": NamedLaw("log(a)+log(a)**2/(2*s**2)", "positive", ("s",)),
    "invgamma": NamedLaw("1/a+(shape_a+1)*log(a)", "positive", ("shape_a",)),
    "invgauss": NamedLaw("(a-mu)**2/(2*a*mu**2)+3/2*log(a)", "positive", ("mu",)),
    "geninvgauss": NamedLaw("b*(a+1/a)/2-(p-1)*log(a)", "positive", ("p", "b")),
    "betaprime": NamedLaw("(shape_a+b)*log(1+a)-(shape_a-1)*log(a)", "positive", ("shape_a", "b")),
    "burr12": NamedLaw("(d_+1)*log(1+a**c)-(c-1)*log(a)", "positive", ("c", "d_")),
}

# The names this library uses, where they differ from scipy's.
ALIASES = {
    "normal": "norm",
    "exponential": "expon",
    "half-normal": "halfnorm",
    "half-cauchy": "halfcauchy",
    "weibull": "weibull_min",
    "log-normal": "lognorm",
    "generalised-pareto": "genpareto",
    "student-t": "t",
}


def shape_name(name: str) -> str:
    """The expression's name for scipy's shape parameter."""
    return {"a": "shape_a", "beta": "beta_", "d": "d_"}.get(name, name)
