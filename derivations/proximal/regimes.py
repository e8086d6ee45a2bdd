"""Regimes in c: how the order of a map's stops changes with the strength, and where.

The tours at many strengths and a few parameter points show the order; the strength at which it
changes is looked for among closed candidates (curvature of h lost at an end or at the steepest
point of a piece, two thresholds that meet) and must agree with the change seen at every point.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from neglog.derivations.asymptotics.limits import limit_from_right
from neglog.derivations.numbers import UNCOMPUTABLE, samples
from neglog.derivations.proximal.hull import Graph, Tour, tour
from neglog.derivations.proximal.segments import Line, Segment

POINTS = 3
TOLERANCE = 0.04  # of a change of regime located on the grid
BISECTIONS = 7


@dataclass(frozen=True)
class Seen:
    """One tour with the numbers it belongs to."""

    c: float
    point: Mapping[sp.Symbol, sp.Expr]
    tour: Tour


@dataclass(frozen=True)
class Regime:
    """Strengths with one order of stops; ``upto`` per parameter point, ∞ for the last."""

    seen: tuple[Seen, ...]
    upto: tuple[float, ...]

    @property
    def tour(self) -> Tour:
        """Any of its tours."""
        return self.seen[0].tour


def regimes(line: Line) -> list[Regime] | None:
    """From weak to strong; None where parameter points disagree or some x has no minimum."""
    critical = curvature_lost(line)
    histories: list[list[tuple[list[Seen], float]]] = []
    for point in samples(line.parameters, POINTS if line.parameters else 1):
        strengths = _strengths(critical, point)
        graph = Graph.of(line, point, float(np.sqrt(min(1.0, strengths[0] * 40))))
        if graph is None:
            return None
        history = _history(graph, point, strengths)
        if history is None:
            return None
        histories.append(history)
    forms = [[seen[0].tour.form for seen, _ in history] for history in histories]
    if any(f != forms[0] for f in forms):
        return None
    return [
        Regime(
            tuple(s for history in histories for s in history[i][0]),
            tuple(history[i][1] for history in histories),
        )
        for i in range(len(forms[0]))
    ]


def _strengths(critical: Sequence[sp.Expr], point: Mapping[sp.Symbol, sp.Expr]) -> np.ndarray:
    """Strengths around 1 and around those where curvature is lost; none of them special."""
    numbers = [number(e, point) for e in critical]
    known = [k for k in numbers if k is not None and 0 < k < np.inf]
    low, high = min([1.0, *known]) / 40, max([1.0, *known]) * 40
    count = int(8 * np.log10(high / low)) + 1
    return np.geomspace(low * 1.0137, high * 0.9871, count)


def _history(
    graph: Graph, point: Mapping[sp.Symbol, sp.Expr], strengths: np.ndarray
) -> list[tuple[list[Seen], float]] | None:
    out: list[tuple[list[Seen], float]] = []
    for strength in strengths:
        found = tour(graph, float(strength))
        if found is None:
            return None
        if out and out[-1][0][-1].tour.form == found.form:
            out[-1][0].append(Seen(float(strength), point, found))
            continue
        if out:
            before = out[-1][0][-1]
            out[-1] = (out[-1][0], _change(graph, before, float(strength)))
        out.append(([Seen(float(strength), point, found)], float("inf")))
    return out


def _change(graph: Graph, before: Seen, after: float) -> float:
    low, high = before.c, after
    for _ in range(BISECTIONS):
        middle = float(np.sqrt(low * high))
        found = tour(graph, middle)
        same = found is not None and found.form == before.tour.form
        low, high = (middle, high) if same else (low, middle)
    return float(np.sqrt(low * high))


def number(expr: sp.Expr, point: Mapping[sp.Symbol, sp.Expr]) -> float | None:
    """The value in double precision where it is real."""
    try:
        value = complex(expr.subs(point))
    except (*UNCOMPUTABLE, TypeError):
        return None
    real = abs(value.imag) <= 1e-9 * (1 + abs(value.real))
    return value.real if real and np.isfinite(value.real) else None


def curvature_lost(line: Line) -> list[sp.Expr]:
    """c with 1 + cφ'' = 0 at an end of a segment or where φ''' vanishes."""
    found: list[sp.Expr] = []
    for segment in line.segments:
        if segment.phi is sp.oo:
            continue
        second = sp.diff(segment.slope, line.v)
        if second == 0:
            continue
        for at in [*_ends(segment), *_steepest(line, segment, second)]:
            value = limit_from_right(second, line.v, at)
            if value is not None and value.is_finite and value != 0:
                candidate = sp.factor(-1 / value)
                if candidate.is_negative is not True and candidate not in found:
                    found.append(candidate)
    return found


def _ends(segment: Segment) -> list[sp.Expr]:
    return [e for e in (segment.lo, segment.hi) if e not in (sp.oo, -sp.oo)]


def _steepest(line: Line, segment: Segment, second: sp.Expr) -> list[sp.Expr]:
    """Zeros of φ''' inside a segment, where φ'' is rational with factors of low degree."""
    if not second.is_rational_function(line.v) or second.has(sp.log):
        return []
    third, _ = sp.fraction(sp.cancel(sp.together(sp.diff(second, line.v))))
    found: list[sp.Expr] = []
    for factor, _power in sp.factor_list(third, line.v)[1]:
        if 1 <= sp.degree(factor, line.v) <= 2:
            found += [
                r for r in sp.roots(factor, line.v) if r.is_real and r.is_nonpositive is not True
            ]
    return found


def boundary(
    regime: Regime, candidates: Iterable[sp.Expr], points: Sequence[Mapping[sp.Symbol, sp.Expr]]
) -> sp.Expr | None:
    """The candidate equal to where a regime ends, at every parameter point."""
    for candidate in candidates:
        values = [number(candidate, point) for point in points]
        if all(
            v is not None and abs(v - at) <= TOLERANCE * at
            for v, at in zip(values, regime.upto, strict=True)
        ):
            return candidate
    return None


def meeting(thresholds: Sequence[sp.Expr | None], c: sp.Symbol) -> list[sp.Expr]:
    """c where neighbouring thresholds meet, for thresholds polynomial in √c."""
    found: list[sp.Expr] = []
    root = sp.Dummy("r", positive=True)
    for one, two in itertools.pairwise(thresholds):
        if one is None or two is None:
            continue
        gap = sp.powdenest(sp.expand((one - two).subs(c, root**2)), force=True)
        top, _ = sp.fraction(sp.together(gap))
        if not top.is_polynomial(root) or sp.degree(top, root) > 4:
            continue
        for factor, _power in sp.factor_list(top, root)[1]:
            if 1 <= sp.degree(factor, root) <= 2:
                found += [sp.factor(sp.expand(r**2)) for r in sp.roots(factor, root)]
    return found
