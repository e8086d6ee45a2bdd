"""Whether a closed proximal map is the global minimum, by numbers.

Each value must be an edge or a stationary point to 15 digits, no point of a fine grid may be
better, and at a threshold both sides must cost the same to 15 digits. Strengths on both sides of
every change of regime, inputs on both sides of every threshold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp

from neglog.derivations.numbers import UNCOMPUTABLE, function, samples
from neglog.derivations.proximal.hull import Graph
from neglog.derivations.proximal.regimes import number
from neglog.derivations.proximal.segments import Line
from neglog.derivations.proximal.ties import Tie

DIGITS = 30
EXACT = mp.mpf(10) ** -15
STRENGTHS = (0.083, 0.61, 2.37, 9.3)
INPUTS = (0.037, 0.31, 0.89, 1.63, 2.9, 5.3, 11.7)


def is_global_minimum(
    line: Line, expr: sp.Expr, ties: Sequence[Tie], bounds: Sequence[sp.Expr]
) -> bool:
    """Whether ``expr`` is the map: at sample parameters, weak to strong, small to large inputs."""
    x, c = line.names.x, line.names.c
    mapping = function([x, c, *line.parameters], expr)
    slopes = [function([line.v, *line.parameters], s.slope) for s in line.segments]
    phis = [function([line.v, *line.parameters], s.phi) for s in line.segments]
    for point in samples(line.parameters, 4 if line.parameters else 1)[-3:]:
        graph = Graph.of(line, point)
        if graph is None:
            return False
        with mp.workdps(DIGITS):
            values = [mp.mpf(point[p].p) / point[p].q for p in line.parameters]
            edges = [_mpf(e.subs(point)) for e in line.edges]
            levels = [v if v is None else _mpf(v.subs(point)) for v in line.values]
        limits = [b for b in (number(e, point) for e in bounds) if b is not None]
        for strength in _strengths(limits):
            here = {**point, c: sp.Float(strength, DIGITS)}
            with mp.workdps(DIGITS):
                at = mp.mpf(strength)
                for given in _inputs(line, ties, here):
                    z = _value(mapping, mp.mpf(given), at, values)
                    if z is None or not _stationary(z, mp.mpf(given), at, edges, slopes, values):
                        return False
                    level = _level(z, edges, levels, phis, values)
                    if level is None or not _beats(graph, z, level, given, strength):
                        return False
    return True


def _mpf(value: sp.Expr) -> Any:
    if value in (sp.oo, -sp.oo):
        return mp.inf if value is sp.oo else -mp.inf
    return mp.mpf(sp.N(value, DIGITS))


def _strengths(limits: Sequence[float]) -> Iterator[float]:
    yield from STRENGTHS
    for limit in limits:
        yield from (limit * 0.7, limit * 0.995, limit * 1.005, limit * 1.5)


def _inputs(line: Line, ties: Sequence[Tie], here: Mapping[sp.Symbol, sp.Expr]) -> Iterator[float]:
    yield from INPUTS
    if not line.half:
        yield from (-i for i in INPUTS)
    for tie in ties:
        at = number(tie.x, here)
        if at is not None and (at > 0 or not line.half):
            yield from (at * 0.9991, at * 1.0009)


def _value(mapping: Any, x: Any, c: Any, values: Sequence[Any]) -> Any:
    try:
        z = mp.mpmathify(mapping(x, c, *values))
    except (*UNCOMPUTABLE, TypeError):
        return None  # a condition compared complex numbers: the root is not real here
    if mp.isnan(z) or abs(mp.im(z)) > EXACT * (1 + abs(z)):
        return None
    return mp.re(z)


def _stationary(
    z: Any, x: Any, c: Any, edges: Sequence[Any], slopes: Sequence[Any], values: Sequence[Any]
) -> bool:
    """Whether z is an edge or solves z − x + cφ'(z) = 0 on its segment."""
    if any(mp.isfinite(e) and abs(z - e) <= EXACT * (1 + abs(e)) for e in edges):
        return True
    for lo, hi, slope in zip(edges, edges[1:], slopes, strict=False):
        if lo < z < hi:
            rest = z - x + c * mp.re(slope(z, *values))
            return bool(abs(rest) <= EXACT * (1 + abs(x) + c) * 100)
    return False


def _level(
    z: Any, edges: Sequence[Any], levels: Sequence[Any], phis: Sequence[Any], values: Sequence[Any]
) -> Any:
    """φ(z), the lower value at an edge."""
    for edge, level in zip(edges, levels, strict=True):
        if mp.isfinite(edge) and abs(z - edge) <= EXACT * (1 + abs(edge)):
            return level
    for lo, hi, phi in zip(edges, edges[1:], phis, strict=False):
        if lo < z < hi:
            return mp.re(phi(z, *values))
    return None


def _beats(graph: Graph, z: Any, level: Any, x: float, c: float) -> bool:
    """Whether no point of the grid is better than z."""
    best = float(np.min(0.5 * (graph.z - x) ** 2 + c * graph.phi))
    return bool((z - x) ** 2 / 2 + c * level <= best + 1e-9 * (1 + abs(best)))


def ties_exactly(line: Line, tie: Tie, here: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """Whether both sides of a jump cost the same at its threshold."""
    x = _exact(tie.x, here)
    costs = []
    for end in (tie.z, tie.to):
        z = _exact(end, here)
        if x is None or z is None:
            return False
        level = _exact_level(line, z, here)
        if level is None:
            return False
        costs.append((z - x) ** 2 / 2 + mp.mpf(sp.N(here[line.names.c], DIGITS)) * level)
    return bool(abs(costs[0] - costs[1]) <= EXACT * (1 + abs(costs[0])))


def _exact(expr: sp.Expr, here: Mapping[sp.Symbol, sp.Expr]) -> Any:
    value = sp.N(expr.subs(here), DIGITS)
    return mp.mpf(value) if value.is_real else None


def _exact_level(line: Line, z: Any, here: Mapping[sp.Symbol, sp.Expr]) -> Any:
    for i, edge in enumerate(line.edges):
        at = _exact(edge, here) if edge.is_finite else None
        value = line.values[i]
        if at is not None and abs(z - at) <= EXACT and value is not None:
            return _exact(value, here)
        if line.edges[-1] is not edge and (at is None or z > at):
            hi = line.edges[i + 1]
            if hi is sp.oo or z < _exact(hi, here) - EXACT:
                return _exact(line.segments[i].phi.subs(line.v, sp.Float(z, DIGITS)), here)
    return None
