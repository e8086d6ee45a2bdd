"""Probabilities of a law by quadrature: both tails to full relative precision, arrays at a time.

Each segment is cut in t = log u into panels on which twelve Gauss–Legendre nodes integrate the
density to rounding. Panel masses are summed in logs from both ends, so that neither tail is one
minus the other; a probability at x is such a sum and one rule on the part of x's panel. Beyond the
last panel the density is an exponential in t, or close to it, and Gauss–Laguerre takes over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neglog.derivations.ends import End, beyond
from neglog.derivations.segments import DEEP, LEAST, MOST, Segment
from neglog.priors.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Height = Callable[[Floats], Floats]

NODES = 12
_X, _W = np.polynomial.legendre.leggauss(NODES)
_X, _W = (_X + 1) / 2, _W / 2
MOST_PANELS = 20_000
CHUNK = 16_384
SLOW, SPOILT = 20.0, 25


def heights(segment: Segment, weight: Callable[[Floats], Floats] | None = None) -> Height:
    """log of the density of t = log u, times a weight given as the log of a function of x."""

    def height(t: Floats) -> Floats:
        u = np.exp(t)
        with np.errstate(all="ignore"):
            value = segment.log_density(u) + t
            if weight is not None:
                value = value + weight(segment.anchor + segment.direction * u)
        return np.where(np.isnan(value), -np.inf, value)

    return height


def rule(height: Height, start: Floats, stop: Floats) -> Floats:
    """log ∫ exp(height) from each start to each stop ≥ start."""
    out = np.empty(np.shape(start))
    for at in range(0, len(start), CHUNK):
        p, q = start[at : at + CHUNK], stop[at : at + CHUNK]
        width = q - p
        h = height(p[:, None] + width[:, None] * _X)
        top = np.max(h, axis=1, initial=-np.inf)
        top = np.where(np.isfinite(top), top, 0.0)
        with np.errstate(divide="ignore"):
            out[at : at + CHUNK] = top + np.log(np.exp(h - top[:, None]) @ _W * width)
    return out


@dataclass(frozen=True)
class Panels:
    """The panels of one segment in increasing t, their log masses, and what lies beyond them."""

    edges: Floats
    masses: Floats
    below: End | None
    above: End | None

    @property
    def all_masses(self) -> Floats:
        """Log masses with the two ends, −∞ where there is none."""
        none = -np.inf
        low = none if self.below is None else self.below.mass
        high = none if self.above is None else self.above.mass
        return np.array([low, *self.masses, high])


def panels(segment: Segment, height: Height) -> Panels:
    """The panels of a segment.

    Raises:
        InputError: the density has no finite integral at an end.
    """
    top = MOST if segment.length == np.inf else min(MOST, float(np.log(segment.length)))
    grid = np.append(np.arange(min(LEAST, top - 1), top, 1.0), top)
    h = height(grid)
    alive = np.flatnonzero(np.isfinite(h))
    if not len(alive):
        return Panels(np.array([top, top]), np.array([-np.inf]), None, None)
    reliable = _reliable(h, alive, bounded=segment.length < np.inf)
    kept = np.flatnonzero(h > np.max(h) - DEEP)
    first = max(kept[0] - 1, 0, reliable.start)
    last = min(kept[-1] + 1, len(grid) - 1, reliable.stop - 1)
    start, stop = float(grid[first]), float(grid[last])
    edges, masses = _refined(height, start, stop, float(np.max(h)))
    above = None
    if segment.length == np.inf or top == MOST:
        above = beyond(height, stop, +1, segment, float(np.max(h)))
    return Panels(edges, masses, beyond(height, start, -1, segment, float(np.max(h))), above)


def _reliable(h: Floats, alive: Ints, *, bounded: bool) -> range:
    """The grid points between the ends at which the formula overflows although p goes on.

    A height that stops being a number while it still changes slowly does so for that reason, and
    has lost digits a little before (1/u² from u = 1e-154 on); there p is continued in a line.
    """
    low, high = int(alive[0]), int(alive[-1])
    floor = np.max(h) - DEEP
    if low > 0 and h[low] > floor and abs(h[low + 1] - h[low]) < SLOW:
        low = min(low + SPOILT, high - 2)
    if high < len(h) - 1 and not bounded and h[high] > floor and h[high - 1] - h[high] < SLOW:
        high = max(high - SPOILT, low + 2)
    return range(low, high + 1)


def _refined(height: Height, start: float, stop: float, top: float) -> tuple[Floats, Floats]:
    """Edges and log masses: panels are halved until the rule agrees with that on its halves."""
    count = max(2, int(np.ceil((stop - start) / 2)))
    edges = np.linspace(start, stop, count + 1)
    lo, hi = edges[:-1], edges[1:]
    done_lo, done_mass = [], []
    total = -np.inf
    for _ in range(60):
        middle = (lo + hi) / 2
        whole = rule(height, lo, hi)
        halves = np.logaddexp(rule(height, lo, middle), rule(height, middle, hi))
        noise = 4e-16 * (1.0 + np.abs(height(middle)) + np.abs(middle))
        with np.errstate(invalid="ignore"):
            gap = np.abs(np.expm1(whole - halves))
        gap = np.where(whole == halves, 0.0, gap)
        total = max(total, float(np.max(halves, initial=-np.inf)))
        good = (gap < 1e-14 + noise) | (np.maximum(whole, halves) < max(top, total) - DEEP - 20)
        good |= (hi - lo) < 1e-14 * np.maximum(1.0, np.abs(hi))
        done_lo.append(lo[good])
        done_mass.append(halves[good])
        bad = ~good
        if not bad.any():
            break
        if sum(map(len, done_lo)) + 2 * int(bad.sum()) > MOST_PANELS:
            raise InputError("the density oscillates too fast to be integrated.")
        lo, hi = np.concatenate([lo[bad], middle[bad]]), np.concatenate([middle[bad], hi[bad]])
    else:
        done_lo.append(lo)
        done_mass.append(rule(height, lo, hi))
    starts, mass = np.concatenate(done_lo), np.concatenate(done_mass)
    order = np.argsort(starts)
    return np.append(starts[order], stop), mass[order]


def cumulated(masses: Floats) -> Floats:
    """log of the running sums, with guard digits where the platform has them."""
    return np.logaddexp.accumulate(masses.astype(np.longdouble)).astype(np.float64)


class Table:
    """The cumulative masses of a law, in logs, from both ends.

    Attributes:
        log_total: log ∫ of the unnormalised density.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = list(segments)
        self.heights = [heights(s) for s in self.segments]
        self.panels = [panels(s, h) for s, h in zip(self.segments, self.heights, strict=True)]
        masses = [
            p.all_masses if s.direction > 0 else p.all_masses[::-1]
            for s, p in zip(self.segments, self.panels, strict=True)
        ]
        self._offsets = np.cumsum([0, *map(len, masses)])
        self._masses = np.concatenate(masses)
        ends = np.array([-np.inf])
        self._left = np.concatenate([ends, cumulated(self._masses)])
        self._right = np.concatenate([cumulated(self._masses[::-1])[::-1], ends])
        self.log_total = float(self._left[-1])
        if not np.isfinite(self.log_total):
            raise InputError("the density has no finite, positive integral at these numbers.")
        self._starts = np.array([s.ends[0] for s in self.segments])

    @property
    def support(self) -> tuple[float, float]:
        """The ends of the support."""
        return self.segments[0].ends[0], self.segments[-1].ends[1]

    def log_density(self, x: Floats) -> Floats:
        """log p at each x; −∞ outside the support."""
        out = np.full(x.shape, -np.inf)
        for number, mask in self._by_segment(x):
            segment = self.segments[number]
            u = np.abs(x[mask] - segment.anchor)
            with np.errstate(all="ignore"):
                value = segment.log_density(u) - self.log_total
            inside = (u <= segment.length * (1 + 1e-15)) & (x[mask] >= self._starts[0])
            out[mask] = np.where(inside, value, -np.inf)
        out[np.isnan(x)] = np.nan
        return out

    def log_tail(self, x: Floats, side: int) -> Floats:
        """log P(A > x) for side +1, log P(A ≤ x) for side −1."""
        direct, other = self._both(x, side)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(direct > np.log(0.5), np.log1p(-np.exp(np.minimum(other, 0))), direct)

    def tail(self, x: Floats, side: int) -> Floats:
        """P(A > x) for side +1, P(A ≤ x) for side −1."""
        return np.exp(np.minimum(self._both(x, side)[0], 0.0))

    def _both(self, x: Floats, side: int) -> tuple[Floats, Floats]:
        """log of the mass on a side of x, and on the other."""
        x = np.clip(x, *self.support)
        here, there = np.full(x.shape, -np.inf), np.full(x.shape, -np.inf)
        for number, mask in self._by_segment(x):
            segment, panel = self.segments[number], self.panels[number]
            u = np.minimum(np.abs(x[mask] - segment.anchor), segment.length)
            with np.errstate(divide="ignore"):
                t = np.log(u)
            outward, inward = self._partial(number, t)
            index = np.searchsorted(panel.edges, t, side="right")
            count = len(panel.masses) + 2
            index = np.clip(index, 0, count - 1)
            place = index if segment.direction > 0 else count - 1 - index
            place = self._offsets[number] + place
            right, left = self._right[place + 1], self._left[place]
            far, near = (right, left) if segment.direction > 0 else (left, right)
            outward, inward = np.logaddexp(far, outward), np.logaddexp(near, inward)
            with np.errstate(all="ignore"):  # log u was rounded: the density makes up for it
                slip, level = u / np.exp(t) - 1, self.heights[number](t)
                for mass, sign in ((outward, -1.0), (inward, 1.0)):
                    more = np.log1p(sign * slip * np.exp(level - mass))
                    mass += np.where(np.isfinite(more), more, 0.0)
            ahead = side == segment.direction
            here[mask], there[mask] = (outward, inward) if ahead else (inward, outward)
        here[np.isnan(x)] = there[np.isnan(x)] = np.nan
        return here - self.log_total, there - self.log_total

    def _partial(self, number: int, t: Floats) -> tuple[Floats, Floats]:
        """Log masses of t's own panel above t and below t."""
        panel, height = self.panels[number], self.heights[number]
        edges = panel.edges
        above, below = np.full(t.shape, -np.inf), np.full(t.shape, -np.inf)
        inside = (t >= edges[0]) & (t < edges[-1])
        index = np.clip(np.searchsorted(edges, t[inside], side="right") - 1, 0, len(edges) - 2)
        below[inside] = rule(height, edges[index], t[inside])
        above[inside] = rule(height, t[inside], edges[index + 1])
        low, high = t < edges[0], t >= edges[-1]
        if panel.below is not None:
            below[low] = panel.below.tail(t[low])
            above[low] = _without(panel.below.mass, below[low])
        if panel.above is not None:
            above[high] = panel.above.tail(t[high])
            below[high] = _without(panel.above.mass, above[high])
        return above, below

    def _by_segment(self, x: Floats) -> list[tuple[int, NDArray[np.bool_]]]:
        """Each segment's number and which x it holds; an x in a gap belongs to the one before."""
        index = np.clip(np.searchsorted(self._starts, x, side="right") - 1, 0, None)
        # At a shared end the segment anchored there answers: it knows its distance exactly.
        for number, segment in enumerate(self.segments[:-1]):
            if segment.direction < 0 and segment.ends[1] == self._starts[number + 1]:
                index = np.where(x == segment.anchor, number + 1, index)
        return [(n, index == n) for n in range(len(self.segments)) if (index == n).any()]

    def quantile(self, log_mass: Floats, side: int) -> Floats:
        """The x with log P on a side of it as given: side −1 the quantile, +1 the isf."""
        target = np.minimum(log_mass, 0.0) + self.log_total
        cumulative = self._left[1:] if side < 0 else self._right[:-1][::-1]
        place = np.clip(np.searchsorted(cumulative, target, side="left"), 0, len(cumulative) - 1)
        start = np.concatenate([[-np.inf], cumulative])[place]
        if side > 0:
            place = len(cumulative) - 1 - place
        out = np.full(target.shape, np.nan)
        for number, segment in enumerate(self.segments):
            low, high = self._offsets[number], self._offsets[number + 1]
            mask = (place >= low) & (place < high)
            if not mask.any():
                continue
            rest = _without(target[mask], start[mask])
            local = place[mask] - low
            rising = segment.direction != side  # mass is counted from small t upwards
            if segment.direction < 0:
                local = high - low - 1 - local
            t = self._solve(number, local, rest, rising)
            with np.errstate(over="ignore"):
                u = np.minimum(np.exp(t), segment.length)
            out[mask] = segment.anchor + segment.direction * u
        low_end, high_end = self.support
        out[log_mass == -np.inf] = low_end if side < 0 else high_end
        out[log_mass == 0.0] = high_end if side < 0 else low_end
        return out

    def _solve(self, number: int, panel: Ints, mass: Floats, rising: bool) -> Floats:
        """t in each panel with the given log mass between it and the panel's start."""
        edges, height = self.panels[number].edges, self.heights[number]
        last = len(edges) - 1
        inside = (panel > 0) & (panel <= last)
        t = np.where(panel == 0, -np.inf, np.inf)  # in an end: beyond what doubles hold
        below, above = self.panels[number].below, self.panels[number].above
        for end, mask, rim in ((below, panel == 0, edges[0]), (above, panel > last, edges[-1])):
            if mask.any():
                inwards = (end is below) == rising
                t[mask] = rim if end is None else end.where(mass[mask], inwards)
        which = panel[inside] - 1
        lo, hi = edges[which], edges[which + 1]
        t[inside] = invert(height, lo, hi, mass[inside], self.panels[number].masses[which], rising)
        return t


