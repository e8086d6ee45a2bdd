"""Everything that follows from a scalar penalty, in the order it is decided.

Propriety first; integrals only of what is proper. The result is a :class:`Derivation`, symbolic
throughout; ``document.py`` turns it into the JSON that the command line prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations import at_zero, curvature, laws, mixtures, proximal, shape
from neglog.derivations.closed import Closed, absolute_moment, points_where, tidy
from neglog.derivations.deadline import left, within
from neglog.derivations.half_line import Piece, Side, sides
from neglog.derivations.numbers import UNCOMPUTABLE, substitute
from neglog.derivations.propriety import IF, UNKNOWN, Propriety, decide, tail_rate
from neglog.derivations.quadrature import Estimate, integral
from neglog.derivations.terms import terms_of
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, lam, y


@dataclass
class Moment:
    """E[·] in closed form (None where not closed) and when it exists (None where unknown)."""

    value: sp.Expr | None
    when: sp.Basic | None


@dataclass
class Derivation:
    """What follows from a penalty. None means: nothing closed, or not known."""

    penalty: Penalty
    propriety: Propriety
    normalizer: Closed | None = None
    moments: dict[str, Moment] = field(default_factory=dict)
    cdf: sp.Expr | None = None
    quantile: sp.Expr | None = None
    entropy: sp.Expr | None = None
    tail: dict[str, Any] | None = None
    law: laws.Law | None = None
    kink: sp.Expr | None = None
    exact_zeros: bool | None = None
    exact_zeros_when: sp.Basic | None = None
    convex: bool | None = None
    convex_when: sp.Basic | None = None
    concave_on_positive: bool | None = None
    concave_when: sp.Basic | None = None
    curvature_proof: str | None = None
    prox: dict[str, Any] | None = None
    mixing: mixtures.Mixtures = field(default_factory=mixtures.Mixtures)
    irls_weight: sp.Expr | None = None
    dependence: str = "independent"
    dependence_reason: str | None = None
    conditional: str | None = None
    numeric: dict[str, Any] | None = None


def derive_scalar(phi: Penalty) -> Derivation:
    """The derivation of a scalar penalty."""
    halves = within(3.0, lambda: sides(phi), None)
    unknown = Propriety(UNKNOWN, None, "It could not be decided within the deadline.")
    result = Derivation(phi, within(6.0, lambda: decide(halves), unknown))
    if halves is None:
        return result
    _shape(result, halves)
    if result.propriety.proper in ("always", IF):
        _integrals(result, halves)
    if phi.domain == "real":
        proper = result.propriety.proper in ("always", IF)
        improper = mixtures.Mixtures(reason="The prior is improper.")
        result.mixing = mixtures.mixtures(halves) if proper else improper
    return result


def _shape(result: Derivation, halves: Sequence[Side]) -> None:
    phi = result.penalty
    result.tail = within(3.0, lambda: shape.tail(halves), None)
    result.kink = at_zero.kink(halves)
    jump = at_zero.jumps_at_zero(phi)
    zeros = at_zero.exact_zeros(halves, result.kink, jump)
    result.exact_zeros, result.exact_zeros_when = _decided(zeros)
    nothing: dict[str, Any] = {}
    bent = within(3.0, lambda: curvature.convexity(halves, result.kink, jump), nothing)
    result.convex, result.convex_when = _decided(bent.get("convex"))
    result.concave_on_positive, result.concave_when = _decided(bent.get("concave_on_positive"))
    result.curvature_proof = bent.get("curvature_proof")
    result.irls_weight = shape.irls_weight(halves)
    result.prox = proximal.proximal(phi, halves)


def _decided(holds: sp.Basic | None) -> tuple[bool | None, sp.Basic | None]:
    """(True, False or None; the condition where it depends on the parameters)."""
    if holds in (sp.true, sp.false):
        return bool(holds), None
    return None, holds


def _integrals(result: Derivation, halves: Sequence[Side]) -> None:
    propriety = result.propriety
    assert propriety.when is not None
    result.normalizer = absolute_moment(halves, 0, propriety.when)
    _name(result, halves)
    _moments(result, halves)
    if result.normalizer is not None:
        result.entropy = within(2.0, lambda: _entropy(result.normalizer), None)


def _name(result: Derivation, halves: Sequence[Side]) -> None:
    """The law, and the CDF and quantile that come with it."""
    whole = halves[0].whole if len(halves) == 1 else None
    if whole is None or whole is sp.oo:
        return
    terms = terms_of(whole)
    result.law = laws.recognise(terms, result.penalty.domain)
    law = result.law
    if law is None or law.cdf is None or not _is_cdf(law.cdf, halves, result.propriety.when):
        return
    of_a = law.cdf.subs(laws.y, sp.Abs(a) if result.penalty.domain == "real" else a)
    if result.penalty.domain == "positive":
        result.cdf, result.quantile = of_a, law.quantile
        return
    result.cdf = sp.S.Half + sp.sign(a) * of_a / 2
    if law.quantile is not None:
        centred = law.quantile.subs(laws.u, sp.Abs(2 * laws.u - 1))
        result.quantile = sp.sign(2 * laws.u - 1) * centred


def _is_cdf(cdf: sp.Expr, halves: Sequence[Side], when: sp.Basic | None) -> bool:
    """Whether a CDF of |a| agrees with quadrature to 12 digits at several points."""
    if when is None:
        return False
    names = {s for side in halves for p in side.pieces for s in p.phi.free_symbols} - {y}
    for point in points_where(when, names, 2):
        whole = integral(halves, point)
        at = sp.Float("0.83")
        clipped = Side((Piece(sp.S.Zero, at, halves[0].pieces[0].phi),), halves[0].weight, 1)
        upto = integral([clipped], point)
        if whole is None or upto is None:
            return False
        try:
            value = sp.N(substitute(cdf.subs(laws.y, at), point, 30), 25)
        except UNCOMPUTABLE:
            return False
        if not value.is_real or abs(mp.mpf(value) - upto.value / whole.value) > mp.mpf(10) ** -12:
            return False
    return True


def _moments(result: Derivation, halves: Sequence[Side]) -> None:
    propriety, norm = result.propriety, result.normalizer
    rate = within(2.0, lambda: tail_rate(halves), None)
    first_when = propriety.moment_exists(1, rate)
    second_when = propriety.moment_exists(2, rate)
    first = second = None
    if norm is not None and first_when is not None and left() > 1:
        first = absolute_moment(halves, 1, first_when)
    # Where the first moment is not closed the second is not tried by slow algebra: same integrand.
    if norm is not None and second_when is not None and left() > 1:
        second = absolute_moment(halves, 2, second_when, algebra=first is not None)
    mean_abs = _ratio(first, norm)
    result.moments["mean_abs"] = Moment(mean_abs, first_when)
    square = _ratio(second, norm)
    mean: sp.Expr | None = sp.S.Zero
    if result.penalty.domain == "positive":
        mean = mean_abs
    elif len(halves) == 2:
        mean = None
    variance = None
    if square is not None and mean is not None:
        variance = tidy(square - mean**2)
    result.moments["variance"] = Moment(variance, second_when)


def _ratio(over: Closed | None, under: Closed | None) -> sp.Expr | None:
    return None if over is None or under is None else tidy(over.expr / under.expr)


def _entropy(norm: Closed | None) -> sp.Expr | None:
    """log Z + λ E φ = log Z − λ ∂ log Z/∂λ: differentiation under the integral."""
    if norm is None:
        return None
    log_z = sp.expand_log(sp.log(norm.expr), force=True)
    return tidy(log_z - lam * sp.diff(log_z, lam))


def numbers(phi: Penalty, point: dict[sp.Symbol, sp.Expr], found: Derivation) -> dict[str, Any]:
    """The normaliser, E|a| and the variance at a numeric point, by closed form or quadrature.

    Values are :class:`Estimate`; a moment that diverges is ``"oo"``, one that has no meaning
    ``"undefined"``.
    """
    verdict = found.propriety.when
    holds = verdict is not None and substitute(verdict, point, 20) == sp.true
    if found.propriety.proper == UNKNOWN or not holds:
        state = "undefined" if found.propriety.proper == UNKNOWN else "oo"
        return {"normalizer": state, "mean_abs": "undefined", "variance": "undefined"}
    halves = sides(phi)
    assert halves is not None
    z = _number(found.normalizer.expr if found.normalizer else None, halves, point, 0)
    out: dict[str, Any] = {"normalizer": z if z is not None else "undefined"}
    if z is None:
        return {**out, "mean_abs": "undefined", "variance": "undefined"}
    exists = {
        name: substitute(m.when, point, 20) == sp.true if m.when is not None else None
        for name, m in found.moments.items()
    }
    first = integral(halves, point, 1) if exists["mean_abs"] else None
    out["mean_abs"] = _moment(found.moments["mean_abs"], exists["mean_abs"], first, z, point)
    if not exists["variance"]:
        out["variance"] = (
            "oo" if exists["variance"] is False and exists["mean_abs"] else "undefined"
        )
        return out
    closed = found.moments["variance"].value
    if closed is not None:
        out["variance"] = _exact(closed, point)
        return out
    second = integral(halves, point, 2)
    mean = integral(halves, point, 1, signed=True)
    out["variance"] = _variance(second, mean, z)
    return out


def _variance(second: Estimate | None, mean: Estimate | None, z: Estimate) -> Estimate | str:
    if second is None or mean is None:
        return "undefined"
    with mp.workdps(35):
        centre = mean.value / z.value
        value = second.value / z.value - centre**2
        error = (second.error + 2 * abs(centre) * mean.error) / z.value
        return Estimate(value, error + z.error / z.value * abs(second.value / z.value))


def _moment(
    moment: Moment, exists: bool | None, raw: Estimate | None, z: Estimate, point: Any
) -> Estimate | str:
    if exists is False:
        return "oo"
    if moment.value is not None:
        return _exact(moment.value, point)
    if raw is None:
        return "undefined"
    with mp.workdps(35):
        value = raw.value / z.value
        return Estimate(value, raw.error / z.value + value * z.error / z.value)


def _number(closed: sp.Expr | None, halves: Sequence[Side], point: Any, order: int) -> Any:
    return _exact(closed, point) if closed is not None else integral(halves, point, order)


def _exact(expr: sp.Expr, point: Any) -> Estimate:
    with mp.workdps(40):
        value = mp.mpf(sp.N(substitute(expr, point, 40), 30))
        return Estimate(value, abs(value) * mp.mpf(10) ** -25)
