"""A penalty as smooth segments of the line, each with what the proximal map needs of it.

An even penalty and one on [0, ∞) are cut on the half line in y; any other on ℝ in a, left half
mirrored back, with neighbours that are one function joined again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from neglog.derivations.asymptotics.limits import limit_from_right
from neglog.derivations.half_line import Side
from neglog.derivations.numbers import placed
from neglog.derivations.proximal.roots import Root, roots
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y


@dataclass(frozen=True)
class Names:
    """The symbols of a map: its input x and its strength c."""

    x: sp.Symbol
    c: sp.Symbol


@dataclass(frozen=True)
class Segment:
    """φ(v) = ``phi`` for lo < v < hi, where finite, and the closed stationary points there."""

    lo: sp.Expr
    hi: sp.Expr
    phi: sp.Expr
    slope: sp.Expr
    roots: tuple[Root, ...]


@dataclass(frozen=True)
class Line:
    """Segments from left to right in ``v``, and φ at the points between them.

    ``edges[i]`` is where segment i begins; the last is where the last ends. ``values[i]`` is φ at
    edges[i], the lower of what both sides and φ itself give; None where that is +∞ or unknown.
    """

    v: sp.Symbol
    names: Names
    segments: tuple[Segment, ...]
    edges: tuple[sp.Expr, ...]
    values: tuple[sp.Expr | None, ...]
    parameters: tuple[sp.Symbol, ...]

    @property
    def half(self) -> bool:
        """Whether the line is y ≥ 0."""
        return self.v == y


def line(phi: Penalty, sides: Sequence[Side]) -> Line | None:
    """The segments of a penalty; None where some segment has no closed stationary point."""
    parameters = phi.parameters
    pieces, v = _pieces(sides)
    taken = {p.name for p in parameters}
    c = sp.Symbol("strength" if "c" in taken else "c", positive=True)
    name = "input" if "x" in taken else "x"
    names = Names(sp.Symbol(name, positive=True) if v == y else sp.Symbol(name, real=True), c)
    segments = []
    for lo, hi, expr in pieces:
        slope = sp.diff(expr, v)
        if expr is not sp.oo and slope.has(sp.Derivative, sp.Subs):
            return None
        found = [] if expr is sp.oo else roots(slope, v, names.x, c)
        if not found and expr is not sp.oo:
            return None
        segments.append(Segment(lo, hi, expr, slope, tuple(found)))
    edges = [s.lo for s in segments] + [segments[-1].hi]
    values = [_value(phi, segments, i, edge, v) for i, edge in enumerate(edges)]
    if any(value is not None and value.has(-sp.oo) for value in values):
        return None  # φ is not bounded below: 0 wins, or there is no minimum
    return Line(v, names, tuple(segments), tuple(edges), tuple(values), parameters)


def _pieces(sides: Sequence[Side]) -> tuple[list[tuple[sp.Expr, sp.Expr, sp.Expr]], sp.Symbol]:
    if len(sides) == 1:
        return [(p.lo, p.hi, p.phi) for p in sides[0].pieces], y
    right = [(p.lo, p.hi, p.phi.subs(y, a)) for p in sides[0].pieces]
    left = [(-p.hi, -p.lo, p.phi.subs(y, -a)) for p in reversed(sides[1].pieces)]
    if left[-1][2] is not sp.oo and sp.expand(left[-1][2] - right[0][2]) == 0:
        joined = (left[-1][0], right[0][1], right[0][2])
        return [*left[:-1], joined, *right[1:]], a
    return [*left, *right], a


def _value(
    phi: Penalty, segments: Sequence[Segment], i: int, edge: sp.Expr, v: sp.Symbol
) -> sp.Expr | None:
    """The least of φ at an edge, from the left and from the right."""
    if edge in (sp.oo, -sp.oo):
        return None
    found = [limit_from_right(s.phi, v, edge) for s in segments[max(0, i - 1) : i + 1]]
    itself = placed(phi.expr, a, edge)
    if not itself.has(sp.nan, sp.zoo, sp.oo):
        found.append(itself)
    known = [f for f in found if f is not None and f is not sp.oo]
    least: sp.Expr | None = None
    for value in known:
        if least is None or _less(value, least):
            least = value
    return least


def _less(one: sp.Expr, other: sp.Expr) -> bool:
    gap = sp.expand(other - one)
    if gap.is_positive is None and gap != 0:
        gap = sp.simplify(gap)
    return bool(gap.is_positive)


@lru_cache(maxsize=64)
def numeric(expr: sp.Expr, arguments: tuple[sp.Symbol, ...]) -> Callable[..., Any]:
    """The expression in float64, vectorised in its first argument."""
    run = sp.lambdify(arguments, expr, ["numpy", "scipy"])

    def f(v: Any, *rest: float) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(run(v, *rest), dtype=float) + 0 * v

    return f
