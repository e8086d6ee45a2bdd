"""When does exp(−λφ) have a finite integral? Decided before any integration, by growth alone.

Tail: φ/log y → ∞ makes it proper for every λ, → 0 for none, → c > 0 exactly for λ > 1/c (at λ = 1/c
the next term decides: with φ = c log y + r, r/log log y → m it converges iff m/c > 1).
A singularity where φ → −∞ like −k log t is integrable iff λk < 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.growth import AT_INFINITY, AT_ZERO, ratio
from neglog.derivations.half_line import Piece, Side
from neglog.derivations.numbers import simplified, value_at
from neglog.priors.symbols import lam, y

ALWAYS, NEVER, IF, UNKNOWN = "always", "never", "if", "unknown"


@dataclass(frozen=True)
class Propriety:
    """The verdict, the condition in ``lam`` and the parameters, and one sentence of reason."""

    proper: str
    when: sp.Basic | None
    reason: str

    def moment_exists(self, order: int, tail: sp.Expr | None) -> sp.Basic | None:
        """When the absolute moment of an order exists, given lim φ/log y in the tail."""
        if self.proper in (NEVER, UNKNOWN) or tail is None:
            return None
        if tail is sp.oo:
            return self.when
        return _intersect([self.when, strength_above((order + 1) / tail)])


def strength_above(bound: sp.Expr) -> sp.Basic:
    """λ > bound, with the bound simplified."""
    return lam > simplified(bound)


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
    """The conjunction, with the numeric bounds on λ merged into the tightest interval."""
    joined = sp.And(*conditions)
    parts = joined.args if isinstance(joined, sp.And) else (joined,)
    numeric = [p for p in parts if p.free_symbols == {lam}]
    if not numeric:
        return joined
    allowed = sp.Intersection(sp.Interval.open(0, sp.oo), *[p.as_set() for p in numeric])
    if allowed is sp.S.EmptySet:
        return sp.false
    ends = []
    if allowed.start > 0:
        ends.append(lam > allowed.start if allowed.left_open else lam >= allowed.start)
    if allowed.end < sp.oo:
        ends.append(lam < allowed.end if allowed.right_open else lam <= allowed.end)
    return sp.And(*ends, *[p for p in parts if p not in numeric])


def tail_rate(sides: Sequence[Side]) -> sp.Expr | None:
    """The smallest lim φ/log y over the sides (∞ on bounded support); None where unknown."""
    rates = []
    for side in sides:
        phi = side.pieces[-1].phi
        rate = sp.oo if phi is sp.oo else ratio(phi, sp.log(y), AT_INFINITY)
        if rate is None:
            return None
        rates.append(rate)
    return sp.Min(*rates)


def _tail(piece: Piece) -> _Finding:
    phi = piece.phi
    if phi is sp.oo:
        return _Finding(sp.true, "The support is bounded.")
    if phi is -sp.oo or phi.has(sp.nan, sp.zoo):
        return _Finding(None, "The penalty is not defined in the tail.")
    rate = ratio(phi, sp.log(y), AT_INFINITY)
    if rate is None:
        return _Finding(None, "The growth of the penalty against log|a| could not be decided.")
    if rate is sp.oo:
        return _Finding(sp.true, "The penalty outgrows every multiple of log|a|.")
    if rate is -sp.oo or rate.is_negative:
        return _Finding(sp.false, "The penalty falls without bound, so exp(-lam*phi) grows.")
    if rate.is_zero:
        return _Finding(sp.false, _too_slow(phi))
    if not rate.is_positive:
        return _Finding(None, "The sign of the growth against log|a| depends on the parameters.")
    at_border = _border_converges(phi, rate)
    bound = simplified(1 / rate)
    how = f"The penalty grows like {rate}*log|a|, so the tail is |a|**({-rate * lam})"
    if rate == 1:
        how = "The penalty grows like log|a|, so the tail is |a|**(-lam)"
    if at_border:
        return _Finding(lam >= bound, f"{how}, integrable at lam = {bound} too by its log factors.")
    return _Finding(lam > bound, f"{how}, integrable only for lam > {bound}.")


def _too_slow(phi: sp.Expr) -> str:
    limit = value_at(phi, {**dict.fromkeys(phi.free_symbols, 1), y: sp.Integer(10) ** 40})
    bounded = limit is not None and abs(limit) < 60
    what = "is bounded" if bounded else "grows slower than log|a|"
    return f"The penalty {what}, so exp(-lam*phi) is not integrable at infinity for any lam."


def _border_converges(phi: sp.Expr, rate: sp.Expr) -> bool:
    """Whether y⁻¹ exp(−r/c) is integrable at infinity, r = φ − c log y, by r/log log y → m > c."""
    rest = sp.expand_log(phi, force=True) - rate * sp.log(y)
    if not rest.has(sp.log) or rest.is_constant(y):
        return False
    second = ratio(rest, sp.log(sp.log(y)), AT_INFINITY)
    return second is not None and (second is sp.oo or bool((second - rate).is_positive))


def _singularities(piece: Piece) -> list[_Finding]:
    """What the left end and the zeros of logarithms and denominators inside the piece demand."""
    phi = piece.phi
    if phi is sp.oo or not phi.has(y):
        return []
    findings = []
    points = _singular_points(phi)
    if points is None:
        return [_Finding(None, "The singularities of the penalty could not be located.")]
    for point in points:
        findings += _at(phi, point, piece)
    return findings


def _singular_points(phi: sp.Expr) -> list[sp.Expr] | None:
    """0 and the places where a logarithm's argument or a denominator vanishes on y > 0."""
    suspects = [node.args[0] for node in phi.atoms(sp.log)]
    suspects += [p.base for p in phi.atoms(sp.Pow) if p.exp.is_negative]
    points: list[sp.Expr] = [sp.S.Zero]
    for suspect in suspects:
        if not suspect.has(y) or suspect.is_positive:
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
            found.append(
                _Finding(
                    lam < bound,
                    f"At {where} the density has the singularity t**({-rate * lam}), "
                    f"integrable only for lam < {bound}.",
                )
            )
        elif not (rate.is_nonpositive or rate is -sp.oo):
            found.append(_Finding(None, f"The behaviour at {where} depends on the parameters."))
    return found
