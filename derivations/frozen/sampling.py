"""A penalty as curves to draw: where it breaks, and its values on the stretches between.

Breaks are read off the expression (where an absolute value, a condition, a minimum or a
logarithm turns), so that a jump is a gap in the curve and never a steep line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import brentq

from neglog.priors.symbols import a

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

POINTS = 400  # of each stretch
EDGE = 1e-9  # a stretch stops this far, relative to the window, from its ends


def as_function(expr: sp.Expr) -> Function:
    """A numpy function of ``a`` for an expression without other symbols; no warnings."""
    from neglog.derivations.compile.numpy_backend import function

    compiled = function([a], [expr])

    def values(x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(compiled(x)[0], dtype=np.float64), x.shape)

    return values


def breaks(expr: sp.Expr, window: tuple[float, float]) -> list[float]:
    """Where φ or its slope may jump, within the window."""
    lo, hi = window
    found = {0.0} if lo < 0 < hi else set()
    for turning in _turning(expr):
        found.update(_roots(turning, lo, hi))
    return sorted(round(x, 12) + 0.0 for x in found if lo < x < hi)


def _turning(expr: sp.Expr) -> list[sp.Expr]:
    """Expressions whose zeros are breaks."""
    found = [node.args[0] for node in expr.atoms(sp.Abs, sp.sign, sp.log)]
    found += [node.base for node in expr.atoms(sp.Pow) if not node.exp.is_Integer or node.exp < 0]
    for node in expr.atoms(sp.Max, sp.Min):
        found += [one - other for one, other in combinations(node.args, 2)]
    for relation in expr.atoms(sp.core.relational.Relational):
        found.append(relation.lhs - relation.rhs)
    return [f for f in found if f.has(a) and f.is_real is not False]


def _roots(expr: sp.Expr, lo: float, hi: float) -> list[float]:
    f = as_function(expr)
    x = np.union1d(np.linspace(lo, hi, 2001), np.arange(np.ceil(lo), np.floor(hi) + 1))
    y = f(x)
    roots = [float(at) for at in x[y == 0]] if np.sum(y == 0) <= 4 else []
    for i in np.flatnonzero(y[:-1] * y[1:] < 0):
        roots.append(float(brentq(lambda t: float(f(np.array([t]))[0]), x[i], x[i + 1])))
    return roots


@dataclass(frozen=True)
class Curve:
    """Stretches (x, y) without a jump inside, and the points where one jumps into the next."""

    stretches: list[tuple[Floats, Floats]]

    def values(self) -> Floats:
        """All finite ordinates."""
        y = np.concatenate([s[1] for s in self.stretches])
        return y[np.isfinite(y)]

    def even_values(self) -> Floats:
        """Finite ordinates at evenly spread abscissae, so that each has its share of the width."""
        found = []
        for x, y in self.stretches:
            inside = np.linspace(x[0], x[-1], 402)[1:-1] if len(x) > 1 else x
            found.append(np.interp(inside, x, y))
        y = np.concatenate(found)
        return y[np.isfinite(y)]

    def jumps(self) -> list[tuple[float, float, float]]:
        """(x, ordinate on the left, on the right) at each finite jump."""
        size = float(np.ptp(self.values())) if len(self.values()) else 1.0
        found = []
        for (x, y), (_, after) in pairwise(self.stretches):
            left, right = y[-1], after[0]
            if np.isfinite(left) and np.isfinite(right) and abs(left - right) > 5e-3 * size:
                found.append((float(x[-1]), float(left), float(right)))
        return found


def curve(f: Function, window: tuple[float, float], at: Sequence[float]) -> Curve:
    """A function on its window, cut at the breaks."""
    return Curve([(x, f(x)) for x in _grids(window, at)])


def slope(f: Function, window: tuple[float, float], at: Sequence[float]) -> Curve:
    """The derivative on its window, cut at the breaks, by central differences inside stretches."""
    found = []
    for x in _grids(window, at):
        inner = x[1:-1]
        step = np.minimum(1e-5 * (1 + np.abs(inner)), np.minimum(inner - x[0], x[-1] - inner) / 2)
        with np.errstate(all="ignore"):
            found.append((inner, (f(inner + step) - f(inner - step)) / (2 * step)))
    return Curve(found)


def _grids(window: tuple[float, float], at: Sequence[float]) -> list[Floats]:
    lo, hi = window
    margin = EDGE * (hi - lo)
    grids = []
    for left, right in pairwise([lo, *at, hi]):
        u = np.linspace(0, 1, POINTS)
        u = u * u * (3 - 2 * u)  # denser towards both ends
        grids.append(left + margin + u * (right - left - 2 * margin))
    return grids


def split_at_jumps(x: Floats, y: Floats) -> Curve:
    """A sampled map cut where it jumps: where one step is far larger than those beside it."""
    steps = np.abs(np.diff(y))
    usual = max(float(np.median(steps)), float(np.median(np.diff(x))))
    beside = np.maximum(np.r_[0, steps[:-1]], np.r_[steps[1:], 0])
    cuts = np.flatnonzero((steps > 8 * usual) & (steps > 4 * beside)) + 1
    pieces = zip(np.split(x, cuts), np.split(y, cuts), strict=True)
    return Curve([(px, py) for px, py in pieces if len(px)])
