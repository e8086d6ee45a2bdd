"""The proximal map argmin_z ½(z − x)² + cφ(z) for x > 0 in closed form, global minimum chosen.

Stationary points solve z − x + cφ'(z) = 0. The largest real root is the only interior candidate for
the penalties handled here; it is compared with 0 by value, and the whole is checked on a grid.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.numbers import UNCOMPUTABLE, function, samples, simplified
from neglog.priors.symbols import y

x = sp.Symbol("x", positive=True)
c = sp.Symbol("c", positive=True)
SECONDS = 1.0


def proximal(phi: sp.Expr, slope: sp.Expr | None, convex: bool | None) -> dict[str, Any] | None:
    """{"expr", "threshold"} for x > 0, y = z > 0; None where nothing closed passes the grid."""
    known = _half_thresholding(phi)
    if known is not None and _beats_grid(known["expr"], phi):
        return known
    found = within(SECONDS, lambda: _solve(phi), None)
    if not found:
        return None
    for root in found:
        for expr in _candidates(phi, root, slope, convex):
            if within(SECONDS, lambda e=expr: _beats_grid(e, phi), False):  # type: ignore[misc]
                return {"expr": expr, **_threshold(phi, slope, convex)}
    return None


def _half_thresholding(phi: sp.Expr) -> dict[str, Any] | None:
    """φ = g√y: the cubic's trigonometric root (Xu et al., L1/2 regularization, 2012)."""
    weight, core = phi.as_independent(y, as_Add=False)
    if core != sp.sqrt(y) or not weight.is_positive:
        return None
    angle = sp.acos(c * weight / 4 * (x / 3) ** sp.Rational(-3, 2))
    root = sp.Rational(2, 3) * x * (1 + sp.cos(2 * sp.pi / 3 - 2 * angle / 3))
    threshold = sp.Rational(3, 2) * (c * weight) ** sp.Rational(2, 3)
    jump = (c * weight) ** sp.Rational(2, 3)
    expr = sp.Piecewise((root, x > threshold), (0, True))
    return {"expr": expr, "threshold": threshold, "jump": jump}


def _solve(phi: sp.Expr) -> list[sp.Expr]:
    try:
        roots = sp.solve(y - x + c * sp.diff(phi, y), y)
    except (*UNCOMPUTABLE, RecursionError):
        return []
    return [simplified(r) for r in roots if not r.has(sp.I)][::-1]


def _candidates(
    phi: sp.Expr, root: sp.Expr, slope: sp.Expr | None, convex: bool | None
) -> list[sp.Expr]:
    """The root where it beats 0, in the simplest true form first."""
    out = []
    if convex and slope is not None and slope.is_finite:
        if slope == 0:
            out.append(root)
        simple = sp.Piecewise((root, x > c * slope), (0, True))
        out.append(sp.Max(0, root) if root.is_polynomial(x) and slope != 0 else simple)
    inner = sp.Dummy(positive=True)
    objective = (y - x) ** 2 / 2 + c * (phi - phi.subs(y, 0))
    gain = simplified(objective.subs(y, inner) - x**2 / 2).subs(inner, root)
    real = [p.base >= 0 for p in root.atoms(sp.Pow) if p.exp == sp.S.Half and p.base.has(x, c)]
    conditions = [r for r in real if r is not sp.true]
    if not gain.has(sp.nan, sp.zoo, sp.oo):
        out.append(sp.Piecewise((root, sp.And(*conditions, root > 0, gain < 0)), (0, True)))
    return out


def _beats_grid(expr: sp.Expr, phi: sp.Expr) -> bool:
    """Whether the map's objective is never worse than the best of a fine grid, at many (x, c)."""
    names = sorted(phi.free_symbols - {y}, key=str)
    prox, value = function([x, c, *names], expr), function([y, *names], phi)
    for point in samples([*names, c], 4):
        numbers = [mp.mpf(v.p) / v.q for v in (point[n] for n in names)]
        strength = mp.mpf(point[c].p) / point[c].q
        for i in range(1, 17):
            at = mp.mpf(i) * mp.mpf("0.473")
            try:
                z = mp.mpmathify(prox(at, strength, *numbers))
            except TypeError:
                return False  # a condition compared complex numbers: the root is not real here
            try:
                if mp.im(z) != 0 or z < -(mp.mpf(10) ** -12):
                    return False
                mine = _objective(value, mp.re(z), at, strength, numbers)
            except UNCOMPUTABLE:
                return False
            trials = [at * j / 40 for j in range(41)]
            best = min(_objective(value, t, at, strength, numbers) for t in trials)
            if mine > best + mp.mpf(10) ** -10:
                return False
    return True


def _objective(value: Any, z: Any, at: Any, strength: Any, numbers: list[Any]) -> Any:
    z = max(z, mp.mpf(10) ** -30)  # φ(0) by continuity
    return (z - at) ** 2 / 2 + strength * mp.re(value(z, *numbers))


def _threshold(phi: sp.Expr, slope: sp.Expr | None, convex: bool | None) -> dict[str, Any]:
    """Below which x the map is 0: cφ'(0⁺) for a convex φ, else where a jump ties with 0."""
    if convex and slope is not None:
        return {"threshold": simplified(c * slope)}
    jump = within(SECONDS, lambda: _jump(phi), None)
    if jump is not None:
        height, threshold = jump
        return {"threshold": threshold, "jump": height}
    if slope is not None and slope.is_finite:
        second = sp.diff(phi, y, 2).subs(y, 0)
        if second.is_negative:  # no jump while ½z² still outweighs the concavity at 0
            return {
                "threshold": None,
                "threshold_small_c": simplified(c * slope),
                "small_c": c <= simplified(-1 / second),
            }
    return {"threshold": None}


def _jump(phi: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(z, x) with x = z + cφ′(z) and equal objectives at z and 0: z²/2 = c(φ − φ(0) − zφ′)."""
    tie = simplified(y**2 / 2 - c * (phi - phi.subs(y, 0) - y * sp.diff(phi, y)))
    try:
        roots = [r for r in sp.solve(tie, y) if r.is_positive]
    except (*UNCOMPUTABLE, RecursionError):
        return None
    if len(roots) != 1:
        return None
    height = simplified(roots[0])
    return height, simplified(height + c * sp.diff(phi, y).subs(y, height))
