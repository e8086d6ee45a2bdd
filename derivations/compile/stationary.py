"""The stationary points z > 0 of ½(z − m)² + c·h(z) that can be minima, by Newton's method.

F(z) = z − m + c·h'(z) for a rising h, so that F(m) ≥ 0.

* h'' falls up to a point and rises beyond it. To the right F is convex: Newton's steps from z = m
  come down to its largest root without crossing it, and a step past that point, or F' ≤ 0, proves
  that there is none, as tangents lie below F. To the left F is concave, and steps from 0 come up to
  its smallest root likewise. log(1 + z), √z, 1 − e^(−z) have the right part alone, log cosh z the
  left one, log(1 + z²), atan z and z²/(1 + z²) both, of which the better is taken.
* Else, h' rises (z³ + z, a kinked h'' …): F rises and has one root, if F(0) < 0. Newton's steps are
  kept in a bracket and replaced by halving where they shrink too slowly (Press et al., Numerical
  Recipes, ``rtsafe``).

Six to thirteen steps do, where a search over a grid takes two hundred evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neglog.derivations.compile import numpy_backend
from neglog.derivations.compile.halfline import HalfLine
from neglog.derivations.compile.loops import Loops
from neglog.priors.symbols import y

Table = Mapping[str, Callable[..., Any]]
Slopes = Callable[[Any], tuple[Any, Any]]
MOST = 120  # halving alone reaches the last digit of float64 from any bracket
PLACES = np.logspace(-9, 9, 361)
OVERLAP = 1e-6  # of the two parts, so that no root falls between them
ROUNDING = 1e-9  # of h'', relative to its size, where it ought to be monotone


Root = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Roots:
    """How the roots of F are found: ``turn`` is where h'' is least, None where h' just rises."""

    turn: float | None

    def bind(self, run: Slopes, table: Table, loops: Loops) -> list[Root]:
        """Functions (m, c) ↦ a root, 0 where there is none; ``run`` gives h' and h''."""
        if self.turn is None:
            return [rising(run, table, loops)]
        found = []
        if self.turn < PLACES[-1]:
            found.append(from_the_right(run, self.turn, table, loops))
        if self.turn > PLACES[0]:
            found.append(from_the_left(run, self.turn, table, loops))
        return found


def roots(half: HalfLine) -> Roots | None:
    """How the roots are found, measured on a grid; None where h has another shape."""
    if half.breaks:
        return None
    slope, bend = half.partial(y), half.partial(y).partial(y)
    bends_at = numpy_backend.function([y], [bend.form])
    with np.errstate(all="ignore"):
        rises, bends = (
            np.broadcast_to(numpy_backend.function([y], [part.form])(PLACES)[0], PLACES.shape)
            for part in (slope, bend)
        )
        seen = np.isfinite(rises) & np.isfinite(bends)
        if not seen.any() or (rises[seen] < 0).any():
            return None
        if (bends[seen] >= 0).all() and not seen.all():
            return Roots(None)  # h overflows, far to the right of the root
        steps, lowest = np.diff(bends), int(np.argmin(bends))
        slack = ROUNDING * np.maximum(np.abs(bends[1:]), np.abs(bends[:-1]))
        valley = (steps[:lowest] <= slack[:lowest]).all() and (
            steps[lowest:] >= -slack[lowest:]
        ).all()
        if not (seen.all() and valley):
            return Roots(None) if (bends[seen] >= 0).all() else None
        if lowest in (0, len(PLACES) - 1):
            return Roots(float(PLACES[lowest]))
        low, high = PLACES[lowest - 1], PLACES[lowest + 1]
        for _ in range(4):  # each makes the place 50 times finer
            near = np.linspace(low, high, 101)
            best = int(np.clip(np.argmin(bends_at(near)[0]), 1, 99))
            low, turn, high = near[best - 1 : best + 2]
    return Roots(float(turn))


def from_the_right(run: Slopes, turn: float, table: Table, loops: Loops) -> Root:
    """The largest root, where F is convex beyond ``turn``."""
    least = turn * (1 - OVERLAP) if turn > PLACES[0] else 0.0

    def solve(m: Any, c: Any) -> Any:
        begin = table["where"](m > least, m, 0 * m), ~(m > least)
        return _one_way(run, table, loops, m, c, begin, -1, lambda z: z > least)

    return solve


def from_the_left(run: Slopes, turn: float, table: Table, loops: Loops) -> Root:
    """The smallest root, where F is concave up to ``turn``."""
    most = turn * (1 + OVERLAP) if turn < PLACES[-1] else np.inf

    def solve(m: Any, c: Any) -> Any:
        start = 0 * m
        begin = start, ~(c * run(start)[0] < m)
        return _one_way(run, table, loops, m, c, begin, 1, lambda z: z < most)

    return solve


def _one_way(
    run: Slopes,
    table: Table,
    loops: Loops,
    m: Any,
    c: Any,
    begin: tuple[Any, Any],
    way: int,
    inside: Callable[[Any], Any],
) -> Any:
    """Newton's steps upwards (``way`` 1) or downwards (−1) to a root; 0 where one leaves."""
    where, eps = table["where"], table["eps"](m)

    def step(state: Any) -> Any:
        z, ended = state
        slope, bend = run(z)
        rest, rate = z - m + c * slope, 1 + c * bend
        then = z - rest / rate
        gain = way * (then - z)
        none = ~((rate > 0) & inside(then))
        settled = gain <= 0  # rounding alone moves it
        end = ended | none | settled | (gain <= 4 * eps * z)
        return where(ended | (settled & ~none), z, where(none, 0 * z, then)), end

    return loops.until(MOST, step, begin)[0]


def rising(run: Slopes, table: Table, loops: Loops) -> Callable[[Any, Any], Any]:
    """(m, c) ↦ the root, 0 where there is none, for a rising h'."""
    where = table["where"]

    def solve(m: Any, c: Any) -> Any:
        eps = table["eps"](m)
        start = where(c * run(0 * m)[0] < m, m, 0 * m)

        def step(state: Any) -> Any:
            low, high, z, before, last, _ = state
            slope, bend = run(z)
            rest = z - m + c * slope
            left = rest < 0
            low, high = where(left, z, low), where(left, high, z)
            newton = z - rest / (1 + c * bend)
            near = (newton >= low) & (newton <= high) & (abs(newton - z) <= 0.5 * before)
            then = where(near, newton, 0.5 * (low + high))
            moved = abs(then - z)
            exact = abs(rest) <= eps * (m + z)  # no step does better than rounding
            return low, high, where(exact, z, then), last, moved, exact | (moved <= 4 * eps * z)

        begin = (0 * start, start, start, 4 * start, 4 * start, start < 0)
        return loops.until(MOST, step, begin)[2]

    return solve
