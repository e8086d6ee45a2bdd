"""Shape: the tail's class, the kink at 0, convexity, and the reweighted least-squares weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.growth import AT_INFINITY, ratio
from neglog.derivations.half_line import Side
from neglog.derivations.numbers import UNCOMPUTABLE, samples, simplified, value_at
from neglog.derivations.terms import terms_of
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import lam, y

SECONDS = 1.5


def tail(sides: Sequence[Side]) -> dict[str, Any] | None:
    """The class of the heaviest tail and its index (a rate λc or a power λc)."""
    found = [_tail(side) for side in sides]
    if any(t is None for t in found):
        return None
    order = list(_LIGHT_TO_HEAVY)
    ranked = [t for t in found if t is not None]
    if any("cases" in t for t in ranked):
        return ranked[0] if len(ranked) == 1 else None
    return max(ranked, key=lambda t: order.index(t["class"]))


_LIGHT_TO_HEAVY = (
    "compact",
    "gaussian-or-lighter",
    "superexponential",
    "exponential",
    "subexponential",
    "regularly-varying",
    "none",
)


def _tail(side: Side) -> dict[str, Any] | None:
    phi = side.pieces[-1].phi
    if phi is sp.oo:
        return {"class": "compact", "index": None}
    if not phi.has(y):
        return {"class": "none", "index": None}
    exponent = _leading_power(phi)
    if exponent is not None and not exponent.is_number:
        return {"cases": _cases(exponent), "index": None}
    against_log = ratio(phi, sp.log(y), AT_INFINITY)
    if against_log is None:
        return None
    if against_log is not sp.oo:
        if against_log.is_positive:
            return {"class": "regularly-varying", "index": simplified(lam * against_log)}
        return {"class": "none", "index": None}
    linear = ratio(phi, y, AT_INFINITY)
    if linear is None:
        return None
    if linear.is_zero:
        return {"class": "subexponential", "index": None}
    if linear is not sp.oo:
        return {"class": "exponential", "index": simplified(lam * linear)}
    square = ratio(phi, y**2, AT_INFINITY)
    if square is None:
        return None
    name = "superexponential" if square.is_zero else "gaussian-or-lighter"
    return {"class": name, "index": None}


def _leading_power(phi: sp.Expr) -> sp.Expr | None:
    """q where the only growing term is y^q with q > 0."""
    powers = [t for t in terms_of(phi).terms if t.kind != "log"]
    if len(powers) == 1 and powers[0].kind == "power" and powers[0].coefficient.is_positive:
        return powers[0].parameters[0]
    return None


def _cases(q: sp.Expr) -> dict[str, str]:
    return {
        f"{q} < 1": "subexponential",
        f"Eq({q}, 1)": "exponential",
        f"({q} > 1) & ({q} < 2)": "superexponential",
        f"{q} >= 2": "gaussian-or-lighter",
    }


def kink(sides: Sequence[Side]) -> sp.Expr | None:
    """φ'(0⁺), the slope on the right of 0; ∞ where φ jumps up from φ(0)."""
    phi = sides[0].pieces[0].phi
    if phi is sp.oo or not phi.has(y):
        return sp.S.Zero

    def limit() -> sp.Expr | None:
        try:
            return simplified(sp.limit(sp.diff(phi, y), y, 0, "+"))
        except (*UNCOMPUTABLE, RecursionError, sp.PoleError):
            return None

    found = within(SECONDS, limit, None)
    unknown = found is None or found.has(sp.Limit, sp.nan, sp.AccumBounds, sp.zoo, y)
    return None if unknown else found


def jumps_at_zero(phi: Penalty) -> bool:
    """Whether φ(0) lies below φ(0⁺), as for the number of non-zeros."""
    from neglog.priors.symbols import a

    ones = {p: sp.Integer(1) for p in phi.parameters}
    at, near = value_at(phi.expr, {a: 0, **ones}), value_at(phi.expr, {a: 1e-30, **ones})
    if at is None or near is None:
        return False
    return abs(at) != float("inf") and near.real - at.real > 1e-9


def exact_zeros(slope: sp.Expr | None, jump: bool) -> bool | None:
    """Whether the maximum a posteriori estimate is exactly 0 for an interval of data."""
    if jump:
        return True
    if slope is None:
        return None
    if slope is sp.oo or slope.is_positive:
        return True
    return False if slope.is_nonpositive or slope is -sp.oo else None


