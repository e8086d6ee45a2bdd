"""Which stationary points the proximal map visits, read off a convex hull.

argmin_z ½(z − x)² + cφ(z) = argmax_z xz − h(z) with h = ½z² + cφ: as x grows the map runs along the
lower convex hull of h from left to right. A point of the hull where h has a kink is kept for an
interval of x, an arc gives a stationary point, a chord is a jump. So the hull at numbers tells the
order of the pieces, whatever their number, and closed forms are put on it afterwards.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from neglog.derivations.proximal.segments import Line, numeric

SPAN = np.logspace(-4.5, 5, 301)  # in units of the penalty's own length
HUGE = 1e15  # beyond this a penalty is as good as infinite, and the hull would overflow
INSIDE = np.concatenate([np.logspace(-6, -1.5, 40), np.linspace(0.04, 0.96, 70)])
INSIDE = np.concatenate([INSIDE, 1 - INSIDE[:40][::-1]])


@dataclass(frozen=True)
class Token:
    """One stop of the map: the point ``edges[index]``, or an arc of segment ``index``."""

    kind: str  # "point" or "arc"
    index: int
    order: int = 0  # of the arcs of one segment, from the left


@dataclass(frozen=True)
class Step:
    """Between two stops, at ``x``: continuous, or a jump from z to ``to``."""

    jumps: bool
    x: float
    z: float
    to: float


@dataclass(frozen=True)
class Tour:
    """The stops for x from −∞ to ∞, the steps between them, and points (x, z) of each arc."""

    stops: tuple[Token, ...]
    steps: tuple[Step, ...]
    samples: tuple[tuple[tuple[float, float], ...], ...]

    @property
    def form(self) -> tuple[object, ...]:
        """What makes two tours alike: the stops and which steps jump."""
        return (self.stops, tuple(s.jumps for s in self.steps))


@dataclass(frozen=True)
class Graph:
    """φ and φ' on a grid at one parameter point; ``where`` ≥ 0 numbers a segment, −1 − i edge i."""

    z: np.ndarray
    phi: np.ndarray
    slope: np.ndarray
    where: np.ndarray
    kinked: tuple[bool, ...]

    @classmethod
    def of(cls, line: Line, point: Mapping[sp.Symbol, sp.Expr], unit: float = 1.0) -> Graph | None:
        """The graph, on a grid in units of ``unit``; None where numbers fail."""
        values = [float(point[p]) for p in line.parameters]
        edges = [_number(e, point) for e in line.edges]
        zs: list[Any] = []
        phis: list[Any] = []
        slopes: list[Any] = []
        where: list[Any] = []
        ends: list[tuple[float, float]] = []  # slopes at both ends of each segment
        for i, segment in enumerate(line.segments):
            if line.values[i] is not None:
                level = _number(line.values[i], point)
                zs.append([edges[i]])
                phis.append([level])
                slopes.append([np.nan])
                where.append([-1 - i])
            if segment.phi is sp.oo:
                ends.append((-np.inf, np.inf))
                continue
            z = _grid(edges[i], edges[i + 1], SPAN * unit)
            arguments = (line.v, *line.parameters)
            phi = numeric(segment.phi, arguments)(z, *values)
            slope = numeric(segment.slope, arguments)(z, *values)
            zs.append(z)
            phis.append(phi)
            slopes.append(slope)
            where.append(np.full(z.shape, i))
            ends.append((slope[0], slope[-1]))
        last = len(line.segments)
        if line.values[last] is not None:
            zs.append([edges[last]])
            phis.append([_number(line.values[last], point)])
            slopes.append([np.nan])
            where.append([-1 - last])
        kinked = [True]
        for (_, before), (after, _) in itertools.pairwise(ends):
            kinked.append(bool(after - before > 1e-3 * (1 + abs(before))))
        z, phi = np.concatenate(zs), np.concatenate(phis)
        keep = (np.abs(phi) < HUGE) & np.isfinite(z)
        if keep.sum() < 10:
            return None
        whole = np.concatenate(slopes)
        return cls(z[keep], phi[keep], whole[keep], np.concatenate(where)[keep], (*kinked, True))


def _number(expr: sp.Expr | None, point: Mapping[sp.Symbol, sp.Expr]) -> float:
    assert expr is not None
    return float(expr.subs(point))


def _grid(lo: float, hi: float, span: np.ndarray) -> np.ndarray:
    """Interior points of (lo, hi), dense at finite ends, far into infinite ones."""
    if np.isinf(lo) and np.isinf(hi):
        return np.concatenate([-span[::-1], span])
    if np.isinf(hi):
        return lo + span
    if np.isinf(lo):
        return hi - span[::-1]
    return lo + (hi - lo) * INSIDE


