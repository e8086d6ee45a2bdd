"""Known laws by name: rows over the kinds of terms, each with the scipy.stats expression.

A row is a guess from the form of the penalty; ``test_laws`` checks each against scipy's density.
Laws on bounded support and laws of log-gamma and logistic type have files of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sympy as sp

from neglog.derivations.half_line import Side
from neglog.derivations.integrals.terms import Terms, terms_of
from neglog.derivations.numbers import simplified
from neglog.priors.symbols import lam, y

REAL, POSITIVE = "real", "positive"


@dataclass(frozen=True)
class Law:
    """A law's name and its ``scipy.stats`` expression (None where scipy has none).

    Attributes:
        when: a condition under which alone it is this law; None where it always is.
        cases: condition → the law with a name of its own that it is there.
    """

    name: str
    scipy: str | None
    when: str | None = None
    cases: dict[str, Law] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """A penalty as the rows see it: terms of y, the domain, the strength and the centre."""

    terms: Terms
    domain: str
    strength: sp.Expr = lam
    centre: sp.Expr = sp.S.Zero

    @property
    def real(self) -> bool:
        """Whether it is even on ℝ (about its centre)."""
        return self.domain == REAL

    @property
    def power(self) -> sp.Expr:
        """m in the density's factor y^m."""
        return -self.strength * self.terms.log_coefficient

    def call(self, name: str, **arguments: sp.Expr) -> str:
        """``name(argument=…)`` with the centre as loc, defaults left out."""
        return call(name, **{"loc": self.centre, **arguments})


def call(name: str, **arguments: sp.Expr) -> str:
    """``name(argument=…)`` as scipy.stats reads it, loc and scale last, defaults left out."""
    defaults = {"loc": 0, "scale": 1}
    order = [k for k in arguments if k not in defaults] + [k for k in defaults if k in arguments]
    shown = {k: simplified(arguments[k]) for k in order}
    return f"{name}({', '.join(f'{k}={v}' for k, v in shown.items() if v != defaults.get(k))})"


def _power(form: Form) -> Law | None:
    """y^m e^{−p y^q}."""
    term = form.terms.of("power")
    q, p, m = term.parameters[0], form.strength * term.coefficient, form.power
    scale = simplified(p ** (-1 / q))
    if m != 0:
        return _double_power(form, q, m, scale) if form.real else _gamma_family(p, q, m, scale)
    if not q.is_positive:
        return None
    if q == 1:
        name, scipy = ("Laplace", "laplace") if form.real else ("exponential", "expon")
        return Law(name, form.call(scipy, scale=scale))
    if q == 2:
        name, scipy = ("normal", "norm") if form.real else ("half-normal", "halfnorm")
        return Law(name, form.call(scipy, scale=1 / sp.sqrt(2 * p)))
    if form.real:
        return Law("generalised normal", form.call("gennorm", beta=q, scale=scale))
    return Law("half generalised normal", form.call("halfgennorm", beta=q, scale=scale))


def _double_power(form: Form, q: sp.Expr, m: sp.Expr, scale: sp.Expr) -> Law:
    if q == 1:
        return Law("double gamma", form.call("dgamma", a=m + 1, scale=scale))
    if simplified(m + 1 - q) == 0:
        return Law("double Weibull", form.call("dweibull", c=q, scale=scale))
    return Law("double generalised gamma", None)


def _gamma_family(p: sp.Expr, q: sp.Expr, m: sp.Expr, scale: sp.Expr) -> Law:
    """y^m exp(−p y^q) on y > 0: the generalised gamma family."""
    if q == 1:
        return Law("gamma", call("gamma", a=m + 1, scale=scale))
    if q == -1:
        return Law("inverse gamma", call("invgamma", a=-m - 1, scale=p))
    if (q, m) == (2, 1):
        return Law("Rayleigh", call("rayleigh", scale=1 / sp.sqrt(2 * p)))
    if simplified(m + 1 - q) == 0:
        return Law("Weibull", call("weibull_min", c=q, scale=scale))
    if simplified(m + 1 - q) == 2 * (1 - q) and q.is_negative:
        return Law("Fréchet", call("invweibull", c=-q, scale=scale))
    if (q, m) == (2, 2):
        return Law("Maxwell", call("maxwell", scale=1 / sp.sqrt(2 * p)))
    return Law("generalised gamma", call("gengamma", a=(m + 1) / q, c=q, scale=scale))


def _log_binomial(form: Form) -> Law | None:
    """y^m (1+(y/k)^q)^{−p}."""
    term = form.terms.of("log-binomial")
    (k, q), p, m = term.parameters, form.strength * term.coefficient, form.power
    if m != 0:
        return None if form.real else _beta_prime_family(k, q, p, m)
    if q == 1:
        if form.real:
            return Law("double Lomax", None)
        return Law("Lomax", call("lomax", c=p - 1, scale=k))
    if q != 2:
        return Law("generalised t" if form.real else "half generalised t", None)
    nu = simplified(2 * p - 1)
    if nu == 1:
        name, scipy = ("Cauchy", "cauchy") if form.real else ("half-Cauchy", "halfcauchy")
        return Law(name, form.call(scipy, scale=k))
    if form.real:
        return Law("Student t", form.call("t", df=nu, scale=k / sp.sqrt(nu)))
    return Law("half Student t", None)


def _beta_prime_family(k: sp.Expr, q: sp.Expr, p: sp.Expr, m: sp.Expr) -> Law:
    if simplified(m + 1 - q) == 0:
        if p == 2:
            return Law("log-logistic", call("fisk", c=q, scale=k))
        return Law("Burr XII", call("burr12", c=q, d=p - 1, scale=k))
    if q == 1:
        return Law("beta prime", call("betaprime", a=m + 1, b=p - m - 1, scale=k))
    return Law("generalised beta prime", None)


