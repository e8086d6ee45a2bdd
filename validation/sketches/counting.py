"""From one batch of codes to its sketch: a sort of float bits, then sums over runs."""

import numpy as np

from neglog.validation.codes import Codes
from neglog.validation.sketches.bins import BELOW, SHIFT, bits_of, grid_of
from neglog.validation.sketches.merging import distinct, pointers
from neglog.validation.sketches.sketch import Sketch, empty

BLOCK = 1 << 20  # values sorted together, in the processor's cache or near it


def counted(codes: Codes) -> Sketch:
    """The sketch of codes that are in memory."""
    features, nonzero = codes.features, codes.nonzero
    base = empty(features, codes.tokens)
    square, log, log_square = (np.zeros(features) for _ in range(3))
    low, top = base.low.copy(), base.top.copy()
    used, grid = base.used.copy(), base.grid.copy()
    feature_of, bins, counts, offsets = [], [], [], []
    filled = np.flatnonzero(nonzero)
    cuts = np.flatnonzero(np.diff((np.cumsum(nonzero[filled]) - 1) // BLOCK)) + 1
    for part in np.split(filled, cuts):
        if not len(part):
            continue
        begin, end = codes.indptr[part[0]], codes.indptr[part[-1] + 1]
        values = codes.values[begin:end]
        starts = codes.indptr[part] - begin
        bits = bits_of(values)
        wide = values.astype(np.float64, copy=False)
        logs = np.log(wide)
        square[part] = np.add.reduceat(wide * wide, starts)
        log[part] = np.add.reduceat(logs, starts)
        log_square[part] = np.add.reduceat(logs * logs, starts)
        low[part] = np.minimum.reduceat(wide, starts)
        top[part] = np.maximum.reduceat(wide, starts)
        used[part] = np.bitwise_or.reduceat(bits, starts)
        grid[part] = np.minimum.reduceat(grid_of(bits), starts)
        # feature and bits as one integer: sorting it sorts values within each feature
        place = np.repeat(np.arange(len(part), dtype=np.uint64) << np.uint64(32), nonzero[part])
        both = place | bits
        both.sort()
        keys, runs = distinct(both >> np.uint64(SHIFT))
        feature_of.append(part[(keys >> np.uint64(32 - SHIFT)).astype(np.int64)])
        bins.append((keys & np.uint64((1 << (32 - SHIFT)) - 1)).astype(np.uint16))
        counts.append(np.diff(np.append(runs, len(both))))
        offsets.append(np.add.reduceat((both & np.uint64(BELOW)).astype(np.int64), runs))
    if not bins:
        return base
    indptr = pointers(np.concatenate(feature_of), features)
    return Sketch(
        codes.tokens, indptr, np.concatenate(bins), np.concatenate(counts),
        np.concatenate(offsets), square, log, log_square, low, top, used, grid,
    )  # fmt: skip