def tour(graph: Graph, c: float) -> Tour | None:
    """The tour at one strength; None where there is no minimum for some x."""
    h = 0.5 * graph.z**2 + c * graph.phi
    keep = np.flatnonzero(np.isfinite(h))
    z, h = graph.z[keep], h[keep]
    hull = _lower_hull(z, h)
    where = graph.where[keep]
    slope = z + c * graph.slope[keep]
    for one, two in ((hull[0], hull[1]), (hull[-2], hull[-1])):
        outer = one if one == 0 else two
        if where[outer] >= 0 and two - one > 1:
            return None  # a chord to the end of the grid: h is not convex far out
    walk = _Walk(graph.kinked)
    for one, two in itertools.pairwise(hull):
        gradient = (h[two] - h[one]) / (z[two] - z[one])
        if two - one > 1:
            walk.chord(where[one], where[two], gradient, z[one], z[two])
        else:
            walk.along(where[one], where[two], gradient, z[one], z[two])
    walk.finish(where[hull[-1]], gradient, z[hull[-1]])
    samples: list[tuple[tuple[float, float], ...]] = []
    for token, (low, high) in zip(walk.stops, walk.reach, strict=True):
        inside = [k for k in hull if low <= z[k] <= high and where[k] == token.index]
        inside = inside[1:-1] if token.kind == "arc" else []
        inside = inside[:: max(1, len(inside) // 24)]
        samples.append(tuple((float(slope[k]), float(z[k])) for k in inside))
    return Tour(tuple(walk.stops), tuple(walk.steps), tuple(samples))


class _Walk:
    """Builds the stops and steps along the edges of a hull."""

    def __init__(self, kinked: tuple[bool, ...]) -> None:
        self.kinked = kinked
        self.stops: list[Token] = []
        self.steps: list[Step] = []
        self.reach: list[tuple[float, float]] = []

    def _push(self, token: Token, jumps: bool, x: float, z: float, to: float) -> None:
        if self.stops:
            self.steps.append(Step(jumps, float(x), float(z), float(to)))
        self.stops.append(token)
        self.reach.append((float(to), float(to)))

    def _arc(self, segment: int) -> Token:
        order = sum(1 for s in self.stops if s.kind == "arc" and s.index == segment)
        return Token("arc", segment, order)

    def _stop_at(self, place: int, jumps: bool, x: float, z: float, to: float) -> None:
        """Stop where an edge of the hull begins or a chord lands."""
        last = self.stops[-1] if self.stops else None
        if place < 0:
            token = Token("point", -1 - place)
            if last != token and (jumps or last is None or self.kinked[token.index]):
                self._push(token, jumps, x, z, to)
        elif jumps or last is None or last.kind != "arc" or last.index != place:
            self._push(self._arc(place), jumps, x, z, to)

    def along(self, place: int, then: int, x: float, z: float, to: float) -> None:
        """An edge between neighbours of the grid."""
        self._stop_at(place, False, x, z, z)
        if then >= 0:
            self._stop_at(then, False, x, z, z)
        if self.stops and self.stops[-1].kind == "arc":
            self.reach[-1] = (self.reach[-1][0], float(to))

    def chord(self, place: int, then: int, x: float, z: float, to: float) -> None:
        """An edge over points that the map leaves out."""
        if place < 0:
            last = self.stops[-1] if self.stops else None
            token = Token("point", -1 - place)
            if last != token:
                self._push(token, False, x, z, z)
        else:
            self._stop_at(place, False, x, z, z)
        self._stop_at(then, True, x, z, to)

    def finish(self, place: int, x: float, z: float) -> None:
        """A constraint on the right: its end is kept for every larger x."""
        if place < 0 and self.stops[-1] != Token("point", -1 - place):
            self._push(Token("point", -1 - place), False, x, z, z)


def _lower_hull(z: np.ndarray, h: np.ndarray) -> list[int]:
    """Indices of the lower convex hull of points sorted by z (Andrew's monotone chain, 1979)."""
    zs, hs = z.tolist(), h.tolist()
    hull: list[int] = []
    for i, (zi, hi) in enumerate(zip(zs, hs, strict=True)):
        while len(hull) > 1:
            j, k = hull[-2], hull[-1]
            if (hs[k] - hs[j]) * (zi - zs[j]) < (hi - hs[j]) * (zs[k] - zs[j]):
                break
            hull.pop()
        hull.append(i)
    return hull
