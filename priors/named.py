"""Laws as penalties: −log density in ``a``, constants dropped, with parameters named as in scipy.

One row a law of ``scipy.stats``; ``loc`` and ``scale`` apply to every row. A shape parameter that
scipy calls ``a`` is written ``shape_a`` in the expression. Outside ``low`` ≤ a ≤ ``high`` the
penalty is ∞: a hard constraint.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedLaw:
    """−log density (up to a constant), its shape parameters in scipy's order, and its support.

    >>> LAWS["lomax"].domain
    'positive'
    """

    expr: str
    shapes: tuple[str, ...] = ()
    low: str = "0"
    high: str = "oo"

    @property
    def domain(self) -> str:
        """Where it lives with loc 0: ``"real"`` wherever the support may reach below 0."""
        return "positive" if self.low in ("0", "1") else "real"


R = "-oo"

LAWS: dict[str, NamedLaw] = {
    "laplace": NamedLaw("abs(a)", (), R),
    "norm": NamedLaw("a**2/2", (), R),
    "cauchy": NamedLaw("log(1+a**2)", (), R),
    "t": NamedLaw("(df+1)/2*log(1+a**2/df)", ("df",), R),
    "logistic": NamedLaw("a+2*log(1+exp(-a))", (), R),
    "hypsecant": NamedLaw("log(cosh(a))", (), R),
    "gennorm": NamedLaw("abs(a)**beta_", ("beta_",), R),
    "gumbel_r": NamedLaw("a+exp(-a)", (), R),
    "gumbel_l": NamedLaw("exp(a)-a", (), R),
    "moyal": NamedLaw("(a+exp(-a))/2", (), R),
    "genlogistic": NamedLaw("a+(c+1)*log(1+exp(-a))", ("c",), R),
    "loggamma": NamedLaw("exp(a)-c*a", ("c",), R),
    "laplace_asymmetric": NamedLaw("Piecewise((kappa*a, a >= 0), (-a/kappa, True))", ("kappa",), R),
    "exponnorm": NamedLaw("a/K-log(erfc((1/K-a)/sqrt(2)))", ("K",), R),
    "powernorm": NamedLaw("a**2/2-(c-1)*log(erfc(a/sqrt(2)))", ("c",), R),
    "skewnorm": NamedLaw("a**2/2-log(erfc(-shape_a*a/sqrt(2)))", ("shape_a",), R),
    "skewcauchy": NamedLaw(
        "Piecewise((log(1+a**2/(1+shape_a)**2), a >= 0), (log(1+a**2/(1-shape_a)**2), True))",
        ("shape_a",),
        R,
    ),
    "jf_skew_t": NamedLaw(
        "(shape_a+b+1)/2*log(1+a**2/(shape_a+b))+(b-shape_a)*asinh(a/sqrt(shape_a+b))",
        ("shape_a", "b"),
        R,
    ),
    "johnsonsu": NamedLaw("log(1+a**2)/2+(shape_a+b*asinh(a))**2/2", ("shape_a", "b"), R),
    "genhyperbolic": NamedLaw(
        "-log(besselk(p-1/2, shape_a*sqrt(1+a**2)))-b*a-(p/2-1/4)*log(1+a**2)",
        ("p", "shape_a", "b"),
        R,
    ),
    "norminvgauss": NamedLaw(
        "-log(besselk(1, shape_a*sqrt(1+a**2)))-b*a+log(1+a**2)/2", ("shape_a", "b"), R
    ),
    "dgamma": NamedLaw("abs(a)-(shape_a-1)*log(abs(a))", ("shape_a",), R),
    "dweibull": NamedLaw("abs(a)**c-(c-1)*log(abs(a))", ("c",), R),
    "expon": NamedLaw("a"),
    "halfnorm": NamedLaw("a**2/2"),
    "halfcauchy": NamedLaw("log(1+a**2)"),
    "halflogistic": NamedLaw("a+2*log(1+exp(-a))"),
    "halfgennorm": NamedLaw("a**beta_", ("beta_",)),
    "lomax": NamedLaw("(c+1)*log(1+a)", ("c",)),
    "genpareto": NamedLaw(
        "(1+1/c)*log(1+c*a)", ("c",), "0", "Piecewise((-1/c, c < 0), (oo, True))"
    ),
    "gamma": NamedLaw("a-(shape_a-1)*log(a)", ("shape_a",)),
    "erlang": NamedLaw("a-(shape_a-1)*log(a)", ("shape_a",)),
    "chi": NamedLaw("a**2/2-(df-1)*log(a)", ("df",)),
    "chi2": NamedLaw("a/2-(df/2-1)*log(a)", ("df",)),
    "maxwell": NamedLaw("a**2/2-2*log(a)"),
    "nakagami": NamedLaw("nu*a**2-(2*nu-1)*log(a)", ("nu",)),
    "rice": NamedLaw("a**2/2-log(a)-log(besseli(0, b*a))", ("b",)),
    "rayleigh": NamedLaw("a**2/2-log(a)"),
    "weibull_min": NamedLaw("a**c-(c-1)*log(a)", ("c",)),
    "exponweib": NamedLaw("a**c-(c-1)*log(a)-(shape_a-1)*log(1-exp(-a**c))", ("shape_a", "c")),
    "exponpow": NamedLaw("exp(a**b)-a**b-(b-1)*log(a)", ("b",)),
    "invweibull": NamedLaw("a**(-c)+(c+1)*log(a)", ("c",)),
    "gengamma": NamedLaw("a**c-(shape_a*c-1)*log(a)", ("shape_a", "c")),
    "lognorm": NamedLaw("log(a)+log(a)**2/(2*s**2)", ("s",)),
    "gibrat": NamedLaw("log(a)+log(a)**2/2"),
    "powerlognorm": NamedLaw(
        "log(a)+log(a)**2/(2*s**2)-(c-1)*log(erfc(log(a)/(s*sqrt(2))))", ("c", "s")
    ),
    "loglaplace": NamedLaw("Piecewise(((1-c)*log(a), a < 1), ((c+1)*log(a), True))", ("c",)),
    "invgamma": NamedLaw("1/a+(shape_a+1)*log(a)", ("shape_a",)),
    "invgauss": NamedLaw("(a-mu)**2/(2*a*mu**2)+3/2*log(a)", ("mu",)),
    "wald": NamedLaw("(a-1)**2/(2*a)+3/2*log(a)"),
    "recipinvgauss": NamedLaw("(1-mu*a)**2/(2*a*mu**2)+log(a)/2", ("mu",)),
    "fatiguelife": NamedLaw("(a-1)**2/(2*a*c**2)+3/2*log(a)-log(1+a)", ("c",)),
    "geninvgauss": NamedLaw("b*(a+1/a)/2-(p-1)*log(a)", ("p", "b")),
    "levy": NamedLaw("1/(2*a)+3/2*log(a)"),
    "alpha": NamedLaw("(shape_a-1/a)**2/2+2*log(a)", ("shape_a",)),
    "betaprime": NamedLaw("(shape_a+b)*log(1+a)-(shape_a-1)*log(a)", ("shape_a", "b")),
    "f": NamedLaw("(dfn+dfd)/2*log(1+dfn*a/dfd)-(dfn/2-1)*log(a)", ("dfn", "dfd")),
    "burr": NamedLaw("(d_+1)*log(1+a**(-c))+(c+1)*log(a)", ("c", "d_")),
    "burr12": NamedLaw("(d_+1)*log(1+a**c)-(c-1)*log(a)", ("c", "d_")),
    "fisk": NamedLaw("2*log(1+a**c)-(c-1)*log(a)", ("c",)),
    "mielke": NamedLaw("(1+k/s)*log(1+a**s)-(k-1)*log(a)", ("k", "s")),
    "kappa3": NamedLaw("(1+1/shape_a)*log(1+a**shape_a/shape_a)", ("shape_a",)),
    "gompertz": NamedLaw("c*exp(a)-a", ("c",)),
    "genexpon": NamedLaw(
        "(shape_a+b)*a+b/c*exp(-c*a)-log(shape_a+b*(1-exp(-c*a)))", ("shape_a", "b", "c")
    ),
    "foldnorm": NamedLaw("a**2/2-log(cosh(c*a))", ("c",)),
    "foldcauchy": NamedLaw("log(1+(a-c)**2)+log(1+(a+c)**2)-log(1+a**2+c**2)", ("c",)),
    "rel_breitwigner": NamedLaw("log((a**2-rho**2)**2+rho**2)", ("rho",)),
    "genhalflogistic": NamedLaw("2*log(1+(1-c*a)**(1/c))-(1/c-1)*log(1-c*a)", ("c",), "0", "1/c"),
    "pareto": NamedLaw("(b+1)*log(a)", ("b",), "1"),
    "truncpareto": NamedLaw("(b+1)*log(a)", ("b", "c"), "1", "c"),
    "truncweibull_min": NamedLaw("a**c-(c-1)*log(a)", ("c", "shape_a", "b"), "shape_a", "b"),
    "loguniform": NamedLaw("log(a)", ("shape_a", "b"), "shape_a", "b"),
    "reciprocal": NamedLaw("log(a)", ("shape_a", "b"), "shape_a", "b"),
    "uniform": NamedLaw("0", (), "0", "1"),
    "beta": NamedLaw("(1-shape_a)*log(a)+(1-b)*log(1-a)", ("shape_a", "b"), "0", "1"),
    "powerlaw": NamedLaw("(1-shape_a)*log(a)", ("shape_a",), "0", "1"),
    "arcsine": NamedLaw("log(a)/2+log(1-a)/2", (), "0", "1"),
    "bradford": NamedLaw("log(1+c*a)", ("c",), "0", "1"),
    "argus": NamedLaw("-log(a)-log(1-a**2)/2-chi**2*a**2/2", ("chi",), "0", "1"),
    "johnsonsb": NamedLaw(
        "log(a)+log(1-a)+(shape_a+b*log(a/(1-a)))**2/2", ("shape_a", "b"), "0", "1"
    ),
    "gausshyper": NamedLaw(
        "(1-shape_a)*log(a)+(1-b)*log(1-a)+c*log(1+z*a)", ("shape_a", "b", "c", "z"), "0", "1"
    ),
    "triang": NamedLaw(
        "Piecewise((-log(a/c), a < c), (-log((1-a)/(1-c)), True))", ("c",), "0", "1"
    ),
    "trapezoid": NamedLaw(
        "Piecewise((-log(a/c), a < c), (0, a < d_), (-log((1-a)/(1-d_)), True))",
        ("c", "d_"),
        "0",
        "1",
    ),
    "truncexpon": NamedLaw("a", ("b",), "0", "b"),
    "truncnorm": NamedLaw("a**2/2", ("shape_a", "b"), "shape_a", "b"),
    "semicircular": NamedLaw("-log(1-a**2)/2", (), "-1", "1"),
    "rdist": NamedLaw("(1-c/2)*log(1-a**2)", ("c",), "-1", "1"),
    "anglit": NamedLaw("-log(cos(2*a))", (), "-pi/4", "pi/4"),
    "cosine": NamedLaw("-2*log(cos(a/2))", (), "-pi", "pi"),
    "vonmises_line": NamedLaw("-kappa*cos(a)", ("kappa",), "-pi", "pi"),
    "weibull_max": NamedLaw("(-a)**c-(c-1)*log(-a)", ("c",), R, "0"),
    "levy_l": NamedLaw("-1/(2*a)+3/2*log(-a)", (), R, "0"),
    "genextreme": NamedLaw(
        "(1-c*a)**(1/c)-(1/c-1)*log(1-c*a)",
        ("c",),
        "Piecewise((1/c, c < 0), (-oo, True))",
        "Piecewise((1/c, c > 0), (oo, True))",
    ),
}

# Laws that scipy has no name for.
OURS: dict[str, NamedLaw] = {
    "half-t": NamedLaw("(df+1)/2*log(1+a**2/df)", ("df",)),
}

# The names this library uses, where they differ from scipy's.
ALIASES = {
    "normal": "norm",
    "exponential": "expon",
    "half-normal": "halfnorm",
    "half-cauchy": "halfcauchy",
    "half-logistic": "halflogistic",
    "weibull": "weibull_min",
    "log-normal": "lognorm",
    "log-logistic": "fisk",
    "generalised-pareto": "genpareto",
    "generalised-normal": "gennorm",
    "inverse-gamma": "invgamma",
    "inverse-gaussian": "invgauss",
    "student-t": "t",
}


def shape_name(name: str) -> str:
    """The expression's name for scipy's shape parameter."""
    return {"a": "shape_a", "beta": "beta_", "d": "d_"}.get(name, name)
