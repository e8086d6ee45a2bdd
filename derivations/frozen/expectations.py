"""Expectations under a tabulated law: moments, entropy, any function, with their tails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.derivations.frozen.panels import MOST_PANELS, NODES, heights, panels
from neglog.derivations.frozen.segments import Segment
from neglog.derivations.frozen.tabulated import Table
from neglog.priors.errors import InputError

Floats = NDArray[np.float64]
_X, _W = np.polynomial.legendre.leggauss(NODES)
_X, _W = (_X + 1) / 2, _W / 2
Integrand = Callable[[Segment, Floats, Floats], Floats]  # of (segment, u, log p)


def moment(table: Table, order: float) -> float:
    """E[A^order] by tabulating |a|^order·p afresh: its mass may lie where p has hardly any."""
    parts: dict[int, float] = {}
    for segment in table.segments:
        sign = 1 if sum(segment.ends) >= 0 or order % 2 == 0 else -1
        size = parts.get(sign, -np.inf)
        parts[sign] = float(np.logaddexp(size, _log_moment(segment, order)))
    with np.errstate(over="ignore"):
        plus, minus = (float(np.exp(parts.get(s, -np.inf) - table.log_total)) for s in (1, -1))
    return plus - minus  # ∞ − ∞ is NaN, as it should be


def _log_moment(segment: Segment, order: float) -> float:
    def weight(x: Floats) -> Floats:
        return order * np.log(np.abs(x))

    try:
        masses = panels(segment, heights(segment, weight)).all_masses
    except InputError:  # the integral diverges
        return np.inf
    return float(np.logaddexp.reduce(masses))


def central(table: Table, mean: float, order: int, own: bool = True) -> float:
    """E[(A − mean)^order]: the raw moment decides whether it is finite.

    Where ``mean`` is the law's ``own``, its rounding to a double is made up for.
    """
    raw = moment(table, order)
    if not np.isfinite(raw):
        return raw

    def power(k: int, rest: float) -> Integrand:
        # From the anchor, not from x: next to a far-off mode x has no digits to spare.
        def value(segment: Segment, u: Floats, log_p: Floats) -> Floats:
            return ((segment.anchor - mean) + segment.direction * u - rest) ** k

        return value

    rounding = _whole(table, power(1, 0.0)) if own and _beyond(table, 1) == 0 else 0.0
    return _whole(table, power(order, rounding)) + _beyond(table, order)


def _beyond(table: Table, order: int) -> float:
    """The part of a moment past the panels of p, where the mean does not matter."""
    total = 0.0
    for segment, panel in zip(table.segments, table.panels, strict=True):
        end = panel.above
        if end is not None and not end.deep and end.rate > order:
            size = end.level + order * end.rim - table.log_total - np.log(end.rate - order)
            total += float(segment.direction**order * np.exp(size))
    return total


def entropy(table: Table) -> float:
    """−E log p in nats."""
    total = 0.0
    for number in range(len(table.segments)):
        total += _integral(table, number, lambda segment, u, log_p: -log_p)
        for end in (table.panels[number].below, table.panels[number].above):
            if end is None or end.deep:
                continue
            # log p = height − t, and the height falls in a straight line of that rate.
            log_p = end.level - end.rim - table.log_total
            drift = (end.rate + end.outward) / end.rate
            total += float(np.exp(end.mass - table.log_total)) * (drift - log_p)
    return total


def expect(table: Table, f: Callable[[Floats], Any]) -> float:
    """E f(A) over the panels."""

    def of_x(segment: Segment, u: Floats, log_p: Floats) -> Floats:
        return np.asarray(f(segment.anchor + segment.direction * u), dtype=np.float64)

    return _whole(table, of_x)


def _whole(table: Table, f: Integrand) -> float:
    return sum(_integral(table, number, f) for number in range(len(table.segments)))


def _integral(table: Table, number: int, f: Integrand) -> float:
    """∫ f·p over one segment: panels are halved until the rule settles against the whole."""
    segment, height = table.segments[number], table.heights[number]
    edges = table.panels[number].edges
    lo, hi = edges[:-1], edges[1:]

    def values(p: Floats, q: Floats) -> Floats:
        t = p[:, None] + (q - p)[:, None] * _X
        log_mass = height(t) - table.log_total
        with np.errstate(all="ignore"):
            terms = np.where(
                log_mass > -np.inf, f(segment, np.exp(t), log_mass - t) * np.exp(log_mass), 0.0
            )
        return np.where(np.isnan(terms), 0.0, terms) @ _W * (q - p)

    total, size, before = 0.0, 0.0, values(lo, hi)
    for _ in range(30):
        middle = (lo + hi) / 2
        left, right = values(lo, middle), values(middle, hi)
        size = max(size, abs(total) + float(np.sum(np.abs(left + right))))
        bad = np.abs(left + right - before) > 1e-14 * max(size, 1e-300)
        bad &= (hi - lo) > 1e-10 * np.maximum(1.0, np.abs(hi))
        total += float(np.sum((left + right)[~bad]))
        if not bad.any() or bad.sum() > MOST_PANELS:  # noise in f is not resolved further
            return total + float(np.sum((left + right)[bad]))
        lo, hi = np.concatenate([lo[bad], middle[bad]]), np.concatenate([middle[bad], hi[bad]])
        before = np.concatenate([left[bad], right[bad]])
    return total + float(np.sum(before))
