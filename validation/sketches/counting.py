"""From batches of codes to their sketch: a sort of float bits, then sums over runs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neglog.validation.codes import Codes
from neglog.validation.sketches.bins import BELOW, SHIFT, bits_of, grid_of
from neglog.validation.sketches.merging import distinct, pointers
from neglog.validation.sketches.sketch import Counts, Sketch, empty

BLOCK = 1 << 19  # values sorted together, in the processor's cache or near it
WORD = np.uint64(32)


def counted(parts: Sequence[Codes]) -> Sketch:
    """The sketch of batches that are in memory."""
    features = parts[0].features
    base = empty(features, sum(part.tokens for part in parts))
    square, log, log_square = (np.zeros(features) for _ in range(3))
    low, top = base.low.copy(), base.top.copy()
    used, grid = base.used.copy(), base.grid.copy()
    nonzero = np.sum([part.nonzero for part in parts], axis=0)
    entries: list[tuple[Counts, NDArray[np.uint16], Counts, Counts]] = []
    filled = np.flatnonzero(nonzero)
    cuts = np.flatnonzero(np.diff((np.cumsum(nonzero[filled]) - 1) // BLOCK)) + 1
    for block in np.split(filled, cuts):
        if not len(block):
            continue
        words = []
        for codes in parts:
            own = block[codes.nonzero[block] > 0]
            if not len(own):
                continue
            begin, end = codes.indptr[own[0]], codes.indptr[own[-1] + 1]
            values, starts = codes.values[begin:end], codes.indptr[own] - begin
            bits = bits_of(values)
            wide = values.astype(np.float64, copy=False)
            logs = np.log(wide)
            square[own] += np.add.reduceat(wide * wide, starts)
            log[own] += np.add.reduceat(logs, starts)
            log_square[own] += np.add.reduceat(logs * logs, starts)
            low[own] = np.minimum(low[own], np.minimum.reduceat(wide, starts))
            top[own] = np.maximum(top[own], np.maximum.reduceat(wide, starts))
            used[own] |= np.bitwise_or.reduceat(bits, starts)
            grid[own] = np.minimum(grid[own], np.minimum.reduceat(grid_of(bits), starts))
            # feature and bits as one integer: sorting it sorts values within each feature
            feature = (own - block[0]).astype(np.uint64) << WORD
            words.append(np.repeat(feature, codes.nonzero[own]) | bits)
        entries.append(_runs(np.concatenate(words), int(block[0])))
    if not entries:
        return base
    feature_of, bins, counts, offsets = (np.concatenate(e) for e in zip(*entries, strict=True))
    return Sketch(
        base.tokens, pointers(feature_of, features), bins, counts, offsets,
        square, log, log_square, low, top, used, grid,
    )  # fmt: skip


def _runs(
    words: NDArray[np.uint64], first: int
) -> tuple[Counts, NDArray[np.uint16], Counts, Counts]:
    """Feature, bin, count and offset of each occupied bin."""
    words.sort()
    keys, starts = distinct(words >> np.uint64(SHIFT))
    return (
        (keys >> np.uint64(32 - SHIFT)).astype(np.int64) + first,
        (keys & np.uint64((1 << (32 - SHIFT)) - 1)).astype(np.uint16),
        np.diff(np.append(starts, len(words))),
        np.add.reduceat((words & np.uint64(BELOW)).astype(np.int64), starts),
    )
