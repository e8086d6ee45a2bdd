"""The sign of φ'' on one piece, for all parameters or under a condition on one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.derivatives import derivative
from neglog.derivations.half_line import Piece
from neglog.derivations.numbers import UNCOMPUTABLE, function, samples, simplified
from neglog.derivations.shapes.signs import certain_sign
from neglog.priors.symbols import y

SYMBOLIC, COUNTEREXAMPLE, NUMERIC = "symbolic", "counterexample", "numeric"
SECONDS = 1.5
POINTS = 7
DIGITS = 60
NOISE = mp.mpf(10) ** -45


@dataclass(frozen=True)
class Bend:
    """Whether φ'' ≥ 0 (``up``) and φ'' ≤ 0 (``down``): True, False, or a condition; None unknown.

    ``proof`` is how: by algebra, by a point where the opposite holds, or by numbers alone.
    """

    up: sp.Basic | None
    down: sp.Basic | None
    proof: str


STRAIGHT = Bend(sp.true, sp.true, SYMBOLIC)


def bend(piece: Piece) -> Bend:
    """The bend of a smooth piece."""
    if piece.phi is sp.oo or not piece.phi.has(y):
        return STRAIGHT
    second = derivative(piece.phi, 2)
    if second == 0 or (second.is_rational_function(y) and sp.simplify(second) == 0):
        return STRAIGHT
    free = second.free_symbols | piece.lo.free_symbols | piece.hi.free_symbols
    names = sorted(free - {y}, key=str)
    seen = _signs_seen(second, piece, names)
    everywhere = set().union(*seen.values()) if seen else set()
    if not everywhere:
        return Bend(None, None, NUMERIC)
    if len(everywhere) == 1:
        up = everywhere == {1}
        found = within(SECONDS, lambda: _proved(second, piece), None)
        proof = SYMBOLIC if found == (1 if up else -1) else NUMERIC
        return Bend(sp.sympify(up), sp.sympify(not up), proof)
    if all(signs == {1, -1} for signs in seen.values()):
        neither = within(SECONDS, lambda: _conditions(second), None) == (sp.false, sp.false)
        weaker = NUMERIC if names else COUNTEREXAMPLE
        return Bend(sp.false, sp.false, SYMBOLIC if neither and _whole(piece) else weaker)
    condition = within(SECONDS, lambda: _conditions(second), None) if _whole(piece) else None
    if condition is None:
        return Bend(_unless(-1, seen), _unless(1, seen), NUMERIC)
    up, down = condition
    points = [dict(zip(names, key, strict=True)) for key in seen]
    agree = all(
        _holds(up, point) == (signs <= {1}) and _holds(down, point) == (signs <= {-1})
        for point, signs in zip(points, seen.values(), strict=True)
    )
    return Bend(up, down, SYMBOLIC) if agree else Bend(None, None, NUMERIC)


def _whole(piece: Piece) -> bool:
    return piece.lo == 0 and piece.hi is sp.oo


def _unless(against: int, seen: Mapping[Any, set[int]]) -> sp.Basic | None:
    """False where every parameter point speaks against it."""
    return sp.false if all(against in signs for signs in seen.values()) else None


def _holds(condition: sp.Basic, point: Mapping[sp.Symbol, sp.Expr]) -> bool:
    return bool(condition.subs(point) == sp.true)


def _signs_seen(
    second: sp.Expr, piece: Piece, names: list[sp.Symbol]
) -> dict[tuple[sp.Expr, ...], set[int]]:
    """The signs of φ'' on the piece at sample parameters, by 60-digit numbers."""
    run = function([y, *names], second)
    out: dict[tuple[sp.Expr, ...], set[int]] = {}
    for point in samples(names, POINTS if names else 1):
        key = tuple(point[n] for n in names)
        signs: set[int] = set()
        with mp.workdps(DIGITS):
            values = [mp.mpf(v.p) / v.q for v in key]
            for at in _places(piece, point):
                try:
                    value = mp.mpmathify(run(at, *values))
                except (*UNCOMPUTABLE, TypeError):
                    continue
                if mp.isfinite(value) and abs(value) > NOISE:
                    signs.add(1 if mp.re(value) > 0 else -1)
        if signs:
            out[key] = signs
    return out


def _places(piece: Piece, point: Mapping[sp.Symbol, sp.Expr]) -> list[Any]:
    lo = mp.mpf(sp.N(piece.lo.subs(point), DIGITS))
    if piece.hi is sp.oo:
        return [lo + mp.mpf(10) ** (mp.mpf(k) / 4) for k in range(-18, 19)]
    hi = mp.mpf(sp.N(piece.hi.subs(point), DIGITS))
    return [lo + (hi - lo) * k / 24 for k in range(1, 24)]


def _proved(second: sp.Expr, piece: Piece) -> int | None:
    """The sign of φ'' by a certificate, on the piece written with t > 0."""
    t = sp.Dummy("t", positive=True)
    if piece.hi is sp.oo:
        inside = second if piece.lo == 0 else second.subs(y, piece.lo + t)
    else:
        inside = second.subs(y, (piece.lo + piece.hi * t) / (1 + t))
    found = certain_sign(inside)
    return found if found is not None else certain_sign(simplified(inside))


def _conditions(second: sp.Expr) -> tuple[sp.Basic, sp.Basic] | None:
    """(φ'' ≥ 0 iff, φ'' ≤ 0 iff) where all but one factor has a certain sign.

    That one is free of y, or A + B·y^p: of one sign on y > 0 iff A and B are.
    """
    factored = sp.factor(sp.together(sp.powsimp(second)))
    sign, open_factors = 1, []
    for factor in sp.Mul.make_args(factored):
        known = certain_sign(factor)
        if known is None:
            open_factors.append(factor)
        else:
            sign *= known
    if len(open_factors) != 1:
        return None
    constant, rest = sp.expand(sign * open_factors[0]).as_independent(y, as_Add=True)
    parts = [constant]
    if rest != 0:
        rest = sp.factor(rest)
        slope, power = rest.as_independent(y, as_Add=False)
        base, exponent = power.as_base_exp()
        if base != y or not (exponent.is_positive or exponent.is_negative):
            return None
        parts.append(slope)
    up = sp.And(*[nonnegative(p) for p in parts])
    down = sp.And(*[nonnegative(-p) for p in parts])
    return up, down


def nonnegative(expr: sp.Expr) -> sp.Basic:
    """expr ≥ 0, solved for its parameter where it is linear in a single one."""
    known = certain_sign(expr)
    if known is not None:
        return sp.true if known >= 0 else sp.false
    free = sorted(expr.free_symbols, key=str)
    if len(free) == 1 and expr.is_polynomial(free[0]) and sp.degree(expr, free[0]) == 1:
        slope, rest = sp.Poly(expr, free[0]).all_coeffs()
        relation = sp.Ge if slope > 0 else sp.Le
        return relation(free[0], -rest / slope)
    return sp.Ge(expr, 0)
