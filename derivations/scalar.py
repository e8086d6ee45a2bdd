"""Everything that follows from a scalar penalty, in the order it is decided.

Propriety first; integrals only of what is proper. The result is a :class:`Derivation`, symbolic
throughout; ``document.py`` turns it into the JSON that the command line prints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from neglog.derivations.asymptotics.propriety import (
    IF,
    UNKNOWN,
    Propriety,
    decide,
    decide_by_tails,
)
from neglog.derivations.deadline import left, within
from neglog.derivations.derivatives import derivative
from neglog.derivations.half_line import Side, far_pieces, sides
from neglog.derivations.integrals.centre import centre
from neglog.derivations.integrals.closed import Closed, absolute_moment, tidy
from neglog.derivations.integrals.forms import ClosedForms, closed_forms
from neglog.derivations.laws import half_line as laws
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
        slope = sp.powsimp(derivative(phi.on_half_line))
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
    bent = within(6.0, lambda: curvature.convexity(halves, result.kink, jump), nothing)
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
    """Law and closed forms; what is even about m ≠ 0 is taken about m."""
    phi = result.penalty
    middle = within(1.0, lambda: centre(phi), None) if len(halves) == 2 else None
    m, around = (sp.S.Zero, halves) if middle is None else (middle[0], sides(middle[1]) or halves)
    found = closed_forms(around, result.propriety)
    result.law = within(1.0, lambda: laws.with_cases(around, phi.domain, m), None)
    result.law_at = lambda strength: laws.recognise(around, phi.domain, m, strength)
    result.normalizer = found.normalizer
    result.entropy = found.entropy
    result.cdf = None if found.cdf is None else found.cdf.subs(a, a - m)
    result.quantile = None if found.quantile is None else m + found.quantile
    result.scale_information = found.scale_information if m == 0 else None
    _moments(result, halves, found, m)


def _moments(result: Derivation, halves: Sequence[Side], found: ClosedForms, m: sp.Expr) -> None:
    """E|a|, E a and the variance, with when they exist."""
    propriety = result.propriety
    first_when = within(2.0, lambda: propriety.moment_exists(1, halves), None)
    second_when = within(2.0, lambda: propriety.moment_exists(2, halves), None)
    mean_abs = found.mean_abs
    if m != 0:
        mean_abs = None
        if found.normalizer is not None and first_when is not None and left() > 1:
            first = absolute_moment(halves, 1, first_when, algebra=False)
            mean_abs = None if first is None else tidy(first.expr / found.normalizer.expr)
    mean = None if found.mean is None else m + found.mean
    if result.penalty.domain == "real" and len(halves) == 1:
        mean = sp.S.Zero  # by symmetry, closed forms or not
    elif m != 0:
        mean = m
    result.moments["mean_abs"] = Moment(mean_abs, first_when)
    result.moments["mean"] = Moment(mean, first_when)
    result.moments["variance"] = Moment(found.variance, second_when)
