"""Proximal maps x ↦ argmin_z ½(z − x)² + c·φ(z): closed where known, else solved by bracketing.

The global minimum is meant: every candidate is compared with z = 0, which wins ties. Where one
or two stationary points can be minima, Newton's method finds them. The general solver evaluates the
objective on a grid, brackets its best point, bisects the stationarity condition,
polishes by Newton's method and compares with the points where pieces of φ meet, where it may jump.
It is written once over a backend's primitives. A penalty with many minima is resolved where they
are no closer than the grid: about a fiftieth of |x|.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import sympy as sp

from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.halfline import HalfLine
from neglog.derivations.compile.loops import Loops
from neglog.derivations.compile.program import lower
from neglog.derivations.compile.stationary import Roots, roots
from neglog.priors.symbols import y

Table = Mapping[str, Callable[..., Any]]
m, c = sp.Symbol("m", real=True), sp.Symbol("c", positive=True)
RELATIVE = np.unique(np.concatenate([np.logspace(-9, 0, 46), np.linspace(0, 1, 33)[1:]]))
ABSOLUTE = np.unique(np.concatenate([np.logspace(-9, 6, 121), np.linspace(0, 2, 101)[1:]]))
BESIDE = (1.0, 1 - 1e-15, 1 + 1e-15)  # at, just below and just above a point where pieces meet
BISECTIONS = 60


@dataclass(frozen=True)
class Prox:
    """One half line's map for a real number m: argmin over z ≥ 0 of ½(z − m)² + c·h(z)."""

    half: HalfLine
    closed: sp.Expr | None
    decreasing: bool
    roots: Roots | None
    edges: tuple[float, ...] = ()

    @classmethod
    def of(cls, half: HalfLine) -> Prox:
        """The map of a half line, with its closed form if one is known."""
        edges = half.breaks
        return cls(half, closed_form(half.meant), _decreases(half, edges), roots(half), edges)

    def bind(self, table: Table, loops: Loops) -> Callable[[Any, Any], tuple[Any, Any]]:
        """(m, c) ↦ (z, the objective at z) with a backend's primitives."""
        run = lower([y], [self.half.form, self.half.partial(y).form]).bind(table)
        curved = lower([y], [self.half.partial(y).partial(y).form]).bind(table)
        where, at_zero = table["where"], self.half.number_at_zero

        def filled(value: Any, like: Any) -> Any:
            return value + 0 * like

        def objective(z: Any, x: Any, strength: Any) -> Any:
            value = 0.5 * (z - x) * (z - x) + strength * filled(run(z)[0], z)
            return where(value == value, value, filled(np.inf, x))

        def against_zero(z: Any, x: Any, strength: Any) -> tuple[Any, Any]:
            value, rest = objective(z, x, strength), 0.5 * x * x + strength * at_zero
            keep = value < rest
            return where(keep, z, 0 * x), where(keep, value, rest)

        def better(one: tuple[Any, Any], two: tuple[Any, Any]) -> tuple[Any, Any]:
            first = one[1] <= two[1]
            return where(first, one[0], two[0]), where(first, one[1], two[1])

        def positive(x: Any) -> Any:
            return where(x > 0, x, 0 * x)

        if self.closed is not None:
            closed = lower([m, c], [self.closed]).bind(table)
            return lambda x, strength: against_zero(
                positive(closed(x, filled(strength, x))[0]), x, strength
            )

        if self.roots:
            slope, bend = self.half.partial(y), self.half.partial(y).partial(y)
            slopes = lower([y], [slope.form, bend.form]).bind(table)
            each = self.roots.bind(slopes, table, loops)

            def rooted(x: Any, strength: Any) -> tuple[Any, Any]:
                found = [root(x, strength) for root in each]
                return reduce(better, [against_zero(z, x, strength) for z in found])

            return rooted

        grid = ABSOLUTE if self.decreasing else RELATIVE
        grid = np.concatenate([[0.0], grid, [grid[-1] * (1 + 1e-9)]])

        def solve(x: Any, strength: Any) -> tuple[Any, Any]:
            points = table["constant"](grid, x)
            size = 1 + abs(x) if self.decreasing else positive(x)

            def look(i: Any, state: Any) -> Any:
                best, low, at, high = state
                z = size * points[i]
                value = objective(z, x, strength)
                less = value < best
                return (
                    where(less, value, best),
                    where(less, size * points[i - 1], low),
                    where(less, z, at),
                    where(less, size * points[i + 1], high),
                )

            def halve(_: Any, state: Any) -> Any:
                low, high = state
                middle = 0.5 * (low + high)
                level, slope = (filled(part, x) for part in run(middle))
                outside = ~(level < np.inf)  # beyond a hard constraint
                down = (middle - x + strength * slope > 0) | outside
                return where(down, low, middle), where(down, middle, high)

            start = (filled(np.inf, x), 0 * x, 0 * x, 0 * x)
            best, low, at, high = loops.counted(len(grid) - 2, lambda i, s: look(i + 1, s), start)
            final = loops.counted(BISECTIONS, halve, (low, high))
            z = 0.5 * (final[0] + final[1])
            slope = z - x + strength * filled(run(z)[1], x)
            bend = 1 + strength * filled(curved(z)[0], x)
            step = z - slope / bend
            inside = (step >= final[0]) & (step <= final[1])
            z = where(inside, step, z)
            found = better((z, objective(z, x, strength)), (at, best))
            for edge in self.edges:
                for beside in BESIDE:
                    z = filled(edge * beside, x)
                    found = better(found, (z, objective(z, x, strength)))
            return against_zero(found[0], x, strength)

        return solve


