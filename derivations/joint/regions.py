"""Where a mixed prior coactivates and where it excludes: the regions of the cross derivative."""

from __future__ import annotations

from itertools import pairwise

import sympy as sp

from neglog.derivations.joint.totals import OneTotal, s
from neglog.derivations.numbers import UNCOMPUTABLE, samples, simplified, value_at

COACTIVATING, EXCLUSIVE = "coactivating", "exclusive"
FARTHEST = 12  # decades of the total that are searched for a change of sign


def mixed_regions(total: OneTotal | None, cross: sp.Expr | None) -> tuple[dict[str, str], ...]:
    """For one total the intervals of s between the zeros of g″; else a point of either sign."""
    if total is not None and not total.largest:
        found = _of_total(total)
        if found:
            return found
    return () if cross is None else _examples(cross)


def _of_total(total: OneTotal) -> tuple[dict[str, str], ...]:
    bend = simplified(sp.diff(total.g, s, 2))
    try:
        roots = sp.solve(bend, s)
    except (*UNCOMPUTABLE, sp.PolynomialError):
        return ()
    roots = [r for r in roots if r.is_positive]
    if not roots or not all(r.is_comparable or len(roots) == 1 for r in roots):
        return ()
    roots = sorted(set(roots), key=lambda r: float(r) if r.is_comparable else 0.0)
    edges = [sp.S.Zero, *roots, sp.oo]
    out = []
    for low, high in pairwise(edges):
        inside = 2 * low if high is sp.oo else (low + high) / 2
        sign = _sign(bend, inside)
        if sign is None:
            return ()
        where = (
            f"s > {low}" if high is sp.oo else f"s < {high}" if low == 0 else f"{low} < s < {high}"
        )
        out.append({"where": where, "features": EXCLUSIVE if sign > 0 else COACTIVATING})
    return tuple(out)


def parameter_regions(total: OneTotal) -> tuple[dict[str, str], ...]:
    """Where the sign of g″ is that of a − b for one parameter a: the two sides of a = b."""
    signed = [
        factor
        for factor in sp.Mul.make_args(sp.factor(sp.diff(total.g, s, 2)))
        if not factor.is_positive
    ]
    if len(signed) != 1 or signed[0].has(s) or len(signed[0].free_symbols) != 1:
        return ()
    (name,) = signed[0].free_symbols
    slope, border = sp.diff(signed[0], name), sp.solve(signed[0], name)
    if len(border) != 1 or not border[0].is_positive or slope.is_positive is None:
        return ()
    above = EXCLUSIVE if slope.is_positive else COACTIVATING
    below = COACTIVATING if slope.is_positive else EXCLUSIVE
    return (
        {"where": f"{name} < {border[0]}", "features": below},
        {"where": f"{name} > {border[0]}", "features": above},
    )


def _sign(bend: sp.Expr, at: sp.Expr) -> int | None:
    """The sign of g″ at a total; the same at several values of the parameters, or None."""
    value = bend.subs(s, at)
    names = sorted(value.free_symbols, key=str)
    signs = set()
    for point in samples(names, 4) if names else [{}]:
        number = value_at(value, point)
        if number is None or number.real == 0:
            return None
        signs.add(1 if number.real > 0 else -1)
    return signs.pop() if len(signs) == 1 else None


def _examples(cross: sp.Expr) -> tuple[dict[str, str], ...]:
    """One point of each sign, in y_i, y_j and the rests of the totals."""
    names = sorted(cross.free_symbols, key=str)
    found: dict[str, str] = {}
    for spread in (1, sp.Rational(1, 20), 20):
        for point in samples(names, 12):
            at = {n: v * spread for n, v in point.items()}
            value = value_at(cross, at)
            if value is None or abs(value) < 1e-12:
                continue
            kind = EXCLUSIVE if value.real > 0 else COACTIVATING
            shown = ", ".join(f"{n} = {float(v):.3g}" for n, v in at.items())
            found.setdefault(kind, shown)
    return tuple({"where": f"near {where}", "features": kind} for kind, where in found.items())