def invert(
    height: Height, lo: Floats, hi: Floats, mass: Floats, whole: Floats, rising: bool
) -> Floats:
    """t in (lo, hi) with ∫_lo^t (rising) or ∫_t^hi exp(height) = exp(mass), by Newton's method."""
    wanted = np.exp(np.minimum(mass - whole, 0.0))  # as a share of the panel
    left, right = lo.copy(), hi.copy()
    t = _first_guess(height, lo, hi, wanted if rising else 1 - wanted)
    active = np.arange(len(t))
    for _ in range(60):
        at = t[active]
        ends = (lo[active], at) if rising else (at, hi[active])
        error = np.exp(rule(height, *ends) - whole[active]) - wanted[active]
        slope = np.exp(height(at) - whole[active])
        excess = error if rising else -error
        left[active] = np.where(excess < 0, at, left[active])
        right[active] = np.where(excess >= 0, at, right[active])
        with np.errstate(divide="ignore", invalid="ignore"):
            new = at - excess / slope
        bad = ~((new > left[active]) & (new < right[active]))
        settled = np.abs(error) <= 4e-16 * wanted[active]
        new = np.where(bad, (left[active] + right[active]) / 2, new)
        # Newton's error is squared by each step: after a small one nothing is left.
        moved = bad | (np.abs(new - at) > 1e-9 * (hi[active] - lo[active]))
        t[active] = np.where(settled, at, new)
        active = active[~settled & moved]
        if not len(active):
            break
    return t


def _first_guess(height: Height, lo: Floats, hi: Floats, share: Floats) -> Floats:
    """t as if the height were linear on each panel."""
    width = hi - lo
    with np.errstate(all="ignore"):
        rise = np.clip(height(hi - 1e-9 * width) - height(lo + 1e-9 * width), -600, 600)
        rise = np.where(np.abs(rise) < 1e-6, 1e-6, rise)
        t = lo + width * np.log1p(share * np.expm1(rise)) / rise
    return np.where(np.isfinite(t), np.clip(t, lo, hi), (lo + hi) / 2)


def _without(whole: Floats | float, part: Floats) -> Floats:
    """log(e^whole − e^part), −∞ where nothing is left."""
    with np.errstate(all="ignore"):
        gap = np.where(part == -np.inf, -np.inf, np.minimum(part - whole, 0.0))
        return np.where(part == -np.inf, whole, whole + np.log(-np.expm1(gap)))
