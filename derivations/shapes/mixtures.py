"""Scale mixtures: exp(−λφ) as an average of normal or Laplace densities over a random scale.

A mixture of normals is a completely monotone function of a² (Schoenberg, Metric spaces and
completely monotone functions, 1938), one of Laplace densities a completely monotone function of
|a| (Bernstein, 1929). Existence is proved by the rules of ``bernstein``, or refuted: such a
function is analytic, falling and log-convex. The mixing laws are rows over the kinds of terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.half_line import Side
from neglog.derivations.integrals.terms import Terms, terms_of
from neglog.derivations.numbers import UNCOMPUTABLE, function, samples, simplified, value_at
from neglog.derivations.shapes.bernstein import Horseshoe, mixes, rebuilt
from neglog.priors.symbols import lam, y

NORMAL, LAPLACE = "normal", "Laplace"
NO_LAW = "exists; no closed law"
SECONDS = 0.7
POINTS = 4
DIGITS = 50


@dataclass(frozen=True)
class Mixtures:
    """The mixtures of a prior: the simpler one first in ``first``; why, or why not."""

    first: dict[str, str] | None = None
    normal: dict[str, str] | None = None
    laplace: dict[str, str] | None = None
    reason: str | None = None


def mixtures(sides: Sequence[Side]) -> Mixtures:
    """The scale mixtures of exp(−λφ) for an even φ on ℝ."""
    if len(sides) > 1 or sides[0].weight != 2:
        return Mixtures(reason="φ is not even: no mixture of densities centred at 0.")
    phi = sides[0].whole
    if phi is None or phi is sp.oo or not phi.has(y):
        return Mixtures(reason="exp(−λφ) is not analytic on a > 0, as every mixture of normals is.")
    terms = within(SECONDS, lambda: terms_of(phi), None)
    form = phi if terms is None else rebuilt(terms)
    of_normal = within(SECONDS, lambda: mixes(form, square=True), None)
    of_laplace = within(SECONDS, lambda: mixes(form, square=False), None)
    normal = _record(NORMAL, of_normal, terms)
    laplace = _record(LAPLACE, of_laplace, terms)
    if normal is None:
        return Mixtures(reason=within(SECONDS, lambda: _refuted(phi), None) or UNDECIDED)
    named_first = [m for m in (normal, laplace) if m is not None and "rate" not in m["mixing"]]
    gamma_rate = laplace is not None and laplace["mixing"].startswith("rate ~ gamma")
    first = laplace if gamma_rate else (named_first or [normal])[0]
    return Mixtures(first, normal, laplace, _why(normal, laplace))


def _analytic(side: Side) -> bool:
    """Whether one analytic function holds on the whole half line, however it is spelt."""
    first = side.pieces[0].phi
    if first is sp.oo or not first.has(y):
        return False
    for piece in side.pieces[1:]:
        names = first.free_symbols | piece.phi.free_symbols
        for point in samples(names, 3):
            one, two = (value_at(p, point, 30) for p in (first, piece.phi))
            if one is None or two is None or abs(one - two) > 1e-12 * (1 + abs(one)):
                return False
    return True


NOT_ANALYTIC = "exp(−λφ) is not analytic on a > 0, as every mixture of normals is."
UNDECIDED = "No rule proves that exp(−λφ) is completely monotone in a², and no point refutes it."


def _why(normal: dict[str, str], laplace: dict[str, str] | None) -> str:
    of = "a² and in |a|" if laplace is not None else "a²"
    conditions = [f" of {m['of']} if {m['when']}" for m in (normal, laplace) if m and "when" in m]
    only = ":" + ";".join(conditions) if conditions else ""
    return f"exp(−λφ) is completely monotone in {of} for every λ > 0{only}."


def _record(of: str, when: sp.Basic | None, terms: Terms | None) -> dict[str, str] | None:
    """{"of", "mixing"} and "when" it holds, if that depends on a parameter."""
    if when is None or when == sp.false:
        return None
    table = NORMAL_LAWS if of == NORMAL else LAPLACE_LAWS
    row = None if terms is None else table.get(terms.kinds)
    law = None
    if terms is not None and row is not None and _plain(terms):
        law = row(terms)
    record = {"of": of, "mixing": law or NO_LAW}
    return record if when == sp.true else {**record, "when": str(when)}


def _plain(terms: Terms) -> bool:
    """Whether the rows apply: no power of |a| in front, no term with a minus."""
    return terms.log_coefficient == 0 and (
        all(t.coefficient.is_positive for t in terms.terms) or terms.kinds == ("other", "power")
    )


def _refuted(phi: sp.Expr) -> str | None:
    """A point at which φ is convex, or falls, in a²: at every sample of the parameters."""
    t = sp.Symbol("t", positive=True)
    root = phi.subs(y, sp.sqrt(t))
    names = sorted(phi.free_symbols - {y}, key=str)
    slope, bend = (function([t, *names], sp.diff(root, t, n)) for n in (1, 2))
    reasons: list[str] = []
    for point in samples(names, POINTS if names else 1):
        with mp.workdps(DIGITS):
            values = [mp.mpf(point[n].p) / point[n].q for n in names]
            found = _bad_point(slope, bend, values)
        if found is None:
            return None
        reasons.append(found)
    return reasons[0]


def _bad_point(slope: Any, bend: Any, values: Sequence[Any]) -> str | None:
    for k in range(-12, 13):
        at = mp.mpf(10) ** (mp.mpf(k) / 3)
        try:
            falls, bends = mp.re(slope(at, *values)), mp.re(bend(at, *values))
        except (*UNCOMPUTABLE, TypeError):
            continue
        where = f"near |a| = {mp.nstr(mp.sqrt(at), 2)}"
        if bends > mp.mpf(10) ** -30:
            return f"φ is convex in a² {where}; a mixture of normals needs it concave."
        if falls < -(mp.mpf(10) ** -30):
            return f"φ falls {where}; a mixture of densities centred at 0 cannot rise."
    return None


def _p(terms: Terms, kind: str) -> sp.Expr:
    return simplified(lam * terms.of(kind).coefficient)


def _normal_of_power(terms: Terms) -> str | None:
    p, (q,) = _p(terms, "power"), terms.of("power").parameters
    if q == 2:
        return f"variance = {simplified(1 / (2 * p))}"
    if q == 1:
        return f"variance ~ expon(scale={simplified(2 / p**2)})"
    return f"precision ~ positive stable({q / 2}), tilted by precision**(-1/2)"


def _normal_of_log_binomial(terms: Terms) -> str | None:
    p, (k, q) = _p(terms, "log-binomial"), terms.of("log-binomial").parameters
    if q == 2:
        return f"variance ~ invgamma(a={simplified(p - sp.S.Half)}, scale={k**2 / 2})"
    if q == 1:
        rate = f"rate ~ gamma(a={simplified(p - 1)}, scale={1 / k})"
        return f"variance ~ expon(scale=2/rate**2), {rate}"
    return None


def _normal_of_sqrt_binomial(terms: Terms) -> str | None:
    p, (k,) = _p(terms, "sqrt-binomial"), terms.of("sqrt-binomial").parameters
    return f"variance ~ geninvgauss(p=1, b={simplified(p * k)}, scale={simplified(k / p)})"


def _normal_of_log_cosh(terms: Terms) -> str | None:
    p, (k,) = _p(terms, "log-cosh"), terms.of("log-cosh").parameters
    general = f"precision = {_times(4 / k**2)}w, w ~ PolyaGamma({p}, 0) tilted by w**(-1/2)"
    if p == 2 * lam:
        general += f"; at lam = 1: variance = {k**2}*K**2, K ~ kstwobign()"
    return general


def _normal_of_two_powers(terms: Terms) -> str | None:
    """The elastic net: Li & Lin, The Bayesian elastic net, 2010."""
    rates = {t.parameters[0]: simplified(lam * t.coefficient) for t in terms.terms}
    if set(rates) != {sp.S.One, sp.Integer(2)}:
        return None
    one, two = rates[sp.S.One], rates[sp.Integer(2)]
    scale = simplified(2 / one**2)
    tilt = f"(1 + {2 * two}*u)**(-1/2)"
    return f"variance = 1/({2 * two} + 1/u), u ~ expon(scale={scale}) tilted by {tilt}"


def _normal_of_other(terms: Terms) -> str | None:
    """The horseshoe at λ = 1: Carvalho, Polson & Scott, The horseshoe estimator, 2010."""
    if rebuilt(terms) == Horseshoe(y**2 / 2):
        return "exists; at lam = 1: scale ~ halfcauchy()"
    return None


def _laplace_of_power(terms: Terms) -> str | None:
    p, (q,) = _p(terms, "power"), terms.of("power").parameters
    if q == 1:
        return f"rate = {p}"
    return f"rate ~ positive stable({q}), tilted by 1/rate"


def _laplace_of_log_binomial(terms: Terms) -> str | None:
    """Armagan, Dunson & Lee, Generalized double Pareto shrinkage, 2013."""
    p, (k, q) = _p(terms, "log-binomial"), terms.of("log-binomial").parameters
    if q != 1:
        return None
    return f"rate ~ gamma(a={simplified(p - 1)}, scale={1 / k})"


def _laplace_of_gamma_lasso(terms: Terms) -> str | None:
    """|a| and log(1 + |a|/k) together: a gamma rate shifted by the first one's."""
    (k, q), (r,) = terms.of("log-binomial").parameters, terms.of("power").parameters
    if q != 1 or r != 1:
        return None
    p, shift = _p(terms, "log-binomial"), _p(terms, "power")
    return f"rate = {shift} + g, g ~ gamma(a={p}, scale={1 / k}) tilted by 1/rate"


def _normal_of_gamma_lasso(terms: Terms) -> str | None:
    law = _laplace_of_gamma_lasso(terms)
    return None if law is None else f"variance ~ expon(scale=2/rate**2), {law}"


def _times(factor: sp.Expr) -> str:
    return "" if factor == 1 else f"{factor}*"


Row = Callable[[Terms], str | None]
NORMAL_LAWS: dict[tuple[str, ...], Row] = {
    ("power",): _normal_of_power,
    ("log-binomial",): _normal_of_log_binomial,
    ("sqrt-binomial",): _normal_of_sqrt_binomial,
    ("log-cosh",): _normal_of_log_cosh,
    ("power", "power"): _normal_of_two_powers,
    ("log-binomial", "power"): _normal_of_gamma_lasso,
    ("other", "power"): _normal_of_other,
}
LAPLACE_LAWS: dict[tuple[str, ...], Row] = {
    ("power",): _laplace_of_power,
    ("log-binomial",): _laplace_of_log_binomial,
    ("log-binomial", "power"): _laplace_of_gamma_lasso,
}
