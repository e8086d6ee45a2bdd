"""The union of histograms, and of the sums beside them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.validation.sketches.sketch import Counts, Sketch

KEY = 16  # bits for the bin in a key that orders entries by feature, then bin
BLOCK = 1 << 18  # entries merged together: their arrays stay in the processor's cache


def merged(sketches: Sequence[Sketch]) -> Sketch:
    """The sketch of the tokens of all of them; InputError where their features differ."""
    first = sketches[0]
    for other in sketches[1:]:
        if other.features != first.features:
            raise InputError(
                f"sketches of {first.features} and of {other.features} features cannot be merged."
            )
    if len(sketches) == 1:
        return first
    parts = [_union(sketches, features) for features in _blocks(sketches)]
    sizes, bins, counts, offsets = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Sketch(
        sum(sketch.tokens for sketch in sketches),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
        bins,
        counts,
        offsets,
        _total(sketches, "square", np.add),
        _total(sketches, "log", np.add),
        _total(sketches, "log_square", np.add),
        _total(sketches, "low", np.minimum),
        _total(sketches, "top", np.maximum),
        _total(sketches, "used", np.bitwise_or),
        _total(sketches, "grid", np.minimum),
    )


def _total(sketches: Sequence[Sketch], name: str, join: Any) -> Any:
    found = getattr(sketches[0], name)
    for sketch in sketches[1:]:
        found = join(found, getattr(sketch, name))
    return found


def _blocks(sketches: Sequence[Sketch]) -> Iterator[slice]:
    """Neighbouring features with about ``BLOCK`` entries in all the sketches together."""
    reached = np.sum([sketch.indptr for sketch in sketches], axis=0)
    features = sketches[0].features
    start = 0
    while start < features:
        stop = int(np.searchsorted(reached, reached[start] + BLOCK, side="right")) - 1
        stop = min(max(stop, start + 1), features)
        yield slice(start, stop)
        start = stop


def _union(
    sketches: Sequence[Sketch], features: slice
) -> tuple[Counts, NDArray[np.uint16], Counts, Counts]:
    """Entries a feature, bins, counts and offsets of some features."""
    keys, counts, offsets = [], [], []
    for sketch in sketches:
        pointers = sketch.indptr[features.start : features.stop + 1]
        entries = slice(pointers[0], pointers[-1])
        feature = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
        keys.append((feature << KEY) | sketch.bins[entries])
        counts.append(sketch.counts[entries])
        offsets.append(sketch.offsets[entries])
    key = np.concatenate(keys)
    order = np.argsort(key, kind="stable")  # rising runs: merged, not sorted
    key, starts = distinct(key[order])
    count, offset = np.concatenate(counts)[order], np.concatenate(offsets)[order]
    if len(starts):
        count, offset = np.add.reduceat(count, starts), np.add.reduceat(offset, starts)
    sizes = np.bincount(key >> KEY, minlength=features.stop - features.start)
    return sizes, key.astype(np.uint16), count, offset


def distinct(keys: NDArray[Any]) -> tuple[NDArray[Any], Counts]:
    """The different ones of sorted keys, and where each begins."""
    new = np.ones(len(keys), dtype=bool)
    new[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(new)
    return keys[starts], starts


def pointers(feature: Counts, features: int) -> Counts:
    """Where each feature's entries begin, from the rising features of the entries."""
    return np.searchsorted(feature, np.arange(features + 1)).astype(np.int64)
