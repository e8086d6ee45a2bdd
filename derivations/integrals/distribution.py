"""The CDF in closed form, by the tables of known indefinite integrals, verified by quadrature."""

from __future__ import annotations

from collections.abc import Sequence

import mpmath as mp
import sympy as sp

from neglog.derivations.half_line import Piece, Side, parameters
from neglog.derivations.integrals.closed import FUNCTIONS_NOT_CLOSED, points_where, tidy
from neglog.derivations.integrals.primitives import between, primitives
from neglog.derivations.integrals.quadrature import integral
from neglog.derivations.integrals.substitution import by_substitution, in_exponential, line
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.numbers import UNCOMPUTABLE, Point, substitute
from neglog.priors.symbols import a, y

DIGITS = 12


def closed_cdf(sides: Sequence[Side], norm: sp.Expr, when: sp.Basic) -> sp.Expr | None:
    """P(A ≤ a) as an expression in ``a``; None where no table row serves a piece."""
    whole = line(sides) if len(sides) == 2 else None
    if whole is not None:
        found = _on_line(whole, norm)
        if found is not None and _is_mass(
            found.subs(a, y) - found.subs(a, 0), sides[0], sides, when
        ):
            return found
    masses = [_cumulative(side, norm) for side in sides]
    if any(m is None for m in masses):
        return None
    right = masses[0]
    assert right is not None
    right = tidied(right)
    if not _is_mass(right, sides[0], sides, when):
        return None
    if len(sides) == 2:
        left = masses[1]
        if left is None or not _is_mass(left, sides[1], sides, when):
            return None
        return _two_sided(left, right, sides, norm)
    if sides[0].weight == 2:
        return sp.S.Half + sp.sign(a) * right.subs(y, sp.Abs(a))
    return right.subs(y, a)


def _on_line(whole: sp.Expr, norm: sp.Expr) -> sp.Expr | None:
    """P(A ≤ a) by u = e^{a/k}, one formula for both signs of a."""
    found = in_exponential(whole)
    if found is None:
        return None
    terms, k = found
    lower, upper = primitives(terms, sp.S.Zero)
    at = sp.exp(a / k)
    if lower is not None:
        return k * lower.subs(y, at) / norm
    return None if upper is None else 1 - k * upper.subs(y, at) / norm


def _two_sided(left: sp.Expr, right: sp.Expr, sides: Sequence[Side], norm: sp.Expr) -> sp.Expr:
    whole_left = _sum(
        between(terms_of(p.phi), sp.S.One, p.lo, p.hi)
        for p in sides[1].pieces
        if p.phi is not sp.oo
    )
    below = whole_left / norm
    return sp.Piecewise((below - left.subs(y, -a), a < 0), (below + right.subs(y, a), True))


def tidied(mass: sp.Expr) -> sp.Expr:
    """The shortest form, each row of a Piecewise for itself."""
    if isinstance(mass, sp.Piecewise):
        return sp.Piecewise(*[(tidy(value), condition) for value, condition in mass.args])
    return tidy(mass)


def _sum(parts: object) -> sp.Expr:
    return sp.Add(*parts)  # type: ignore[misc]


def _cumulative(side: Side, norm: sp.Expr) -> sp.Expr | None:
    """P(0 < |A| ≤ y, this side) per unit weight; Piecewise where the penalty is cut."""
    before: sp.Expr = sp.S.Zero
    rows = []
    for piece in side.pieces:
        inside = _up_to_y(piece)
        if inside is None:
            return None
        rows.append(((before + inside) / norm, y < piece.hi if piece.hi is not sp.oo else sp.true))
        if piece.hi is not sp.oo:
            mass = _mass(piece)
            if mass is None:
                return None
            before = before + mass
    return rows[0][0] if len(rows) == 1 else sp.Piecewise(*rows)


def _mass(piece: Piece) -> sp.Expr | None:
    if piece.phi is sp.oo:
        return sp.S.Zero
    found = between(terms_of(piece.phi), sp.S.One, piece.lo, piece.hi)
    return by_substitution(piece.phi, 0, piece.lo, piece.hi) if found is None else found


def _up_to_y(piece: Piece) -> sp.Expr | None:
    """∫ from the piece's left end to y."""
    if piece.phi is sp.oo:
        return sp.S.Zero
    lower, upper = primitives(terms_of(piece.phi), sp.S.One)
    if lower is not None:
        return lower if piece.lo == 0 else lower - lower.subs(y, piece.lo)
    if upper is None:
        return by_substitution(piece.phi, 0, piece.lo, y)
    whole = between(terms_of(piece.phi), sp.S.One, piece.lo, sp.oo)
    return None if whole is None else whole - upper


def _is_mass(mass: sp.Expr, side: Side, sides: Sequence[Side], when: sp.Basic) -> bool:
    """Whether the formula agrees with quadrature at a point inside each piece."""
    if mass.has(*[f for f in FUNCTIONS_NOT_CLOSED if f is not sp.Piecewise]):
        return False
    points = points_where(when, parameters(sides), 2)
    return bool(points) and all(
        _agrees(mass, side, sides, point, at) for point in points for at in (0.31, 0.83, 2.7)
    )


def _agrees(mass: sp.Expr, side: Side, sides: Sequence[Side], point: Point, place: float) -> bool:
    at = sp.Float(place, 40)
    whole = integral(sides, point, digits=17)
    upto = integral([clipped(side, point, at)], point, digits=17)
    if whole is None or upto is None:
        return False
    try:
        value = sp.N(substitute(mass.subs(y, at), point, 30), 25)
    except UNCOMPUTABLE:
        return False
    if not value.is_number or not value.is_real:
        return False
    return bool(abs(mp.mpf(value) - upto.value / whole.value) < mp.mpf(10) ** -DIGITS)


def clipped(side: Side, point: Point, at: sp.Float) -> Side:
    """The part of a side with y < at, per unit weight, at numeric parameters."""
    kept = []
    for piece in side.pieces:
        lo, hi = (substitute(edge, point, 30) for edge in (piece.lo, piece.hi))
        if lo < at:
            kept.append(Piece(lo, min(hi, at), piece.phi))
    return Side(tuple(kept), 1, 1)