def _sqrt_binomial(form: Form) -> Law | None:
    term = form.terms.of("sqrt-binomial")
    (k,), p = term.parameters, form.strength * term.coefficient
    if not form.real or form.power != 0:
        return None
    inside = f"p=1, a={simplified(p * k)}, b=0"
    rest = call("", loc=form.centre, scale=k)[1:-1]
    return Law("hyperbolic", f"genhyperbolic({inside}{', ' + rest if rest else ''})")


def _log_cosh(form: Form) -> Law | None:
    """cosh(y/k)^{−p}."""
    term = form.terms.of("log-cosh")
    (k,), p = term.parameters, form.strength * term.coefficient
    if form.power != 0:
        return None
    if p == 1:
        if form.real:
            return Law("hyperbolic secant", form.call("hypsecant", scale=k))
        return Law("half hyperbolic secant", None)
    if p == 2:
        name, scipy = ("logistic", "logistic") if form.real else ("half-logistic", "halflogistic")
        return Law(name, form.call(scipy, scale=k / 2))
    return Law("generalised hyperbolic secant", None) if form.real else None


def _two_powers(form: Form) -> Law | None:
    """y^m e^{−by−c/y} (generalised inverse Gaussian) and e^{−by−cy²} (truncated normal)."""
    powers = {t.parameters[0]: form.strength * t.coefficient
              for t in form.terms.terms if t.kind == "power"}  # fmt: skip
    if form.real:
        return None
    if set(powers) == {sp.S.One, -sp.S.One}:
        return _inverse_gaussian(powers[sp.S.One], powers[-sp.S.One], simplified(form.power + 1))
    if set(powers) == {sp.S.One, sp.Integer(2)} and form.power == 0:
        b, c = powers[sp.S.One], powers[sp.Integer(2)]
        sigma = 1 / sp.sqrt(2 * c)
        scipy = call("truncnorm", a=b * sigma, b=sp.oo, loc=-b / (2 * c), scale=sigma)
        return Law("truncated normal", scipy)
    return None


def _inverse_gaussian(b: sp.Expr, c: sp.Expr, order: sp.Expr) -> Law:
    if order == -sp.S.Half:
        mean, shape = sp.sqrt(c / b), 2 * c
        return Law("inverse Gaussian", call("invgauss", mu=mean / shape, scale=shape))
    scipy = call("geninvgauss", p=order, b=2 * sp.sqrt(b * c), scale=sp.sqrt(c / b))
    return Law("generalised inverse Gaussian", scipy)


def _log_square(form: Form) -> Law | None:
    """y^m e^{−p log² y}: log-normal."""
    p = form.strength * form.terms.of("log-square").coefficient
    if form.real:
        return None
    sigma, mu = 1 / sp.sqrt(2 * p), (1 + form.power) / (2 * p)
    return Law("log-normal", call("lognorm", s=sigma, scale=sp.exp(mu)))


def _horseshoe(form: Form) -> Law | None:
    """e^{cy²} E₁(cy²): half-Cauchy scale mixture of normals.

    Carvalho, Polson & Scott, The horseshoe estimator for sparse signals, 2010.
    """
    square, other = form.terms.of("power"), form.terms.of("other")
    c = -form.strength * square.coefficient
    core = sp.log(sp.expint(1, c * y**2))
    same = form.strength * other.coefficient == -1 and other.parameters[0] == core
    if square.parameters[0] != 2 or not same or form.power != 0:
        return None
    return Law("horseshoe" if form.real else "half horseshoe", None)


ROWS: dict[tuple[str, ...], Callable[[Form], Law | None]] = {
    ("power",): _power,
    ("power", "power"): _two_powers,
    ("log-binomial",): _log_binomial,
    ("sqrt-binomial",): _sqrt_binomial,
    ("log-cosh",): _log_cosh,
    ("log-square",): _log_square,
    ("other", "power"): _horseshoe,
}


def named(form: Form) -> Law | None:
    """The law of a penalty that is one expression of y = |a| on its half line."""
    row = ROWS.get(form.terms.kinds)
    return None if row is None else row(form)


def recognise(
    sides: Sequence[Side], domain: str, centre: sp.Expr, strength: sp.Expr = lam
) -> Law | None:
    """The law with density ∝ exp(−strength·φ), its half lines given, or None."""
    from neglog.derivations.laws.bounded import bounded_law
    from neglog.derivations.laws.whole_line import line_law

    nowhere = [s for s in sides if all(piece.phi is sp.oo for piece in s.pieces)]
    if len(sides) == 2 and nowhere == [sides[1]]:
        sides, domain = sides[:1], POSITIVE
    first = sides[0].pieces
    if any(piece.phi is sp.oo for side in sides for piece in side.pieces):
        return bounded_law(sides, domain, strength)
    if len(first) > 1:
        return None
    if len(sides) == 2:
        return line_law(sides, strength)
    return named(Form(terms_of(first[0].phi), domain, strength, centre))


def with_cases(sides: Sequence[Side], domain: str, centre: sp.Expr) -> Law | None:
    """The law for every strength, with the name it has at λ = 1 where that is another."""
    always = recognise(sides, domain, centre)
    at_one = recognise(sides, domain, centre, sp.S.One)
    if always is None:
        return None if at_one is None else Law(at_one.name, at_one.scipy, "Eq(lam, 1)")
    if at_one is None or at_one.name == always.name:
        return always
    return Law(always.name, always.scipy, cases={"Eq(lam, 1)": at_one})
