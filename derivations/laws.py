"""Known laws by name: rows over the kinds of terms, each with the scipy.stats expression.

A row is a guess from the form of the penalty; ``test_laws`` checks each against scipy's density.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.numbers import simplified
from neglog.derivations.terms import Terms
from neglog.priors.symbols import lam

REAL, POSITIVE = "real", "positive"


@dataclass(frozen=True)
class Law:
    """A law's name, its ``scipy.stats`` expression (None where scipy has none), CDF and quantile.

    ``cdf`` is in y ≥ 0 and ``quantile`` in u ∈ (0, 1), both of |a|.
    """

    name: str
    scipy: str | None
    cdf: sp.Expr | None = None
    quantile: sp.Expr | None = None


y = sp.Symbol("y", positive=True)
u = sp.Symbol("u", positive=True)


def _call(name: str, **arguments: sp.Expr) -> str:
    inside = ", ".join(
        f"{k}={simplified(v)}" for k, v in arguments.items() if (k, v) != ("scale", 1)
    )
    return f"{name}({inside})"


def _power(terms: Terms, domain: str) -> Law | None:
    term = terms.of("power")
    q, p = term.parameters[0], lam * term.coefficient
    m = -lam * terms.log_coefficient  # density ∝ y^m exp(−p y^q)
    if m != 0:
        return _power_with_log(p, q, m) if domain == POSITIVE else None
    scale = simplified(p ** (-1 / q))
    cdf = sp.lowergamma(1 / q, p * y**q) / sp.gamma(1 / q)
    if not q.is_positive:
        return None
    if q == 1:
        cdf, quantile = 1 - sp.exp(-p * y), -sp.log(1 - u) / p
        if domain == REAL:
            return Law("Laplace", _call("laplace", scale=scale), cdf, quantile)
        return Law("exponential", _call("expon", scale=scale), cdf, quantile)
    if q == 2:
        sigma = 1 / sp.sqrt(2 * p)
        cdf = sp.erf(sp.sqrt(p) * y)
        quantile = sp.erfinv(u) / sp.sqrt(p)
        name, scipy = ("normal", "norm") if domain == REAL else ("half-normal", "halfnorm")
        return Law(name, _call(scipy, scale=sigma), cdf, quantile)
    if domain == REAL:
        return Law("generalised normal", _call("gennorm", beta=q, scale=scale), cdf)
    return Law("half generalised normal", _call("halfgennorm", beta=q, scale=scale), cdf)


def _power_with_log(p: sp.Expr, q: sp.Expr, m: sp.Expr) -> Law | None:
    """y^m exp(−p y^q) on y > 0: the generalised gamma family."""
    scale = simplified(p ** (-1 / q))
    if q == 1:
        cdf = sp.lowergamma(m + 1, p * y) / sp.gamma(m + 1)
        return Law("gamma", _call("gamma", a=m + 1, scale=scale), cdf)
    if q == -1:
        return Law("inverse gamma", _call("invgamma", a=-m - 1, scale=p))
    if simplified(m + 1 - q) == 0:
        cdf = 1 - sp.exp(-p * y**q)
        quantile = (-sp.log(1 - u) / p) ** (1 / q)
        return Law("Weibull", _call("weibull_min", c=q, scale=scale), cdf, quantile)
    return Law("generalised gamma", _call("gengamma", a=(m + 1) / q, c=q, scale=scale))


def _log_binomial(terms: Terms, domain: str) -> Law | None:
    term = terms.of("log-binomial")
    (k, q), p = term.parameters, lam * term.coefficient
    m = -lam * terms.log_coefficient
    if m != 0:
        if domain == POSITIVE and q == 1:
            return Law("beta prime", _call("betaprime", a=m + 1, b=p - m - 1, scale=k))
        return None
    if q == 1:
        cdf = 1 - (1 + y / k) ** (1 - p)
        quantile = k * ((1 - u) ** (-1 / (p - 1)) - 1)
        if domain == REAL:
            return Law("double Lomax", None, cdf, quantile)
        return Law("Lomax", _call("lomax", c=p - 1, scale=k), cdf, quantile)
    if q == 2:
        nu = 2 * p - 1
        scale = k / sp.sqrt(nu)
        name = "Student t" if domain == REAL else "half Student t"
        scipy = _call("t", df=nu, scale=scale) if domain == REAL else None
        body = sp.hyper((sp.S.Half, p), (sp.Rational(3, 2),), -((y / k) ** 2))
        cdf = 2 * y / k * body * sp.gamma(p) / (sp.sqrt(sp.pi) * sp.gamma(p - sp.S.Half))
        return Law(name, scipy, cdf)
    return None


def _sqrt_binomial(terms: Terms, domain: str) -> Law | None:
    term = terms.of("sqrt-binomial")
    (k,), p = term.parameters, lam * term.coefficient
    if domain == POSITIVE or terms.log_coefficient != 0:
        return None
    return Law("hyperbolic", f"genhyperbolic(1, {simplified(p * k)}, 0, scale={k})")


def _log_cosh(terms: Terms, domain: str) -> Law | None:
    if domain == POSITIVE or terms.log_coefficient != 0:
        return None
    return Law("generalised hyperbolic secant", None)


def _two_powers(terms: Terms, domain: str) -> Law | None:
    powers = {t.parameters[0]: lam * t.coefficient for t in terms.terms if t.kind == "power"}
    if domain == POSITIVE and set(powers) == {sp.S.One, -sp.S.One}:
        b, c = powers[sp.S.One], powers[-sp.S.One]
        order = 1 - lam * terms.log_coefficient
        scipy = _call("geninvgauss", p=order, b=2 * sp.sqrt(b * c), scale=sp.sqrt(c / b))
        return Law("generalised inverse Gaussian", scipy)
    if domain == POSITIVE and set(powers) == {sp.S.One, sp.Integer(2)}:
        b, c = powers[sp.S.One], powers[sp.Integer(2)]
        if terms.log_coefficient == 0:
            sigma = 1 / sp.sqrt(2 * c)
            scipy = _call("truncnorm", a=b * sigma, b=sp.oo, loc=-b / (2 * c), scale=sigma)
            return Law("truncated normal", scipy)
    return None


def _log_square(terms: Terms, domain: str) -> Law | None:
    """exp(−p log²y − pm' log y) with density shift: log-normal."""
    p, m = lam * terms.of("log-square").coefficient, lam * terms.log_coefficient
    if domain == REAL:
        return None
    sigma = 1 / sp.sqrt(2 * p)
    mu = (1 - m) / (2 * p)
    cdf = (1 + sp.erf((sp.log(y) - mu) / (sigma * sp.sqrt(2)))) / 2
    quantile = sp.exp(mu + sigma * sp.sqrt(2) * sp.erfinv(2 * u - 1))
    return Law("log-normal", _call("lognorm", s=sigma, scale=sp.exp(mu)), cdf, quantile)


ROWS: dict[tuple[str, ...], Callable[[Terms, str], Law | None]] = {
    ("power",): _power,
    ("power", "power"): _two_powers,
    ("log-binomial",): _log_binomial,
    ("sqrt-binomial",): _sqrt_binomial,
    ("log-cosh",): _log_cosh,
    ("log-square",): _log_square,
}


def recognise(terms: Terms, domain: str) -> Law | None:
    """The law with density ∝ exp(−λ Σ terms) of y = |a|, on the real line or y > 0."""
    row = ROWS.get(terms.kinds)
    return None if row is None else row(terms, domain)
