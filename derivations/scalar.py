"""Everything that follows from a scalar penalty, in the order it is decided.

Propriety first; integrals only of what is proper. The result is a :class:`Derivation`, symbolic
throughout; ``document.py`` turns it into the JSON that the command line prints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.asymptotics.propriety import (
    IF,
    UNKNOWN,
    Propriety,
    decide,
    decide_by_tails,
)
from neglog.derivations.deadline import left, within
from neglog.derivations.half_line import Side, far_pieces, sides
from neglog.derivations.integrals.centre import centre
from neglog.derivations.integrals.closed import (
    FUNCTIONS_NOT_CLOSED,
    Closed,
    absolute_moment,
    points_where,
    signed_moment,
    tidy,
)
from neglog.derivations.integrals.distribution import closed_cdf, tidied
from neglog.derivations.integrals.information import closed_information
from neglog.derivations.integrals.quadrature import Estimate, information
from neglog.derivations.integrals.quantiles import closed_quantile, inverts
from neglog.derivations.laws import half_line as laws
from neglog.derivations.numbers import UNCOMPUTABLE, substitute
from neglog.derivations.proximal import closed_map as proximal
from neglog.derivations.shapes import at_zero, curvature, mixtures
from neglog.derivations.shapes import tail as shape
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
    law_at: Callable[[sp.Expr], laws.Law | None] | None = None  # the law at a number for λ
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
    score: sp.Expr | None = None
    scale_information: sp.Expr | None = None
    numeric: dict[str, Any] | None = None
    joint: Any = None  # the JointFacts of a joint penalty


def derive_scalar(phi: Penalty) -> Derivation:
    """The derivation of a scalar penalty."""
    halves = within(3.0, lambda: sides(phi), None)
    unknown = Propriety(UNKNOWN, None, "It could not be decided within the deadline.")
    if halves is None:
        far = within(3.0, lambda: far_pieces(phi), None)
        return Derivation(phi, within(6.0, lambda: decide_by_tails(far), unknown))
    result = Derivation(phi, within(6.0, lambda: decide(halves), unknown))
    _shape(result, halves)
    if result.propriety.proper in ("always", IF):
        _integrals(result, halves)
    if phi.domain == "real":
        proper = result.propriety.proper in ("always", IF)
        improper = mixtures.Mixtures(reason="The prior is improper.")
        result.mixing = mixtures.mixtures(halves) if proper else improper
    return result


_PIECES = (sp.Piecewise, sp.Max, sp.Min)


def score(phi: Penalty) -> sp.Expr | None:
    """d/da log p = −λ φ′(a), in a."""
    if phi.expr.has(sp.Abs) and phi.on_half_line is not None and not phi.expr.has(*_PIECES):
        slope = sp.powsimp(sp.diff(phi.on_half_line, y))
        inside = slope.xreplace({y: sp.Abs(a) if phi.domain == "real" else a})
        return -lam * inside * (sp.sign(a) if phi.domain == "real" else 1)
    slope = sp.diff(phi.expr, a)
    return None if slope.has(sp.Derivative, sp.DiracDelta, sp.nan) else -lam * slope


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
    result.score = score(phi)
    result.prox = proximal.proximal(phi, halves)


def _decided(holds: sp.Basic | None) -> tuple[bool | None, sp.Basic | None]:
    """(True, False or None; the condition where it depends on the parameters)."""
    if holds in (sp.true, sp.false):
        return bool(holds), None
    return None, holds


def _integrals(result: Derivation, halves: Sequence[Side]) -> None:
    when, phi = result.propriety.when, result.penalty
    assert when is not None
    middle = None
    if len(halves) == 2:
        middle = within(1.0, lambda: centre(phi), None)
    m, around = (sp.S.Zero, halves) if middle is None else (middle[0], sides(middle[1]) or halves)
    norm = result.normalizer = absolute_moment(around, 0, when)
    result.law = within(1.0, lambda: laws.with_cases(around, phi.domain, m), None)
    result.law_at = lambda strength: laws.recognise(around, phi.domain, m, strength)
    _moments(result, halves, around, m)
    if norm is None:
        return
    result.entropy = within(2.0, lambda: _entropy(norm), None)
    cdf = within(2.0, lambda: closed_cdf(around, norm.expr, when), None)
    if cdf is not None:
        result.cdf = cdf.subs(a, a - m)
        quantile = within(1.0, lambda: closed_quantile(around), None)
        if quantile is not None and inverts(quantile, cdf, when):
            result.quantile = m + tidied(quantile)
    if len(around) == 1:
        result.scale_information = _verified_information(result, around, m)


def _verified_information(result: Derivation, around: Sequence[Side], m: sp.Expr) -> sp.Expr | None:
    """Fisher's information about the scale, where closed and equal to quadrature."""
    when = result.propriety.when
    if m != 0 or when is None:
        return None
    found = within(2.0, lambda: closed_information(around[0]), None)
    if found is None or found.has(*FUNCTIONS_NOT_CLOSED):
        return None
    names = result.penalty.parameters
    for point in points_where(when, set(names), 2):
        number = information(around, point, digits=17)
        if number is None or not _same(found, point, number):
            return None
    return tidy(found)


