"""Convexity on the domain and concavity on a > 0: piece by piece, then at the junctions.

``curvature_proof`` is ``"symbolic"`` (every claim proved), ``"counterexample"`` (a claim "not"
rests on points where the opposite holds) or ``"numeric"`` (some claim rests on numbers alone).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy as sp

from neglog.derivations.asymptotics.limits import limit_from_right
from neglog.derivations.derivatives import derivative
from neglog.derivations.half_line import Piece, Side
from neglog.derivations.numbers import samples, value_at
from neglog.derivations.shapes.bending import COUNTEREXAMPLE, NUMERIC, SYMBOLIC, Bend, bend
from neglog.derivations.shapes.signs import certain_sign
from neglog.priors.symbols import y

WEAKEST = (SYMBOLIC, COUNTEREXAMPLE, NUMERIC)


@dataclass(frozen=True)
class Verdict:
    """True, False, a condition on the parameters, or None; and how it is known."""

    holds: sp.Basic | None
    proof: str = SYMBOLIC


def convexity(sides: Sequence[Side], slope: sp.Expr | None, jump: bool) -> dict[str, Any]:
    """``convex`` and ``concave_on_positive`` (true, false, a condition or None) and the proof."""
    bends = [[bend(piece) for piece in side.pieces] for side in sides]
    convex = _convex(sides, bends, slope, jump)
    concave = _concave(sides[0], bends[0])
    proof = max(convex.proof, concave.proof, key=WEAKEST.index)
    return {
        "convex": convex.holds,
        "concave_on_positive": concave.holds,
        "curvature_proof": proof,
    }


def _convex(
    sides: Sequence[Side], bends: Sequence[Sequence[Bend]], slope: sp.Expr | None, jump: bool
) -> Verdict:
    if jump or any(_gap(side) for side in sides):
        return Verdict(sp.false)
    parts = [Verdict(b.up, b.proof) for row in bends for b in row]
    parts += [_junction(p, q, 1) for side in sides for p, q in pairwise(side.pieces)]
    if len(sides) == 2:
        parts.append(_across_zero(sides))
    elif sides[0].weight == 2:
        parts.append(_sign_verdict(slope))
    return _all(parts)


def _gap(side: Side) -> bool:
    """Whether φ is infinite somewhere and finite further out: its domain is no interval."""
    infinite = [piece.phi is sp.oo for piece in side.pieces]
    both_signs = side.weight == 2 and infinite[0] and not all(infinite)
    return both_signs or any(p and not q for p, q in pairwise(infinite) if not infinite[0])


def _concave(side: Side, bends: Sequence[Bend]) -> Verdict:
    if any(piece.phi is sp.oo for piece in side.pieces):
        return Verdict(sp.false)
    parts = [Verdict(b.down, b.proof) for b in bends]
    parts += [_junction(p, q, -1) for p, q in pairwise(side.pieces)]
    return _all(parts)


def _all(parts: Sequence[Verdict]) -> Verdict:
    """The conjunction: one refutation is enough, and carries its own proof."""
    refuted = [p for p in parts if p.holds == sp.false]
    if refuted:
        return min(refuted, key=lambda p: WEAKEST.index(p.proof))
    if any(p.holds is None for p in parts):
        return Verdict(None)
    proof = max((p.proof for p in parts), key=WEAKEST.index, default=SYMBOLIC)
    return Verdict(sp.And(*[p.holds for p in parts]), proof)


def _sign_verdict(expr: sp.Expr | None) -> Verdict:
    """Whether an expression is ≥ 0 for all parameters."""
    if expr is None:
        return Verdict(None)
    if isinstance(expr, sp.Piecewise):
        return _all([_sign_verdict(value) for value, _ in expr.args])
    if expr in (sp.oo, -sp.oo):
        return Verdict(sp.sympify(expr is sp.oo))
    known = certain_sign(expr)
    if known is not None:
        return Verdict(sp.sympify(known >= 0))
    values = [value_at(expr, point, 30) for point in samples(expr.free_symbols, 5)]
    if any(v is None for v in values):
        return Verdict(None)
    signs = {v.real >= 0 for v in values if v is not None}
    return Verdict(sp.sympify(signs.pop()), NUMERIC) if len(signs) == 1 else Verdict(None)


def _junction(left: Piece, right: Piece, direction: int) -> Verdict:
    """Whether slopes rise (+1) or fall (−1) where two pieces meet, and the values agree."""
    if left.phi is sp.oo or right.phi is sp.oo:
        return Verdict(sp.true)  # a constraint; see _gap
    edge = right.lo
    values = _known([limit_from_right(p.phi, y, edge) for p in (left, right)])
    slopes = _known([limit_from_right(derivative(p.phi), y, edge) for p in (left, right)])
    if values is None or slopes is None:
        return Verdict(None)
    if values[0] in (sp.oo, -sp.oo) or values[1] in (sp.oo, -sp.oo):
        return Verdict(sp.false)
    step = sp.simplify(values[1] - values[0])
    if step != 0:
        at = [value_at(step, point, 30) for point in samples(step.free_symbols, 3)]
        same = all(v is not None and abs(v) < 1e-20 for v in at)
        if not same:
            return Verdict(sp.false)  # a jump inside is neither convex nor concave
    return _sign_verdict(sp.simplify(direction * (slopes[1] - slopes[0])))


def _known(values: Sequence[sp.Expr | None]) -> list[sp.Expr] | None:
    found = [v for v in values if v is not None]
    return found if len(found) == len(values) else None


def _across_zero(sides: Sequence[Side]) -> Verdict:
    """Whether φ is continuous at 0 and its slope does not fall there."""
    right, left = sides[0].pieces[0], sides[1].pieces[0]
    if sp.oo in (right.phi, left.phi):
        return Verdict(sp.true)
    mirrored = Piece(right.lo, right.hi, right.phi), Piece(left.lo, left.hi, left.phi)
    values = _known([limit_from_right(p.phi, y, sp.S.Zero) for p in mirrored])
    slopes = _known([limit_from_right(derivative(p.phi), y, sp.S.Zero) for p in mirrored])
    if values is None or slopes is None:
        return Verdict(None)
    if sp.simplify(values[1] - values[0]) != 0:
        return Verdict(sp.false)
    return _sign_verdict(sp.simplify(slopes[0] + slopes[1]))