@dataclass(frozen=True)
class ProxPair:
    """The two half lines of a penalty; ``left`` is None on the positive domain (z ≥ 0)."""

    right: Prox
    left: Prox | None
    spec: Elementwise

    @classmethod
    def of(cls, spec: Elementwise) -> ProxPair:
        """The maps of a scalar penalty."""
        right = Prox.of(spec.right)
        if spec.left is None:
            return cls(right, None, spec)
        return cls(right, right if spec.even else Prox.of(spec.left), spec)

    def bind(self, table: Table, loops: Loops) -> Callable[[Any, Any], Any]:
        """(x, c) ↦ z over the whole domain; odd where the penalty is even."""
        right, where = self.right.bind(table, loops), table["where"]
        if self.left is None:
            return lambda x, strength: right(x, strength)[0]
        if self.left is self.right:

            def odd(x: Any, strength: Any) -> Any:
                z = right(abs(x), strength)[0]
                return where(x < 0, -z, z)

            return odd
        left = self.left.bind(table, loops)

        def both(x: Any, strength: Any) -> Any:
            (up, above), (down, below) = right(x, strength), left(-x, strength)
            return where(below < above, -down, up)

        return both

    def curvature(self) -> Elementwise:
        """φ'', for the derivative 1/(1 + cφ''(z))."""
        return self.spec.partial(0).partial(0)


def closed_form(h: sp.Expr) -> sp.Expr | None:
    """The best z > 0 for a few h on the half line, before the comparison with 0."""
    factor, rest = h.as_independent(y, as_Add=False)
    if factor.free_symbols or factor <= 0:
        return None
    if rest == y:
        return m - c * factor
    if rest == y**2:
        return m / (1 + 2 * c * factor)
    if rest == sp.log(1 + y):
        root = (m + 1) ** 2 - 4 * c * factor
        # (m − 1 + √root)/2 as a quotient where m − 1 < 0: no cancellation for small m.
        high = (m - 1 + sp.sqrt(sp.Max(root, 0))) / 2
        other = 2 * (m - c * factor) / (sp.sqrt(sp.Max(root, 0)) - m + 1)
        return sp.Piecewise((0, root < 0), (high, m >= 1), (other, True))
    return None


def _decreases(half: HalfLine, edges: Sequence[float]) -> bool:
    """Whether h falls anywhere, so that the minimum may lie beyond x."""
    from neglog.derivations.compile import numpy_backend

    places = np.logspace(-9, 9, 73)
    (slope,) = numpy_backend.function([y], [half.partial(y).form])(places)
    around = np.array([edge * (1 + side) for edge in edges for side in (-1e-9, 1e-9)])
    if not len(around):
        return bool(np.any(slope < 0))
    (value,) = numpy_backend.function([y], [half.form])(around)
    value = np.broadcast_to(np.asarray(value, dtype=float), around.shape)
    with np.errstate(invalid="ignore"):
        return bool(np.any(slope < 0) or np.any(value[1::2] < value[::2] - 1e-7))
