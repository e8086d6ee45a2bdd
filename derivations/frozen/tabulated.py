"""Probabilities of a law by quadrature: both tails to full relative precision, arrays at a time.

Each segment is cut in t = log u into panels on which twelve Gauss–Legendre nodes integrate the
density to rounding. Panel masses are summed in logs from both ends, so that neither tail is one
minus the other; a probability at x is such a sum and one rule on the part of x's panel. Beyond the
last panel the density is an exponential in t, or close to it, and Gauss–Laguerre takes over.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neglog.derivations.frozen.panels import Floats, Ints, heights, invert, panels, rule
from neglog.derivations.frozen.segments import Segment
from neglog.priors.errors import InputError


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


def _without(whole: Floats | float, part: Floats) -> Floats:
    """log(e^whole − e^part), −∞ where nothing is left."""
    with np.errstate(all="ignore"):
        gap = np.where(part == -np.inf, -np.inf, np.minimum(part - whole, 0.0))
        return np.where(part == -np.inf, whole, whole + np.log(-np.expm1(gap)))
