"""A proximal map written down: stops and ties of each regime as one flat Piecewise.

Where a threshold is not closed the objectives of two stops are compared instead: a stop's safe
formula is always a feasible point, so it wins only where it should.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from neglog.derivations.proximal.hull import Token
from neglog.derivations.proximal.segments import Line
from neglog.derivations.proximal.ties import Stop, Tie


@dataclass(frozen=True)
class Plan:
    """One regime in closed form: its stops, the ties between them (None: by value), its end."""

    stops: tuple[Stop, ...]
    ties: tuple[Tie | None, ...]
    jumps: tuple[bool, ...]
    upto: sp.Expr  # in c; ∞ for the last


def assemble(stretch: Line, plans: Sequence[Plan]) -> sp.Expr:
    """The map as one flat Piecewise, from the weakest regime to the strongest."""
    if len(plans) == 1:
        soft = _soft(stretch, plans[0])
        if soft is not None:
            return soft
    c = stretch.names.c
    entries: list[tuple[sp.Expr, Any]] = []
    for plan in plans:
        weak = sp.true if plan.upto is sp.oo else sp.Le(c, plan.upto)
        for value, when in _entries(stretch, plan):
            both = [w for w in (when, weak) if w is not sp.true]
            joined = sp.And(*both, evaluate=False) if len(both) > 1 else (*both, sp.true)[0]
            entries.append((value, joined))
    if len(entries) == 1:
        return entries[0][0]
    return sp.Piecewise(*entries, evaluate=False)


def _soft(stretch: Line, plan: Plan) -> sp.Expr | None:
    """Max(0, root) where a straight line leaves 0 continuously and nothing else happens."""
    if len(plan.stops) != 2 or not stretch.half or plan.stops[0].token != Token("point", 0):
        return None
    tie, root = plan.ties[0], plan.stops[1].plain
    if tie is None or plan.jumps[0] or tie.x is -sp.oo or tie.x.is_nonpositive:
        return None
    straight = root.is_polynomial(stretch.names.x)
    meets = straight and sp.simplify(root.subs(stretch.names.x, tie.x)) == 0
    return sp.Max(0, root) if meets else None


def _entries(stretch: Line, plan: Plan) -> list[tuple[sp.Expr, Any]]:
    """(value, condition) from the last stop to the first."""
    x = stretch.names.x
    out: list[tuple[sp.Expr, Any]] = []
    if len(plan.stops) == 3 and not any(plan.ties) and plan.stops[2].alone is not None:
        return _zero_and_two_arcs(stretch, plan)
    for i in range(len(plan.stops) - 1, 0, -1):
        tie = plan.ties[i - 1]
        if tie is None:
            out += _by_value(stretch, plan, i)
        elif tie.x is -sp.oo or (stretch.half and tie.x.is_nonpositive):
            out.append((plan.stops[i].plain, sp.true))
            return out
        else:
            out.append((plan.stops[i].plain, sp.Gt(x, tie.x, evaluate=False)))
    out.append((plan.stops[0].plain, sp.true))
    return out


def _by_value(stretch: Line, plan: Plan, i: int) -> list[tuple[sp.Expr, Any]]:
    """Stop i where it costs less than the one before."""
    one, two = plan.stops[i - 1], plan.stops[i]
    out: list[tuple[sp.Expr, Any]] = []

    def cheaper(value: sp.Expr) -> Any:
        rest = one.safe if two.apart else _clipped(stretch, plan, i - 1, one.safe)
        gain = _cost(stretch, two, value) - _cost(stretch, one, rest)
        return sp.Lt(gain, 0, evaluate=False)

    if two.alone is not None:
        when, root = two.alone
        if one.token.kind == "arc":  # both are that root; elsewhere all roots are real
            one, two = (replace(s, safe=s.apart or s.safe) for s in (one, two))
            out.append((root, when))
        else:
            value = _clipped(stretch, plan, i, root)
            out.append((value, sp.And(when, cheaper(value), evaluate=False)))
    value = _clipped(stretch, plan, i, two.safe)
    return [*out, (value, cheaper(value))]


def _zero_and_two_arcs(stretch: Line, plan: Plan) -> list[tuple[sp.Expr, Any]]:
    """0, the smallest and the largest root of a cubic: the cheapest, or its only root."""
    zero, one, two = plan.stops
    assert two.alone is not None
    when, root = two.alone
    low, high = sp.Max(0, one.safe), sp.Max(0, two.safe)
    costs = [_cost(stretch, s, z) for s, z in ((zero, zero.safe), (one, low), (two, high))]

    def cheaper(i: int, j: int) -> Any:
        return sp.Lt(costs[i] - costs[j], 0, evaluate=False)

    best = sp.And(cheaper(2, 1), cheaper(2, 0), evaluate=False)
    return [(sp.Max(0, root), when), (high, best), (low, cheaper(1, 0)), (zero.safe, sp.true)]


def _clipped(stretch: Line, plan: Plan, i: int, value: sp.Expr) -> sp.Expr:
    """A stop's value, kept in its segment where its neighbour sits at the segment's end."""
    stop = plan.stops[i]
    if stop.token.kind == "point":
        return stop.plain
    if i > 0 and plan.stops[i - 1].token == Token("point", stop.token.index):
        value = sp.Max(stretch.edges[stop.token.index], value)
    if i + 1 < len(plan.stops) and plan.stops[i + 1].token == Token("point", stop.token.index + 1):
        value = sp.Min(stretch.edges[stop.token.index + 1], value)
    return value


def _cost(stretch: Line, stop: Stop, value: sp.Expr) -> sp.Expr:
    x, c = stretch.names.x, stretch.names.c
    if stop.token.kind == "point":
        level = stretch.values[stop.token.index]
        assert level is not None
    else:
        level = stretch.segments[stop.token.index].phi.subs(stretch.v, value)
    return (value - x) ** 2 / 2 + c * level
