"""When does exp(−λφ) have a finite integral? Decided before any integration, by growth alone.

Tail: φ/log y → ∞ makes it proper for every λ, → 0 for none, → c > 0 exactly for λ > 1/c (at λ = 1/c
the next term decides: with φ = c log y + r, r/log log y → m it converges iff m/c > 1).
A singularity where φ → −∞ like −k log t is integrable iff λk < 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.asymptotics import border, envelope
from neglog.derivations.asymptotics.equivalents import equivalent
from neglog.derivations.asymptotics.growth import AT_INFINITY, AT_ZERO, ratio
from neglog.derivations.asymptotics.orders import (
    LOG,
    leading,
    monomial,
    origin_condition,
    tail_condition,
    vanishing,
)
from neglog.derivations.half_line import Piece, Side
from neglog.derivations.integrals.terms import Terms, terms_of
from neglog.derivations.numbers import simplified, value_at
from neglog.priors.symbols import lam, y

ALWAYS, NEVER, IF, UNKNOWN = "always", "never", "if", "unknown"


@dataclass(frozen=True)
class Propriety:
    """The verdict, the condition in ``lam`` and the parameters, and one sentence of reason."""

    proper: str
    when: sp.Basic | None
    reason: str

    def moment_exists(self, order: int, sides: Sequence[Side]) -> sp.Basic | None:
        """When the absolute moment of an order exists."""
        if self.proper in (NEVER, UNKNOWN):
            return None
        tails = [_tail(side.pieces[-1], order).condition for side in sides]
        return None if any(t is None for t in tails) else _intersect([self.when, *tails])


@dataclass(frozen=True)
class _Finding:
    """What one end or singularity demands: a condition (None: unknown) and why."""

    condition: sp.Basic | None
    reason: str


_FINE = _Finding(sp.true, "")


def decide(sides: Sequence[Side] | None) -> Propriety:
    """The propriety of exp(−λφ) given the half lines of φ."""
    if sides is None:
        return Propriety(
            UNKNOWN, None, "The breakpoints cannot be put in one order for all parameters."
        )
    findings: list[_Finding] = []
    for side in sides:
        findings.append(_tail(side.pieces[-1]))
        for piece in side.pieces:
            findings += _singularities(piece)
        if all(piece.phi is sp.oo for piece in side.pieces):
            findings.append(_Finding(sp.true, ""))
    return _verdict([f for f in findings if f is not _FINE])


def decide_by_tails(far: Sequence[Piece] | None) -> Propriety:
    """The verdict where the breakpoints have no order: a tail that fails is enough for "never"."""
    for piece in far or ():
        finding = _tail(piece)
        if finding.condition is sp.false:
            return Propriety(NEVER, sp.false, finding.reason)
    return decide(None)


def _verdict(findings: Sequence[_Finding]) -> Propriety:
    for finding in findings:
        if finding.condition is sp.false:
            return Propriety(NEVER, sp.false, finding.reason)
    if any(f.condition is None for f in findings):
        first = next(f for f in findings if f.condition is None)
        return Propriety(UNKNOWN, None, first.reason)
    condition = _intersect([f.condition for f in findings])
    if condition is sp.false:
        return Propriety(NEVER, sp.false, "No lam satisfies all: " + _join(findings))
    verdict = ALWAYS if condition is sp.true else IF
    return Propriety(verdict, condition, _join(findings))


def _join(findings: Sequence[_Finding]) -> str:
    return " ".join(dict.fromkeys(f.reason for f in findings if f.reason))


def _intersect(conditions: Sequence[sp.Basic]) -> sp.Basic:
    """The conjunction, with bounds on λ merged into the tightest interval where they compare."""
    parts = list(sp.And.make_args(sp.And(*conditions)))
    for p in list(parts):
        if any(q is not p and q in parts and _implies(q, p) for q in list(parts)):
            parts.remove(p)
    numeric = [p for p in parts if p.free_symbols == {lam}]
    if not numeric:
        return sp.And(*parts)
    allowed = sp.Intersection(sp.Interval.open(0, sp.oo), *[p.as_set() for p in numeric])
    if allowed is sp.S.EmptySet:
        return sp.false
    if isinstance(allowed, sp.FiniteSet) and len(allowed) == 1:
        return sp.And(sp.Eq(lam, allowed.args[0]), *[p for p in parts if p not in numeric])
    if not isinstance(allowed, sp.Interval):
        return sp.And(*parts)
    ends = []
    if allowed.start > 0:
        ends.append(lam > allowed.start if allowed.left_open else lam >= allowed.start)
    if allowed.end < sp.oo:
        ends.append(lam < allowed.end if allowed.right_open else lam <= allowed.end)
    return sp.And(*ends, *[p for p in parts if p not in numeric])


def _implies(one: sp.Basic, other: sp.Basic) -> bool:
    """Whether one bound on the same quantity is at least as tight as another."""
    if one.func is not other.func or one.func not in (sp.Gt, sp.Lt) or one.lhs != other.lhs:
        return False
    gap = one.rhs - other.rhs
    return bool(gap.is_nonnegative if one.func is sp.Gt else gap.is_nonpositive)


def _tail(piece: Piece, order: int = 0) -> _Finding:
    """When ∫^∞ y^order e^{−λφ} dy is finite."""
    phi = piece.phi
    if phi is sp.oo:
        return _Finding(sp.true, "The support is bounded.")
    if phi is -sp.oo or phi.has(sp.nan, sp.zoo):
        return _Finding(None, "The penalty is not defined in the tail.")
    terms = terms_of(equivalent(phi, AT_INFINITY))
    known = tail_condition(terms, order)
    if known is not None:
        return _Finding(known, _why(known, terms, phi))
    rate = ratio(phi, sp.log(y), AT_INFINITY)
    if rate is None:
        alone = monomial(phi)
        if alone is not None and alone[0].is_positive:
            condition = sp.Gt(alone[1], 0).simplify()
            reason = f"The penalty grows like |a|**({alone[1]}): {_words(condition)} is needed."
            return _Finding(condition, reason)
        return _by_comparison(phi, order)
    if rate in (sp.oo, -sp.oo) or rate.is_zero:
        found = sp.true if rate is sp.oo else sp.false
        return _Finding(found, _outgrows(rate, phi))
    if not rate.is_real:
        return _Finding(None, "The sign of the growth against log|a| depends on the parameters.")
    condition = above(rate, order + 1)
    if not rate.is_positive:
        return _Finding(condition, f"{_grows(rate)}, integrable only for {_words(condition)}.")
    bound = simplified((order + 1) / rate)
    return _with_border(lam > bound, lam >= bound, border.at_tail(phi, rate, order), _grows(rate))


def _by_comparison(phi: sp.Expr, order: int) -> _Finding:
    """The tail of an oscillating penalty by its bounds, of a power of log|a| by its exponent."""
    between = envelope.corners(phi)
    if between is not None:
        low, high = (_tail(Piece(sp.S.Zero, sp.oo, end), order) for end in between)
        if low.condition is not None and low.condition == high.condition:
            return _Finding(low.condition, f"Between bounds that do not oscillate: {low.reason}")
    alone = envelope.log_power(phi)
    linear_at = None if alone is None else vanishing(alone[1] - 1)
    if alone is not None and alone[0].is_positive and linear_at is not None:
        symbol, value = linear_at
        linear = _tail(Piece(sp.S.Zero, sp.oo, phi.subs(symbol, value)), order)
        if linear.condition is not None:
            above_one = sp.Gt(alone[1], 1).simplify()
            condition = sp.Or(above_one, sp.And(sp.Eq(symbol, value), linear.condition))
            reason = (
                f"The penalty grows like (log|a|)**({alone[1]}): {_words(condition)} is needed."
            )
            return _Finding(condition, reason)
    return _Finding(None, "The growth of the penalty against log|a| could not be decided.")


def _with_border(
    inside: sp.Basic, upto: sp.Basic, converges: sp.Basic | None, how: str
) -> _Finding:
    """The finding for λ within an open bound and, where ``converges``, at the bound itself."""
    bound = inside.rhs
    if converges is None:
        return _Finding(None, f"{how}; at the border lam = {bound} it could not be decided.")
    if converges is sp.false:
        return _Finding(inside, f"{how}, integrable only for {_words(inside)}.")
    if converges is sp.true:
        return _Finding(upto, f"{how}, integrable at lam = {bound} too by its log factors.")
    also = f"and at lam = {bound} for {_words(converges)}"
    return _Finding(
        sp.Or(inside, sp.And(sp.Eq(lam, bound), converges)),
        f"{how}, integrable for {_words(inside)} {also}.",
    )


def above(rate: sp.Expr, least: int) -> sp.Basic:
    """λ·rate > least, solved for λ where the sign of the rate is known."""
    if rate.is_positive:
        return lam > simplified(least / rate)
    return sp.false if rate.is_nonpositive else sp.Gt(lam * rate, least)


def _words(condition: sp.Basic) -> str:
    return str(condition).replace("&", "and")


def _grows(rate: sp.Expr) -> str:
    times = "log|a|" if rate == 1 else f"({rate})*log|a|" if rate.is_Add else f"{rate}*log|a|"
    return f"The penalty grows like {times}, so the tail is |a|**({simplified(-rate * lam)})"


def _outgrows(rate: sp.Expr, phi: sp.Expr) -> str:
    if rate is sp.oo:
        return "The penalty outgrows every multiple of log|a|."
    if rate is -sp.oo:
        return "The penalty falls without bound, so exp(-lam*phi) grows."
    return _too_slow(phi)


def _why(condition: sp.Basic, terms: Terms, phi: sp.Expr) -> str:
    """The reason for a condition read off the orders of the terms."""
    first = leading(terms)
    if first is None:
        if condition is sp.false:
            return _too_slow(phi)
        return f"Which term leads in the tail depends on the parameters: {_words(condition)}."
    if first.level == LOG:
        if first.coefficient.is_nonpositive:
            return _outgrows(-sp.oo, phi)
        return f"{_grows(first.coefficient)}, integrable only for {_words(condition)}."
    if first.coefficient.is_positive:
        return _outgrows(sp.oo, phi)
    return _outgrows(-sp.oo, phi)


def _too_slow(phi: sp.Expr) -> str:
    ones = dict.fromkeys(phi.free_symbols, 1)
    near, far = (value_at(phi, {**ones, y: sp.Float(10) ** n}) for n in (8, 40))
    bounded = near is not None and far is not None and abs(far - near) < 1e-3
    what = "is bounded" if bounded else "grows slower than log|a|"
    return f"The penalty {what}, so exp(-lam*phi) is not integrable at infinity for any lam."


def _singularities(piece: Piece) -> list[_Finding]:
    """What the left end and the zeros of logarithms and denominators inside the piece demand."""
    phi = piece.phi
    if phi is sp.oo or not phi.has(y):
        return []
    terms = terms_of(equivalent(phi, AT_ZERO))
    known = origin_condition(terms)
    if known is not None:  # known terms have no singularity on y > 0 but at 0
        return [_at_origin(known, terms)] if piece.lo == 0 and known is not sp.true else []
    points = _singular_points(phi)
    if points is None:
        return [_Finding(None, "The singularities of the penalty could not be located.")]
    findings = []
    for point in points:
        findings += _at(phi, point, piece)
    return findings


def _at_origin(condition: sp.Basic, terms: Terms) -> _Finding:
    if condition is sp.false:
        return _Finding(condition, "The penalty falls to -oo faster than log at a = 0.")
    power = simplified(-lam * terms.log_singularity)
    reason = (
        f"At a = 0 the density is like |a|**({power}), integrable only for {_words(condition)}."
    )
    return _Finding(condition, reason)


# Positive wherever their arguments are.
_POSITIVE = (sp.erfc, sp.erf, sp.besselk, sp.besseli, sp.expint, sp.uppergamma, sp.lowergamma)


def _is_positive(expr: sp.Expr) -> bool:
    """Whether an expression in y > 0 is known to be positive."""
    if expr.is_positive:
        return True
    if isinstance(expr, sp.Mul | sp.Add):
        return all(_is_positive(arg) for arg in expr.args)
    return isinstance(expr, _POSITIVE) and bool(expr.args[-1].is_positive)


def _singular_points(phi: sp.Expr) -> list[sp.Expr] | None:
    """0 and the places where a logarithm's argument or a denominator vanishes on y > 0."""
    suspects = [node.args[0] for node in phi.atoms(sp.log)]
    suspects += [p.base for p in phi.atoms(sp.Pow) if p.exp.is_negative]
    points: list[sp.Expr] = [sp.S.Zero]
    for suspect in suspects:
        if not suspect.has(y) or _is_positive(suspect):
            continue
        try:
            roots = sp.solve(suspect, y)
        except NotImplementedError:
            return None
        points += [r for r in roots if r.is_positive is not False and r.is_real is not False]
    return list(dict.fromkeys(points))


