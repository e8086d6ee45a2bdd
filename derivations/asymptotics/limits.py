"""One-sided limits, held against numbers before they are believed.

Computer algebra errs on limits: sympy 1.14 has K₁(y)/K₀(y) → 0 as y → 0⁺, where it grows without
bound. A limit that no number can be held against is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import mpmath as mp
import sympy as sp

from neglog.derivations.asymptotics.growth import approaches, by_algebra
from neglog.derivations.deadline import remembered, within
from neglog.derivations.numbers import UNCOMPUTABLE, Real, function, samples, simplified

# Distances from the edge, and digits that outlast cancellation of the third order at the least.
DISTANCES = ("1e-10", "1e-20")
DIGITS = 80
SECONDS = 1.0  # for the limit of one form
CLOSE, FADING = mp.mpf("1e-8"), mp.mpf("0.9")  # 1/log log fades by 0.85 from one to the next


def limit_from_right(expr: sp.Expr, v: sp.Symbol, edge: sp.Expr) -> sp.Expr | None:
    """lim of a smooth expression as v falls to ``edge``; None where it is not known."""
    if expr is sp.oo:
        return sp.oo
    try:
        plain = expr.subs(v, edge)
    except UNCOMPUTABLE:
        return None
    if not plain.has(sp.nan, sp.zoo, sp.oo):
        return plain
    return _checked(expr, v, edge)


@remembered
def _checked(expr: sp.Expr, v: sp.Symbol, edge: sp.Expr) -> sp.Expr | None:
    forms = [expr] if edge != 0 else [_leading(expr, v), expr]
    for form in dict.fromkeys(forms):
        found = within(SECONDS, partial(by_algebra, form, v, edge, "+"), None)
        if found is None:
            continue
        found = simplified(found)
        if _agrees(found, expr, v, edge):
            return found
    return None


def _besselk(order: sp.Expr, u: sp.Expr) -> sp.Expr:
    if order == 0:
        return -sp.log(u / 2) - sp.EulerGamma
    return sp.gamma(sp.Abs(order)) / 2 * (2 / u) ** sp.Abs(order)


def _expint(order: sp.Expr, u: sp.Expr) -> sp.Expr:
    return -sp.log(u) - sp.EulerGamma if order == 1 else sp.expint(order, u)


# function → its leading term where its last argument goes to 0 from above (DLMF 10.30, 6.6)
_LEADING: dict[type, Callable[..., sp.Expr]] = {
    sp.besselk: _besselk,
    sp.besseli: lambda order, u: (u / 2) ** order / sp.gamma(order + 1),
    sp.expint: _expint,
}


def _leading(expr: sp.Expr, v: sp.Symbol) -> sp.Expr:
    """Special functions of what vanishes replaced by their leading terms.

    Where these cancel that changes the limit, which the numbers then show.
    """
    for f, row in _LEADING.items():
        expr = expr.replace(
            lambda e, f=f: isinstance(e, f) and e.args[-1].has(v) and e.args[-1].subs(v, 0) == 0,
            lambda e, row=row: row(*e.args),
        )
    return expr


def _agrees(found: sp.Expr, expr: sp.Expr, v: sp.Symbol, edge: sp.Expr) -> bool:
    """Whether values close to the edge approach the limit, at several parameter points."""
    names = sorted((expr.free_symbols | edge.free_symbols) - {v}, key=str)
    run, seen = function([v, *names], expr), False
    with mp.workdps(DIGITS):
        for point in samples(names, 5 if names else 1):
            claimed, start = found.subs(point), sp.N(edge.subs(point), DIGITS)
            if claimed is sp.nan or not claimed.is_extended_real or not start.is_real:
                return False
            values = _values(run, mp.mpf(start), [mp.mpf(point[n].p) / point[n].q for n in names])
            if values is None:
                continue
            if not approaches(claimed, *values, close=CLOSE, fading=FADING):
                return False
            seen = True
    return seen


def _values(run: Callable[..., Real], start: Real, rest: Sequence[Real]) -> list[Real] | None:
    """Values at both distances; None where one is no real number."""
    try:
        found = [mp.mpmathify(run(start + mp.mpf(t), *rest)) for t in DISTANCES]
    except (*UNCOMPUTABLE, TypeError):
        return None
    return None if any(mp.isnan(x) or mp.im(x) != 0 for x in found) else [mp.re(x) for x in found]
