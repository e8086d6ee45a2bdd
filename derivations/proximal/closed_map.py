"""The proximal map argmin_z ½(z − x)² + cφ(z) in closed form, the global minimum for every c.

Given for x > 0 (z ≥ 0) where φ is even or its domain positive, for all real x otherwise. The order
of its stops comes from a convex hull (``prox_hull``), their formulas from ``prox_roots``, where one
gives way to the next from ``prox_ties``, changes with c from ``prox_regimes``; ``prox_map`` writes
the map down and ``prox_check`` has the last word.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.half_line import Side
from neglog.derivations.proximal.arcs_map import Plan, assemble
from neglog.derivations.proximal.check import is_global_minimum, ties_exactly
from neglog.derivations.proximal.regimes import (
    Regime,
    boundary,
    curvature_lost,
    meeting,
    number,
    regimes,
)
from neglog.derivations.proximal.segments import Line, line
from neglog.derivations.proximal.ties import Stop, Tie, jumping, touching
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a

SECONDS = 4.0
MOST_STOPS = 6
READABLE = 1_950  # parts of a text; the parser reads back 2,000
LARGEST_SAMPLE = 100.0  # beyond, rounding hides which root is meant


def proximal(phi: Penalty, sides: Sequence[Side]) -> dict[str, Any] | None:
    """The map and what follows from it; None where nothing closed passes the check.

    Keys: ``expr`` in ``input`` (x; a where it holds for all reals) and ``strength`` (c), ``for``
    which x, ``threshold`` where it leaves 0 and ``jump`` by how much (None where not closed),
    ``continuous_when``, and ``regimes`` where these change with c.
    """
    found: dict[str, Any] | None = within(SECONDS, lambda: _proximal(phi, sides), None)
    return found


def _proximal(phi: Penalty, sides: Sequence[Side]) -> dict[str, Any] | None:
    stretch = line(phi, sides)
    if stretch is None:
        return None
    seen = regimes(stretch)
    if seen is None or max(len(r.tour.stops) for r in seen) > MOST_STOPS:
        return None
    drafts = (
        lambda: _plans(stretch, seen),
        lambda: _plans(stretch, seen, general=True),
        lambda: _by_value_alone(stretch, seen),
    )
    for draft in drafts:
        plans = draft()
        if plans is None:
            continue
        expr = assemble(stretch, plans)
        if sum(1 for _ in ast.walk(ast.parse(str(expr)))) > READABLE:
            continue
        ties = [t for plan in plans for t in plan.ties if t is not None]
        bounds = [p.upto for p in plans if p.upto is not sp.oo]
        if is_global_minimum(stretch, expr, ties, bounds):
            out = _document(stretch, expr, plans)
            if len(plans) < len(seen):  # one formula for regimes whose ends are not closed
                out["continuous_when"] = _smooth_upto(stretch, seen)
            return out
    return None


def _smooth_upto(stretch: Line, seen: Sequence[Regime]) -> str | None:
    """When the map is continuous, where only the tours tell; None if its end is not closed."""
    smooth = [not any(step.jumps for step in regime.tour.steps) for regime in seen]
    if all(smooth) or not any(smooth):
        return str(all(smooth))
    if smooth[0] and not any(smooth[1:]):
        end = boundary(seen[0], curvature_lost(stretch), _points(seen))
        return None if end is None else str(sp.Le(stretch.names.c, end))
    return None


def _by_value_alone(stretch: Line, seen: Sequence[Regime]) -> list[Plan] | None:
    """One plan for all strengths: two stops compared by value, where the regimes have no end."""
    regime = max(seen, key=lambda r: len(r.tour.stops))
    stops = [_stop(stretch, regime, i, general=True) for i in range(len(regime.tour.stops))]
    known = [s for s in stops if s is not None]
    jumps = tuple(s.jumps for s in regime.tour.steps)
    ties: list[Tie | None] = [None] * len(jumps)
    if len(known) == 3 and stretch.half and all(s.alone for s in known[1:]):
        pass  # 0 and two arcs of one cubic
    elif len(known) == 3 and not jumps[0]:
        ties[0] = touching(stretch, known[0].token, known[1].token)
        if ties[0] is None or not ties[0].x.is_nonpositive or not stretch.half:
            return None
    elif len(known) != 2:
        return None
    return [Plan(tuple(known), tuple(ties), jumps, sp.oo)] if len(known) == len(stops) else None


def _plans(stretch: Line, seen: Sequence[Regime], general: bool = False) -> list[Plan] | None:
    """The regimes with formulas; None where a stop or an end of a regime has none."""
    drafts: list[tuple[list[Stop], list[Tie | None]]] = []
    for regime in seen:
        stops = [_stop(stretch, regime, i, general) for i in range(len(regime.tour.stops))]
        known = [s for s in stops if s is not None]
        if len(known) < len(stops):
            return None
        steps = range(len(regime.tour.steps))
        drafts.append((known, [_tie(stretch, regime, known, i) for i in steps]))
    points = _points(seen)
    critical = curvature_lost(stretch)
    ends: list[sp.Expr] = []
    for i, regime in enumerate(seen[:-1]):
        thresholds = [[t and t.x for t in ties] for _, ties in drafts[i : i + 2]]
        candidates = [*critical, *(m for t in thresholds for m in meeting(t, stretch.names.c))]
        end = boundary(regime, candidates, points)
        if end is None:
            return None
        ends.append(end)
    return [
        Plan(tuple(stops), tuple(ties), tuple(s.jumps for s in regime.tour.steps), end)
        for (stops, ties), regime, end in zip(drafts, seen, [*ends, sp.oo], strict=True)
    ]


def _points(seen: Sequence[Regime]) -> list[Any]:
    """The parameter points of the tours, in order."""
    points: list[Any] = []
    for one in seen[0].seen:
        if one.point not in points:
            points.append(one.point)
    return points


def _stop(stretch: Line, regime: Regime, i: int, general: bool = False) -> Stop | None:
    """The formula of a stop: an edge, or the root that passes through the samples of its arc.

    ``general``: the last such root, which holds in most cases, instead of the simplest.
    """
    token = regime.tour.stops[i]
    if token.kind == "point":
        edge = stretch.edges[token.index]
        return Stop(token, edge, edge)
    x, c = stretch.names.x, stretch.names.c
    rows = [
        (at, seen.c, *(float(seen.point[p]) for p in stretch.parameters), z)
        for seen in regime.seen
        for at, z in seen.tour.samples[i]
        if (at > 0 or not stretch.half) and abs(at) < LARGEST_SAMPLE
    ]
    if not rows:
        return None
    *given, z = np.array(rows).T
    roots = stretch.segments[token.index].roots
    for root in reversed(roots) if general else roots:
        run = sp.lambdify([x, c, *stretch.parameters], root.plain, ["numpy", "scipy"])
        with np.errstate(all="ignore"):
            value = np.asarray(run(*given)) + 0 * z
        finite = np.isfinite(value)  # a formula may overflow at extreme inputs
        close = np.abs(value - z)[finite] <= 1e-6 * (1e-3 + np.abs(z[finite]))
        enough = 0.3 if root.plain.has(sp.LambertW) else 1
        if finite.mean() >= enough and close.all():
            return Stop(token, root.plain, root.safe, root.alone, root.apart)
    return None


def _tie(stretch: Line, regime: Regime, stops: Sequence[Stop], i: int) -> Tie | None:
    """The closed threshold of a step that agrees with the steps seen."""
    one, two = stops[i], stops[i + 1]
    if not regime.tour.steps[i].jumps:
        return touching(stretch, one.token, two.token)
    for candidate in jumping(stretch, one, two):
        if _agrees(stretch, regime, candidate, i):
            return candidate
    return None


def _agrees(stretch: Line, regime: Regime, tie: Tie, i: int) -> bool:
    for seen in regime.seen[:: max(1, len(regime.seen) // 8)]:
        here = {**seen.point, stretch.names.c: sp.Float(seen.c, 30)}
        step = seen.tour.steps[i]
        at = number(tie.x, here)
        if at is None or abs(at - step.x) > 0.02 * (0.05 + abs(step.x)):
            return False
        if not ties_exactly(stretch, tie, here):
            return False
    return True


def _document(stretch: Line, expr: sp.Expr, plans: Sequence[Plan]) -> dict[str, Any]:
    leaving = [_leaves_zero(stretch, plan) for plan in plans]
    c = stretch.names.c
    smooth = [not any(plan.jumps) for plan in plans]
    out: dict[str, Any] = {
        "expr": expr if stretch.half else expr.xreplace({stretch.names.x: a}),
        "threshold": _joined(c, plans, [t for t, _ in leaving]),
        "jump": _joined(c, plans, [j for _, j in leaving]),
        "for": f"{stretch.names.x} > 0" if stretch.half else "real",
        "input": str(stretch.names.x if stretch.half else a),  # ``a`` is read back as real
        "strength": str(c),
        "continuous_when": _continuous(c, plans, smooth),
    }
    if len(plans) > 1:
        out["regimes"] = [
            {
                "when": "True" if plan.upto is sp.oo else str(sp.Le(c, plan.upto)),
                "threshold": None if at is None else str(at),
                "jump": None if jump is None else str(jump),
                "continuous": even,
            }
            for plan, (at, jump), even in zip(plans, leaving, smooth, strict=True)
        ]
        if out["threshold"] is None and leaving[0][0] is not None:
            out["threshold_small_c"] = leaving[0][0]
            out["small_c"] = sp.Le(c, plans[0].upto)
    return out


def _continuous(c: sp.Symbol, plans: Sequence[Plan], smooth: Sequence[bool]) -> str:
    if all(smooth) or not any(smooth):
        return str(all(smooth))
    last = max(i for i, even in enumerate(smooth) if even)
    return str(sp.Le(c, plans[last].upto))  # ½z² outweighs what is not convex, up to a strength


def _leaves_zero(stretch: Line, plan: Plan) -> tuple[sp.Expr | None, sp.Expr | None]:
    """(x, size of the jump) where the map leaves 0 to the right; None where not closed."""
    for i, stop in enumerate(plan.stops[:-1]):
        if stop.token.kind == "point" and stretch.edges[stop.token.index] == 0:
            tie = plan.ties[i]
            if tie is None:
                return None, None
            if tie.x is -sp.oo or (stretch.half and tie.x.is_negative):
                return None, None
            return tie.x, sp.S.Zero if not plan.jumps[i] else sp.simplify(tie.to)
    return None, None


def _joined(
    c: sp.Symbol, plans: Sequence[Plan], values: Sequence[sp.Expr | None]
) -> sp.Expr | None:
    """One value over all regimes; None where any is unknown."""
    if any(v is None for v in values):
        return None
    if all(v == values[0] for v in values):
        return values[0]
    whens = [sp.true if p.upto is sp.oo else sp.Le(c, p.upto) for p in plans]
    pairs = list(zip(values, whens, strict=True))
    last = [p for p, q in itertools.pairwise(pairs) if p[0] != q[0]]
    return sp.Piecewise(*last, pairs[-1], evaluate=False)