def _at(phi: sp.Expr, point: sp.Expr, piece: Piece) -> list[_Finding]:
    if point != 0 and ((point - piece.lo).is_negative or (piece.hi - point).is_negative):
        return []
    if point == 0 and piece.lo != 0:
        return []
    found = []
    for direction in (+1, -1) if point != 0 else (+1,):
        local = phi.subs(y, point + direction * y) if point != 0 else phi
        rate = ratio(local, sp.log(y), AT_ZERO)  # φ ≈ rate · log t, log t → −∞
        where = f"a = {point}"
        if rate is None:
            ones = dict.fromkeys(phi.free_symbols, 1)
            value = value_at(local, {**ones, y: sp.Rational(1, 10**30)})
            if value is not None and value.real > -20:
                continue  # no fall towards −∞ is visible at t = 1e-30
            found.append(_Finding(None, f"The behaviour at {where} could not be decided."))
        elif rate is sp.oo:
            found.append(
                _Finding(sp.false, f"The penalty falls to -oo faster than log at {where}.")
            )
        elif rate.is_positive:
            bound = simplified(1 / rate)
            how = f"At {where} the density has the singularity t**({-rate * lam})"
            edge = border.at_origin(local, rate)
            found.append(_with_border(lam < bound, lam <= bound, edge, how))
        elif not (rate.is_nonpositive or rate is -sp.oo):
            condition = sp.Lt(lam * rate, 1)
            reason = f"At {where} the density is like t**({-rate * lam}): {condition} is needed."
            found.append(_Finding(condition, reason))
    return found
