"""Derivatives of φ on the half line, with Bessel functions of neighbouring orders written by two.

Each derivative of K_ν or I_ν brings orders ν ± 1 in; the recurrences (DLMF 10.29.1) lead back to
ν − 1 and ν (0 and 1 for ν = 0), which is shorter to read and faster to compute.
"""

from __future__ import annotations

import sympy as sp

from neglog.priors.symbols import y

# function → the sign s of  f_{ν+1} = f_{ν−1} + s·(2ν/z)·f_ν
_RECURRENCE = {sp.besselk: 1, sp.besseli: -1}


def derivative(phi: sp.Expr, order: int = 1) -> sp.Expr:
    """dⁿφ/dyⁿ."""
    lower = _lower_orders(phi)
    if not lower:
        return sp.diff(phi, y, order)  # shorter than one derivative after another
    found = phi
    for _ in range(order):
        found = _tidied(sp.diff(found, y).replace(_is_bessel, lambda b: _by_two(b, lower)))
    return found


def _lower_orders(phi: sp.Expr) -> dict[tuple[type, sp.Expr], sp.Expr]:
    """The lower order to write with, where φ has one order of an argument, or two neighbours."""
    orders: dict[tuple[type, sp.Expr], set[sp.Expr]] = {}
    for bessel in phi.atoms(*_RECURRENCE):
        orders.setdefault((bessel.func, bessel.args[1]), set()).add(bessel.args[0])
    found = {which: _lower(some) for which, some in orders.items()}
    return {which: order for which, order in found.items() if order is not None}


def _lower(orders: set[sp.Expr]) -> sp.Expr | None:
    if len(orders) == 1:
        (order,) = orders
        return order - 1 if order != 0 else order
    low = [order for order in orders if order + 1 in orders]
    return low[0] if len(orders) == 2 and low else None


def _is_bessel(expr: sp.Basic) -> bool:
    return isinstance(expr, tuple(_RECURRENCE))


def _by_two(bessel: sp.Expr, lower: dict[tuple[type, sp.Expr], sp.Expr]) -> sp.Expr:
    """The function by those of the lower order that belongs to its argument, and of the next."""
    f, (order, z) = bessel.func, bessel.args
    steps = order - lower.get((f, z), order)
    if not steps.is_Integer or steps in (0, 1):
        return bessel
    toward = -1 if steps > 0 else 1
    near, further = order + toward, order + 2 * toward
    weight = -toward * _RECURRENCE[f] * 2 * near / z
    return _by_two(f(further, z), lower) + weight * _by_two(f(near, z), lower)


def _tidied(expr: sp.Expr) -> sp.Expr:
    return sp.powsimp(sp.expand_mul(sp.powdenest(expr)))
