"""From a penalty on its domain to penalties on the half line y > 0, cut at their breakpoints.

∫ exp(−λφ(a)) da is a sum of integrals over pieces (lo, hi) ⊂ (0, ∞) on each of which φ is one
smooth expression in y: one side for an even φ (counted twice) or the positive domain, two sides
otherwise. Piecewise, Abs, Max, Min and sign are what cuts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import sympy as sp

from neglog.derivations.numbers import simplified
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y


@dataclass(frozen=True)
class Piece:
    """φ(y) = ``phi`` for lo < y < hi."""

    lo: sp.Expr
    hi: sp.Expr
    phi: sp.Expr


@dataclass(frozen=True)
class Side:
    """One half line: its pieces in order, how often it counts, and the sign of ``a`` on it."""

    pieces: tuple[Piece, ...]
    weight: int
    sign: int

    @property
    def whole(self) -> sp.Expr | None:
        """φ(y) where one expression holds on the whole half line."""
        return self.pieces[0].phi if len(self.pieces) == 1 else None


def parameters(sides: Sequence[Side]) -> set[sp.Symbol]:
    """Every symbol but ``y`` in the pieces and their ends."""
    found: set[sp.Symbol] = set()
    for side in sides:
        for piece in side.pieces:
            for part in (piece.lo, piece.hi, piece.phi):
                found |= part.free_symbols
    return found - {y}


_CUTS = (sp.Piecewise, sp.Abs, sp.Max, sp.Min, sp.sign)


def sides(phi: Penalty) -> tuple[Side, ...] | None:
    """The half lines of a scalar penalty; None where the breakpoints cannot be put in order."""
    even = phi.on_half_line
    if even is not None:
        parts = cut(even)
        weight = 2 if phi.domain == "real" else 1
        return None if parts is None else (Side(parts, weight, +1),)
    right, left = cut(phi.expr.subs(a, y)), cut(phi.expr.subs(a, -y))
    if right is None or left is None:
        return None
    return Side(right, 1, +1), Side(left, 1, -1)


def cut(expr: sp.Expr) -> tuple[Piece, ...] | None:
    """The smooth pieces of an expression in y > 0."""
    if not expr.has(*_CUTS):
        return (Piece(sp.S.Zero, sp.oo, expr),)
    points = _breakpoints(expr)
    if points is None:
        return None
    edges = [sp.S.Zero, *points, sp.oo]
    pieces: list[Piece] = []
    for lo, hi in pairwise(edges):
        inside = _inside(lo, hi)
        smooth = _resolve(expr, lo, hi, inside)
        if smooth is None:
            return None
        if pieces and pieces[-1].phi == smooth:
            pieces[-1] = Piece(pieces[-1].lo, hi, smooth)
        else:
            pieces.append(Piece(lo, hi, smooth))
    return tuple(pieces)


def far_pieces(phi: Penalty) -> tuple[Piece, ...] | None:
    """What φ is beyond every breakpoint, on the right and the left: needs no order of them."""
    signs = (1,) if phi.domain == "positive" else (1, -1)
    found = []
    for sign in signs:
        expr = phi.expr.subs(a, sign * y)
        points = _points(expr)
        if points is None:
            return None
        beyond = sp.Add(*points)
        smooth = _resolve(expr, beyond, sp.oo, _inside(beyond, sp.oo))
        if smooth is None:
            return None
        found.append(Piece(beyond, sp.oo, smooth))
    return tuple(found)


def _inside(lo: sp.Expr, hi: sp.Expr) -> sp.Expr:
    return lo + 1 if hi is sp.oo else (lo + hi) / 2


def _conditions(expr: sp.Expr) -> list[sp.Expr]:
    """Expressions whose sign change is a breakpoint."""
    found: list[sp.Expr] = [node.args[0] for node in expr.atoms(sp.Abs, sp.sign)]
    for node in expr.atoms(sp.Max, sp.Min):
        args = list(node.args)
        found += [p - q for i, p in enumerate(args) for q in args[i + 1 :]]
    for node in expr.atoms(sp.Piecewise):
        for _, condition in node.args:
            found += [rel.lhs - rel.rhs for rel in condition.atoms(sp.core.relational.Relational)]
    return [f for f in found if f.has(y)]


def _breakpoints(expr: sp.Expr) -> list[sp.Expr] | None:
    points = _points(expr)
    return None if points is None else _ordered(points)


def _points(expr: sp.Expr) -> set[sp.Expr] | None:
    points: set[sp.Expr] = set()
    for f in _conditions(expr):
        inner = cut(f)  # |…|a| − k…|: an argument may itself be cut
        if inner is None:
            return None
        for piece in inner:
            points |= {piece.lo, piece.hi} - {sp.S.Zero, sp.oo}
            try:
                roots = sp.solve(piece.phi, y, dict=False)
            except NotImplementedError:
                return None
            points |= {simplified(r) for r in roots if r.is_positive is not False and r.is_real}
    return points


def _ordered(points: set[sp.Expr]) -> list[sp.Expr] | None:
    """The points from left to right, if that order holds for every positive parameter."""
    rest, out = list(points), []
    while rest:
        least = next(
            (p for p in rest if all(p is q or (q - p).is_positive for q in rest)),
            None,
        )
        if least is None:
            return None
        out.append(least)
        rest.remove(least)
    return out


def _sign(expr: sp.Expr, lo: sp.Expr, hi: sp.Expr, inside: sp.Expr) -> int | None:
    """The sign of an expression on (lo, hi), where it has no zero."""
    shifted = sp.Dummy(positive=True)
    trial = expr.subs(y, lo + shifted) if hi is sp.oo else expr.subs(y, lo + (hi - lo) * shifted)
    for candidate in (expr.subs(y, inside), trial, sp.expand(trial)):
        if candidate.is_positive:
            return 1
        if candidate.is_negative:
            return -1
        if candidate.is_zero:
            return 0
    return None


def _resolve(expr: sp.Expr, lo: sp.Expr, hi: sp.Expr, inside: sp.Expr) -> sp.Expr | None:
    """The expression on (lo, hi) without anything that cuts."""
    if not expr.has(*_CUTS):
        return expr
    if not expr.args:
        return expr
    if isinstance(expr, sp.Piecewise):
        for value, condition in expr.args:
            truth = _truth(condition, lo, hi, inside)
            if truth is None:
                return None
            if truth:
                return _resolve(value, lo, hi, inside)
        return sp.oo
    args: list[sp.Expr] = []
    for arg in expr.args:
        smooth = _resolve(arg, lo, hi, inside)
        if smooth is None:
            return None
        args.append(smooth)
    if isinstance(expr, sp.Abs | sp.sign):
        sign = _sign(args[0], lo, hi, inside)
        if sign is None:
            return None
        return sp.Integer(sign) if isinstance(expr, sp.sign) else sign * args[0]
    if isinstance(expr, sp.Max | sp.Min):
        best = args[0]
        for arg in args[1:]:
            sign = _sign(arg - best, lo, hi, inside)
            if sign is None:
                return None
            best = arg if (sign > 0) == isinstance(expr, sp.Max) else best
        return best
    return expr.func(*args)


def _truth(condition: sp.Basic, lo: sp.Expr, hi: sp.Expr, inside: sp.Expr) -> bool | None:
    if condition is sp.true or condition is sp.false:
        return condition is sp.true
    if isinstance(condition, sp.And | sp.Or):
        parts = [_truth(arg, lo, hi, inside) for arg in condition.args]
        if any(part is None for part in parts):
            return None
        return all(parts) if isinstance(condition, sp.And) else any(parts)
    if isinstance(condition, sp.Not):
        part = _truth(condition.args[0], lo, hi, inside)
        return None if part is None else not part
    difference = _resolve(condition.lhs - condition.rhs, lo, hi, inside)
    sign = None if difference is None else _sign(difference, lo, hi, inside)
    if sign is None:
        return None
    comparisons = {sp.Lt: sign < 0, sp.Le: sign <= 0, sp.Gt: sign > 0, sp.Ge: sign >= 0}
    comparisons |= {sp.Eq: sign == 0, sp.Ne: sign != 0}
    return comparisons[condition.func]