def curvature(sides: Sequence[Side], slope: sp.Expr | None, jump: bool) -> dict[str, Any]:
    """Convexity on the domain and concavity on a > 0, and how each was established."""
    signs = [_sign_of_second(piece.phi) for side in sides for piece in side.pieces]
    first = [_sign_of_second(piece.phi) for piece in sides[0].pieces]
    smooth = all(len(side.pieces) == 1 for side in sides)
    even_kink_up = len(sides) > 1 or slope is sp.oo or (slope is not None and slope.is_nonnegative)
    symbolic = all(s[1] == "symbolic" for s in signs)
    pieces_convex = _all([s[0] in ("+", "0") if s[0] else None for s in signs])
    pieces_concave = _all([s[0] in ("-", "0") if s[0] else None for s in first])
    convex: bool | None
    if pieces_convex is None:
        convex = None
    elif jump or not pieces_convex or (sides[0].weight == 2 and not even_kink_up):
        convex = False
    else:
        convex = True if smooth and len(sides) == 1 else _convex_by_chords(sides)
    if pieces_concave and len(sides[0].pieces) > 1:
        pieces_concave = _slopes_fall(sides[0])
    return {
        "convex": convex,
        "concave_on_positive": pieces_concave,
        "curvature_proof": "symbolic" if symbolic else "numeric",
    }


def _all(values: Sequence[bool | None]) -> bool | None:
    if any(v is False for v in values):
        return False
    return None if any(v is None for v in values) else True


def _sign_of_second(phi: sp.Expr) -> tuple[str | None, str]:
    """("+", "-", "0", "mixed" or None) for the sign of φ'' on y > 0, and how it is known."""
    if phi is sp.oo or not phi.has(y):
        return "0", "symbolic"
    second = within(SECONDS, lambda: sp.factor(simplified(sp.diff(phi, y, 2))), None)
    if second is None:
        second = sp.diff(phi, y, 2)
    if second == 0:
        return "0", "symbolic"
    if second.is_nonnegative:
        return "+", "symbolic"
    if second.is_nonpositive:
        return "-", "symbolic"
    seen = set()
    for point in samples(second.free_symbols - {y}, 6):
        for exponent in range(-8, 9):
            value = value_at(second, {**point, y: sp.Float(3.7) ** exponent}, 30)
            if value is not None and abs(value) > 1e-25:
                seen.add("+" if value.real > 0 else "-")
    if seen == {"+", "-"}:
        # Both signs at one parameter point is a fact; across points it depends on the parameters.
        return ("mixed" if not second.free_symbols - {y} else None), "numeric"
    return (seen.pop() if seen else None), "numeric"


def _grid(sides: Sequence[Side]) -> list[float] | None:
    """φ on an even grid of its domain at one parameter point; None where not computable."""
    names = {s for side in sides for p in side.pieces for s in (p.phi + p.lo).free_symbols} - {y}
    point = samples(names, 1)[0]
    both = len(sides) > 1 or sides[0].weight == 2
    values: list[float] = []
    for i in range(-80 if both else 1, 81):
        side = sides[-1] if i < 0 and len(sides) > 1 else sides[0]
        at = sp.Float(abs(i)) / 16 if i else sp.Float(1e-9)
        value = _value_on(side, at, point)
        if value is None:
            return None
        values.append(value)
    return values


def _value_on(side: Side, at: sp.Float, point: dict[sp.Symbol, sp.Expr]) -> float | None:
    for piece in side.pieces:
        hi = piece.hi.subs(point)
        if hi is sp.oo or at < hi:
            value = value_at(piece.phi, {**point, y: at})
            return None if value is None else value.real
    return None


def _convex_by_chords(sides: Sequence[Side]) -> bool | None:
    """Whether slopes at the junctions rise: checked on a grid once every piece is convex."""
    values = _grid(sides)
    if values is None:
        return None
    triples = zip(values, values[1:], values[2:], strict=False)
    return all(mid <= (left + right) / 2 + 1e-9 * (1 + abs(mid)) for left, mid, right in triples)


def _slopes_fall(side: Side) -> bool | None:
    """Whether slopes at the junctions fall: concavity of a chain of concave pieces."""
    values = _grid([Side(side.pieces, 1, 1)])
    if values is None:
        return None
    triples = zip(values, values[1:], values[2:], strict=False)
    return all(mid >= (left + right) / 2 - 1e-9 * (1 + abs(mid)) for left, mid, right in triples)


def irls_weight(sides: Sequence[Side]) -> sp.Expr | None:
    """φ'(y)/y, the weight of iteratively reweighted least squares, in y = |a|."""
    whole = sides[0].whole
    if whole is None or len(sides) > 1:
        return None
    return within(SECONDS, lambda: simplified(sp.diff(whole, y) / y), None)
