"""A segment cut into panels in t = log u, on which one Gauss–Legendre rule is exact to rounding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neglog.derivations.frozen.ends import End, beyond
from neglog.derivations.frozen.segments import DEEP, LEAST, MOST, Segment
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
