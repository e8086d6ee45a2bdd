"""How fast a penalty grows: φ(y) against log y, log log y, y and y² at an end of the half line.

Each symbolic limit is checked against arbitrary-precision slopes at several parameter points before
it is believed, because computer algebra errs on limits with symbolic exponents
(lim log(1+y+y^q)/log y is not 1 for q > 1).
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp
import sympy as sp

from neglog.derivations.deadline import remembered, within
from neglog.derivations.numbers import UNCOMPUTABLE, Real, function, samples, simplified
from neglog.priors.symbols import y

AT_INFINITY, AT_ZERO = "oo", "0"
LIMIT_SECONDS = 2.0


@remembered
def ratio(phi: sp.Expr, scale: sp.Expr, end: str = AT_INFINITY) -> sp.Expr | None:
    """lim φ/scale at an end, as an expression in the parameters; None where it is not known."""
    phi = sp.expand_log(phi, force=True)
    candidates = (_limit, _limit_of_terms)
    for find in candidates:
        found = find(phi, scale, end)
        if found is not None and _agrees(found, phi, scale, end):
            return found
    return None


def by_algebra(expr: sp.Expr, v: sp.Symbol, toward: sp.Expr, side: str) -> sp.Expr | None:
    """sympy's limit, unchecked; None where it has none."""
    try:
        found = sp.limit(expr, v, toward, side)
    except (*UNCOMPUTABLE, RecursionError, sp.PoleError, TypeError, AttributeError):
        return None  # sympy's limits raise all of these on functions they do not know
    return None if found.has(sp.Limit, v, sp.nan, sp.AccumBounds, sp.zoo) else found


def _limit(phi: sp.Expr, scale: sp.Expr, end: str) -> sp.Expr | None:
    toward, side = (sp.oo, "-") if end == AT_INFINITY else (sp.S.Zero, "+")
    found = within(LIMIT_SECONDS, lambda: by_algebra(phi / scale, y, toward, side), None)
    return None if found is None else simplified(found)


def _limit_of_terms(phi: sp.Expr, scale: sp.Expr, end: str) -> sp.Expr | None:
    """The limit with every log of a sum replaced by the largest of the logs of its terms."""

    def dominant(argument: sp.Expr) -> sp.Expr:
        if not isinstance(argument, sp.Add):
            return sp.log(argument)
        parts = [_limit(sp.expand_log(sp.log(t), force=True), scale, end) for t in argument.args]
        if any(p is None or not p.is_finite for p in parts):
            return sp.log(argument)
        pick = sp.Max if end == AT_INFINITY else sp.Min
        return pick(*parts) * scale

    replaced = phi.replace(sp.log, dominant)
    return None if replaced == phi else _limit(replaced, scale, end)


def _agrees(found: sp.Expr, phi: sp.Expr, scale: sp.Expr, end: str) -> bool:
    """Whether the limit agrees with slopes dφ/dscale far out, at several parameter points.

    A limit that nothing can be held against, because the function overflows or loses all its digits
    at every distance, is not believed.
    """
    seen = False
    names = phi.free_symbols - {y}
    with mp.workdps(60):
        f = function([y, *sorted(names, key=str)], phi)
        g = function([y], scale)
        for point in samples(names, 5 if names else 1):
            values = [mp.mpf(v.p) / v.q for _, v in sorted(point.items(), key=lambda i: str(i[0]))]
            claimed = found.subs(point)
            if claimed is sp.nan or not claimed.is_extended_real:
                return False
            verdict = _slopes_agree(f, g, values, claimed, end)
            if verdict is False:
                return False
            seen = seen or verdict is True
    return seen


# log y where slopes are taken. The second row serves functions that overflow on the first.
_DISTANCES = ((150, 300, 600), (6, 12, 24), (2, 3, 4))


def _slopes_agree(
    f: Callable[..., Real],
    g: Callable[..., Real],
    values: list[Real],
    claimed: sp.Expr,
    end: str,
) -> bool | None:
    for distances in _DISTANCES:
        logs = [d if end == AT_INFINITY else -d for d in distances]
        try:
            points = [mp.e ** mp.mpf(k) for k in logs]
            fs = [mp.re(f(p, *values)) for p in points]
            gs = [g(p) for p in points]
            if gs[0] == gs[2]:  # a constant scale: the limit of φ itself
                near, far = fs[1] / gs[1], fs[2] / gs[2]
            else:
                near = (fs[1] - fs[0]) / (gs[1] - gs[0])
                far = (fs[2] - fs[1]) / (gs[2] - gs[1])
        except UNCOMPUTABLE:
            continue
        if mp.isnan(near) or mp.isnan(far):
            continue
        return approaches(claimed, near, far)
    return None


def approaches(
    claimed: sp.Expr, near: Real, far: Real, *, close: float = 0.02, fading: float = 0.75
) -> bool:
    """Whether two values, the second closer to the end, go where it is claimed.

    Corrections such as 1/log fade slowly: the second value must be close, or closer than the first.
    """
    if mp.isinf(near) or mp.isinf(far):
        return claimed is (sp.oo if (far if mp.isinf(far) else near) > 0 else -sp.oo)
    if claimed in (sp.oo, -sp.oo):
        growing = abs(far) >= abs(near) * mp.mpf("1.01") or abs(far) > mp.mpf(10) ** 6
        return bool(growing and (far > 0) == (claimed is sp.oo))
    target = mp.mpf(sp.N(claimed, 30))
    gap_near, gap_far = abs(near - target), abs(far - target)
    return bool(gap_far <= close * (1 + abs(target)) or gap_far < gap_near * fading)