def _same(expr: sp.Expr, point: dict[sp.Symbol, sp.Expr], number: Estimate) -> bool:
    try:
        value = sp.N(substitute(expr, point, 40), 30)
    except UNCOMPUTABLE:
        return False
    if not value.is_number or not value.is_real:
        return False
    with mp.workdps(40):
        return bool(abs(mp.mpf(value) - number.value) <= abs(number.value) * mp.mpf(10) ** -14)


def _moments(
    result: Derivation, halves: Sequence[Side], around: Sequence[Side], m: sp.Expr
) -> None:
    """E|a|, E a and the variance; what is even about m has its variance about m."""
    propriety, norm = result.propriety, result.normalizer
    first_when = within(2.0, lambda: propriety.moment_exists(1, halves), None)
    second_when = within(2.0, lambda: propriety.moment_exists(2, halves), None)
    first = second = None
    if norm is not None and first_when is not None and left() > 1:
        first = absolute_moment(halves, 1, first_when)
    # Where the first moment is not closed the second is not tried by slow algebra: same integrand.
    if norm is not None and second_when is not None and left() > 1:
        second = absolute_moment(around, 2, second_when, algebra=first is not None)
    mean_abs, square = _ratio(first, norm), _ratio(second, norm)
    result.moments["mean_abs"] = Moment(mean_abs, first_when)
    mean: sp.Expr | None = m
    if result.penalty.domain == "positive":
        mean = mean_abs
    elif len(around) == 2:
        mean = _signed_mean(around, norm, first_when)
    result.moments["mean"] = Moment(mean, first_when)
    variance = None
    if square is not None and mean is not None:
        about = mean - m  # ``around`` is centred at m
        variance = tidy(square - about**2)
    result.moments["variance"] = Moment(variance, second_when)


def _signed_mean(
    around: Sequence[Side], norm: Closed | None, when: sp.Basic | None
) -> sp.Expr | None:
    if norm is None or when is None:
        return None
    found = signed_moment(around, when)
    return None if found is None else tidy(found.expr / norm.expr)


def _ratio(over: Closed | None, under: Closed | None) -> sp.Expr | None:
    return None if over is None or under is None else tidy(over.expr / under.expr)


def _entropy(norm: Closed) -> sp.Expr | None:
    """log Z + λ E φ = log Z − λ ∂ log Z/∂λ: differentiation under the integral."""
    log_z = sp.expand_log(sp.log(norm.expr), force=True)
    slope = sp.diff(log_z, lam)
    return None if slope.has(sp.Derivative, sp.Subs) else log_z + tidy(sp.expand(-lam * slope))
