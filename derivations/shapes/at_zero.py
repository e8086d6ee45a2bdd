"""What φ does at 0: the kink φ'(0⁺), a jump, and whether estimates are exactly 0."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from neglog.derivations.asymptotics.limits import limit_from_right
from neglog.derivations.deadline import within
from neglog.derivations.derivatives import derivative
from neglog.derivations.half_line import Side
from neglog.derivations.numbers import samples, simplified, value_at
from neglog.derivations.shapes.bending import nonnegative
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y

SECONDS = 2.0
# Exponents at which a parameter-dependent slope is looked at, below and above 1.
BELOW = (sp.Rational(2, 5), sp.Rational(7, 10))
ABOVE = (sp.Rational(13, 10), sp.Rational(27, 10), sp.Integer(4))


def kink(sides: Sequence[Side]) -> sp.Expr | None:
    """φ'(0⁺), the slope on the right of 0; ∞ where φ rises infinitely fast.

    Where it depends on an exponent it is a Piecewise in that parameter.
    """
    phi = sides[0].pieces[0].phi
    if phi is sp.oo:
        return None
    if not phi.has(y):
        return sp.S.Zero
    slope = derivative(phi)
    if _exponents(phi):
        return within(SECONDS, lambda: _cases(phi), None)
    return within(SECONDS, lambda: _limit(slope), None)


def _limit(slope: sp.Expr) -> sp.Expr | None:
    found = limit_from_right(slope, y, sp.S.Zero)
    return None if found is None else simplified(found)


def _exponents(phi: sp.Expr) -> list[sp.Expr]:
    """Exponents of y that hold parameters."""
    powers = [p for p in phi.atoms(sp.Pow) if p.base.has(y) and p.exp.free_symbols - {y}]
    return sorted({p.exp for p in powers if not p.exp.has(y)}, key=str)


def _cases(phi: sp.Expr) -> sp.Expr | None:
    """The slope below, at and above the value of a parameter where an exponent of y is 1."""
    bare = {p.exp for p in phi.atoms(sp.Pow) if p.base == y}
    found = [e for e in _exponents(phi) if e in bare]
    if not found:
        return _limit(derivative(phi))
    exponent, names = found[0], found[0].free_symbols
    if len(found) > 1 or len(names) != 1:
        return None
    (name,) = names
    slope = derivative(phi)

    def at(value: sp.Expr) -> sp.Expr | None:
        solutions = sp.solve(exponent - value, name)
        return _limit(slope.subs(name, solutions[0])) if len(solutions) == 1 else None

    below = {at(v) for v in BELOW}
    above = {at(v) for v in ABOVE}
    middle = at(sp.S.One)
    if len(below) != 1 or len(above) != 1 or None in below | above or middle is None:
        return _seen(slope)  # it depends on the exponent in another way, or not at all
    small, large = below.pop(), above.pop()
    if small == large == middle:
        return small
    return sp.Piecewise((small, exponent < 1), (middle, sp.Eq(exponent, 1)), (large, True))


def _seen(slope: sp.Expr) -> sp.Expr | None:
    """The slope's limit where it is ±∞ and the slope close to 0 is as large for all parameters."""
    found = _limit(slope)
    if found not in (sp.oo, -sp.oo):
        return None
    for point in samples(slope.free_symbols - {y}, 4):
        value = value_at(slope, {**point, y: sp.Float("1e-60", 20)})
        if value is None or value.real * (1 if found is sp.oo else -1) < 1e6:
            return None
    return found


def jumps_at_zero(phi: Penalty) -> bool:
    """Whether φ(0) lies below φ(0⁺), as for the number of non-zeros."""
    ones = {p: sp.Integer(1) for p in phi.parameters}
    at, near = value_at(phi.expr, {a: 0, **ones}), value_at(phi.expr, {a: 1e-30, **ones})
    if at is None or near is None:
        return False
    return abs(at) != float("inf") and near.real - at.real > 1e-9


def exact_zeros(sides: Sequence[Side], slope: sp.Expr | None, jump: bool) -> sp.Basic | None:
    """When the estimate is exactly 0 for an interval of data: True, False or a condition.

    On the positive domain and for an even φ that is an interval of x > 0, so φ'(0⁺) > 0: a half
    line alone, which sends all x ≤ 0 to 0, is not counted. Otherwise the slope must rise at 0.
    """
    if jump:
        return sp.true
    if len(sides) == 2:
        left = kink(sides[1:])
        if left is None or slope is None:
            return None
        rises = left + slope
        return None if rises is sp.nan else _positive(rises)
    return None if slope is None else _positive(slope)


def _positive(slope: sp.Expr) -> sp.Basic | None:
    if isinstance(slope, sp.Piecewise):
        parts = [(_positive(value), condition) for value, condition in slope.args]
        if any(p is None for p, _ in parts):
            return None
        otherwise = parts[-1][0]
        unlike = sp.Or(*[c for p, c in parts[:-1] if p != otherwise])
        return sp.simplify(sp.Not(unlike) if otherwise == sp.true else unlike)
    if slope is sp.oo or slope.is_positive:
        return sp.true
    if slope is -sp.oo or slope.is_nonpositive:
        return sp.false
    if slope.has(sp.oo, -sp.oo):  # ∞ times something whose sign depends on the parameters
        return None
    at_most = nonnegative(-slope)
    if at_most in (sp.true, sp.false):
        return None
    return sp.Gt(slope, 0) if at_most.rhs == 0 else sp.Not(at_most)
