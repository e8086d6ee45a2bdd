"""Integrals over the one total: closed forms from the table, and quadrature at numbers."""

from __future__ import annotations

import sympy as sp

from neglog.derivations.half_line import Piece
from neglog.derivations.integrals.mellin import transform
from neglog.derivations.integrals.quadrature import Estimate, piece_integral
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.joint.totals import OneTotal, s
from neglog.derivations.numbers import Point, simplified
from neglog.priors.symbols import d, y


def expectation(total: OneTotal, weight: sp.Expr, dim: sp.Expr) -> sp.Expr | None:
    """∫ weight·w(s) exp(−λg) ds in closed form: the table, for symbolic d where the row allows."""
    weighted = weight * total.measure.weight
    power = (
        simplified(sp.diff(sp.log(weighted), s) * s) if total.measure.power is not None else None
    )
    if power is not None and not power.has(s):
        factor = simplified(weighted / s**power)
        found = transform(terms_of(total.g.subs(s, y)), power + 1)
        return None if found is None else factor * found
    return None


def total_integral(total: OneTotal, weight: sp.Expr, point: Point) -> Estimate | None:
    """∫ weight(s)·w(s) exp(−λ g(s)) ds at a numeric point with d an integer."""
    at = dict(point)
    inner = (weight * total.measure.weight).subs(d, at[d])
    g = total.g.subs(d, at[d])
    piece = Piece(sp.S.Zero, sp.oo, g.subs(s, y))
    inner = inner.subs(s, y)
    if at[d] <= 4:  # elementary there; for large d the expansion is longer than the series
        inner = sp.hyperexpand(inner)
    return piece_integral(piece, at, inner)
