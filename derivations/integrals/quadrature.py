"""Independent numbers: ∫ w(y) exp(−λφ(y)) dy by quadrature at arbitrary precision.

Every closed form is checked against these before it is returned, and they are the answer, with an
error estimate, where no closed form is known. The substitution y = e^t turns algebraic tails and
power singularities at 0 into exponential decay, where double exponential
rules are at their best (Takahasi & Mori, Double exponential formulas for numerical
integration, 1974).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import mpmath as mp
import sympy as sp

from neglog.derivations.half_line import Piece, Side
from neglog.derivations.numbers import UNCOMPUTABLE, Point, Real, function, substitute
from neglog.priors.symbols import lam, y


@dataclass(frozen=True)
class Estimate:
    """A number and a bound on its error, as estimated by doubling the rule."""

    value: Real
    error: Real

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.value + other.value, self.error + other.error)

    def times(self, factor: Real) -> Estimate:
        """The estimate multiplied by an exact number."""
        return Estimate(self.value * factor, self.error * abs(factor))


def integral(
    sides: Sequence[Side],
    point: Point,
    order: int = 0,
    *,
    signed: bool = False,
    weight: sp.Expr = sp.S.One,
    digits: int = 25,
) -> Estimate | None:
    """∫ |a|^order · weight · exp(−λφ) da at a numeric point; None where it does not converge.

    ``weight`` is an expression in y = |a|; ``signed`` integrates a^order instead.
    """
    return _integral(tuple(sides), frozenset(point.items()), order, signed, weight, digits)


@lru_cache(maxsize=256)
def _integral(
    sides: tuple[Side, ...],
    point: frozenset[tuple[sp.Symbol, sp.Expr]],
    order: int,
    signed: bool,
    weight: sp.Expr,
    digits: int,
) -> Estimate | None:
    with mp.workdps(digits + 10):
        total = Estimate(mp.mpf(0), mp.mpf(0))
        for side in sides:
            weighted = _signed_weight(side, order) if signed else side.weight
            for piece in side.pieces:
                part = piece_integral(piece, dict(point), weight * y**order, digits=digits)
                if part is None:
                    return None
                total = total + part.times(weighted)
        return total


def _signed_weight(side: Side, order: int) -> int:
    """How often a side counts towards E a^order: an even side cancels itself for odd orders."""
    if order % 2 == 0:
        return side.weight
    return 0 if side.weight == 2 else side.sign


def piece_integral(
    piece: Piece, point: Point, weight: sp.Expr = sp.S.One, *, digits: int = 25
) -> Estimate | None:
    """∫ weight·exp(−λφ) dy over one piece, at a numeric point."""
    if piece.phi is sp.oo:
        return Estimate(mp.mpf(0), mp.mpf(0))
    with mp.workdps(digits + 10):
        exponent = substitute(-lam * piece.phi, point, digits + 10)
        f = function([y], exponent)
        w = function([y], substitute(weight, point, digits + 10))
        lo, hi = (_number(substitute(edge, point, digits + 10)) for edge in (piece.lo, piece.hi))

        def integrand(t: Real) -> Real:
            at = mp.exp(t)
            value = mp.re(f(at))
            return mp.mpf(0) if value == -mp.inf else w(at) * mp.exp(value) * at

        try:
            knots = _knots(lo, hi, integrand)
            if knots is None:
                return None
            value, error = mp.quad(integrand, knots, error=True, maxdegree=9)
        except UNCOMPUTABLE:
            return None
        if not mp.isfinite(value):
            return None
        return Estimate(value, max(error, abs(value) * mp.mpf(10) ** (-digits)))


def information(sides: Sequence[Side], point: Point, *, digits: int = 25) -> Estimate | None:
    """E[(λ a φ′(a) − 1)²], Fisher's information about the scale, at a numeric point."""
    return _expectation(sides, point, lambda phi: (lam * y * sp.diff(phi, y) - 1) ** 2, digits)


def mean_penalty(sides: Sequence[Side], point: Point) -> Estimate | None:
    """λ E φ(A) at a numeric point."""
    return _expectation(sides, point, lambda phi: lam * phi, 25)


def _expectation(
    sides: Sequence[Side], point: Point, weight: Callable[[sp.Expr], sp.Expr], digits: int
) -> Estimate | None:
    norm = integral(sides, point, digits=digits)
    if norm is None:
        return None
    total = Estimate(mp.mpf(0), mp.mpf(0))
    for side in sides:
        for piece in side.pieces:
            if piece.phi is sp.oo:
                continue
            part = piece_integral(piece, point, weight(piece.phi), digits=digits)
            if part is None:
                return None
            total = total + part.times(side.weight)
    return ratio_of(total, norm)


def ratio_of(over: Estimate, under: Estimate) -> Estimate:
    """A quotient of two estimates with the errors of both."""
    with mp.workdps(35):
        value = over.value / under.value
        return Estimate(value, (over.error + abs(value) * under.error) / under.value)


def _number(edge: sp.Expr) -> Real:
    return mp.inf if edge is sp.oo else mp.mpf(sp.N(edge, mp.mp.dps))


def _knots(lo: Real, hi: Real, integrand: Callable[[Real], Real]) -> list[Real] | None:
    """Where to cut the t axis: the ends at which the integrand has faded, and its peak."""
    tiny = mp.mpf(10) ** (-mp.mp.dps - 3)
    left = _faded(integrand, -1, tiny) if lo == 0 else mp.log(lo)
    right = _faded(integrand, +1, tiny) if hi == mp.inf else mp.log(hi)
    if left is None or right is None or right <= left:
        return None
    return [left, _peak(integrand, left, right), right]


def _faded(integrand: Callable[[Real], Real], direction: int, tiny: Real) -> Real | None:
    """A t beyond which the integrand stays below ``tiny`` of its size; None if it never fades."""
    t, largest, found = 0, mp.mpf(0), None
    while abs(t) <= 4000:
        value = abs(integrand(mp.mpf(t)))
        largest = max(largest, value)
        if largest > 0 and value <= tiny * largest:
            found = mp.mpf(t)
            break
        t += direction * max(1, int(abs(t)) // 4)
    return found


def _peak(integrand: Callable[[Real], Real], left: Real, right: Real) -> Real:
    grid = [left + (right - left) * i / 48 for i in range(1, 48)]
    return max(grid, key=lambda t: abs(integrand(t)))
