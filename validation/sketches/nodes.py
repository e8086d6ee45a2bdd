"""Samples that stand for a bin's values: two nodes with the bin's mean and its likely spread.

Σ g(a) over the c values of a bin is taken as c/2 · [g(m − s) + g(m + s)], m the exact mean of the
values and s² = w²/12 · (1 − 1/c), what the variance about the mean of c values spread evenly over
the bin's width w is. The mean removes the error of first order, the spread that of second order;
what is left is of fourth order in w/a ≤ 1/32 (and of second order times 1/√c at random). A bin with
one value is that value.
"""

import numpy as np

from neglog.validation.segments import Exact, Segments, in_own_units
from neglog.validation.sketches.bins import left, right, steps
from neglog.validation.sketches.sketch import Sketch


def nodes(sketch: Sketch, exact: bool = True) -> Segments:
    """Segments of all features of a sketch, each of which must have values.

    exact: whether sums that the sketch holds replace those over nodes.
    """
    middle, spread = centres(sketch)
    twice = 1 + (spread > 0).astype(np.int64)
    ends = np.cumsum(twice)
    a = np.repeat(middle - spread, twice)
    second = (ends - 1)[twice == 2]
    a[second] = (middle + spread)[twice == 2]
    weight = np.repeat(sketch.counts / twice, twice)
    pair = np.repeat(twice == 2, twice)
    pair[second] = False
    reached = np.concatenate([np.zeros(1, np.int64), ends])
    size = np.diff(reached[sketch.indptr])
    known = Exact(sketch.sum, sketch.square, sketch.log, sketch.log_square, sketch.top)
    return in_own_units(a, size, weight, None, known if exact else None, pair)


def centres(sketch: Sketch) -> tuple[np.ndarray, np.ndarray]:
    """Mean and half-distance of the nodes of each entry, inside the bin and the feature's range."""
    size = np.diff(sketch.indptr)
    begin, end, c = left(sketch.bins), right(sketch.bins), sketch.counts
    middle = begin + steps(sketch.bins) * (sketch.offsets / c)
    spread = (end - begin) * np.sqrt((1 - 1 / c) / 12)
    low = np.maximum(begin, np.repeat(sketch.low, size))
    high = np.minimum(end, np.repeat(sketch.top, size))
    return middle, np.maximum(np.minimum(spread, np.minimum(middle - low, high - middle)), 0.0)
