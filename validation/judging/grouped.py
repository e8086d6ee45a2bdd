"""One feature's histogram against a law: distances, and multinomial draws to refit."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from neglog.validation.families import Family
from neglog.validation.judging import edf
from neglog.validation.laws import Law
from neglog.validation.segments import Floats, Segments, in_own_units
from neglog.validation.sketches.bins import BINS, left
from neglog.validation.sketches.sketch import Sketch

OUTSIDE = 1e-3  # expected number of values beyond the bins on either side


@dataclass(frozen=True)
class Bins:
    """Neighbouring bins that hold a feature's values and nearly all that the fitted law draws.

    What lies beyond them is counted in the outermost bins.
    """

    law: Law
    row: Family
    edges: Floats  # (bins + 1,)
    counts: NDArray[np.int64]  # (bins,)
    mass: Floats  # (bins,)
    middle: Floats  # (bins,) mean of the law within each

    @classmethod
    def of(cls, sketch: Sketch, law: Law, row: Family, params: Floats) -> "Bins":
        """Bins for the one feature of a sketch, and the law with these parameters."""
        own = dict(zip(row.params, params, strict=True))
        n = int(sketch.nonzero[0])
        every = left(np.arange(BINS))
        with np.errstate(all="ignore"):
            rare = n * law.cdf(np.maximum(every, 1e-45), **own) < OUTSIDE
            gone = n * law.sf(np.maximum(every, 1e-45), **own) < OUTSIDE
        first = min(int(sketch.bins[0]), max(int(rare.sum()) - 1, 0))
        last = max(int(sketch.bins[-1]), min(int((~gone).sum()), BINS - 2))
        edges = left(np.arange(first, last + 2))
        counts = np.zeros(last + 1 - first, np.int64)
        counts[sketch.bins.astype(np.int64) - first] = sketch.counts
        with np.errstate(all="ignore"):
            reached = law.cdf(edges, **own)
            reached[0], reached[-1] = 0.0, 1.0
            mass = np.maximum(np.diff(reached), 0.0)
        return cls(law, row, edges, counts, mass / mass.sum(), _means(edges, mass))

    def distance(self, statistic: str, counts: NDArray[Any], params: Floats) -> Any:
        """The statistic of counts (…, bins) against parameters (params, …)."""
        own = {k: np.asarray(v)[..., None] for k, v in zip(self.row.params, params, strict=True)}
        with np.errstate(all="ignore"):
            reached = np.asarray(self.law.cdf(np.maximum(self.edges, 1e-45), **own))
        reached[..., 0], reached[..., -1] = 0.0, 1.0
        return edf.of_bins(statistic, counts, reached)

    def shares(self, replicates: int, draws: int) -> Iterator[int]:
        """Numbers of replicates to be drawn together."""
        most = max(1, draws // (2 * len(self.counts)))
        while replicates:
            times = min(most, replicates)
            replicates -= times
            yield times

    def draw(self, times: int, rng: Generator) -> NDArray[np.int64]:
        """Counts (times, bins) of as many values as the feature has."""
        return rng.multinomial(int(self.counts.sum()), self.mass, size=times)

    def segments(self, counts: NDArray[np.int64]) -> Segments:
        """Weighted samples for counts (times, bins), as a sketch of such values would give."""
        line, place = np.nonzero(counts)
        c = counts[line, place]
        width, middle = np.diff(self.edges)[place], self.middle[place]
        room = np.minimum(middle - self.edges[place], self.edges[place + 1] - middle)
        spread = np.where(c > 1, np.minimum(width * np.sqrt((1 - 1 / c) / 12), room), 0.0)
        twice = np.where(c > 1, 2, 1)
        a = np.repeat(middle - spread, twice)
        a[np.cumsum(twice)[c > 1] - 1] = (middle + spread)[c > 1]
        size = np.bincount(line, twice, minlength=len(counts)).astype(np.int64)
        return in_own_units(np.maximum(a, 1e-45), size, np.repeat(c / twice, twice))


def _means(edges: Floats, mass: Floats) -> Floats:
    """The law's mean in each bin, its density taken as a line through those of the neighbours."""
    width = np.diff(edges)
    middle = edges[:-1] + width / 2
    density = mass / width
    slope = np.gradient(density, middle)
    with np.errstate(all="ignore"):
        shift = width**2 / 12 * slope / density
    return middle + np.clip(np.nan_to_num(shift), -width / 4, width / 4)
