"""The union of two histograms, and of the sums beside them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.validation.sketches.sketch import Counts, Sketch

KEY = 16  # bits for the bin in a key that orders entries by feature, then bin


def merged(one: Sketch, other: Sketch) -> Sketch:
    """The sketch of both's tokens."""
    if one.features != other.features:
        raise InputError(
            f"sketches of {one.features} and of {other.features} features cannot be merged."
        )
    keys = np.concatenate([_keys(one), _keys(other)])
    counts = np.concatenate([one.counts, other.counts])
    offsets = np.concatenate([one.offsets, other.offsets])
    order = np.argsort(keys, kind="stable")  # two rising runs: merged in one pass
    keys, counts, offsets = keys[order], counts[order], offsets[order]
    keys, starts = distinct(keys)
    if len(starts):
        counts, offsets = np.add.reduceat(counts, starts), np.add.reduceat(offsets, starts)
    return Sketch(
        one.tokens + other.tokens,
        pointers(keys >> KEY, one.features),
        keys.astype(np.uint16),
        counts,
        offsets,
        one.square + other.square,
        one.log + other.log,
        one.log_square + other.log_square,
        np.minimum(one.low, other.low),
        np.maximum(one.top, other.top),
        one.used | other.used,
        np.minimum(one.grid, other.grid),
    )


def _keys(sketch: Sketch) -> Counts:
    feature = np.repeat(np.arange(sketch.features), np.diff(sketch.indptr))
    return (feature << KEY) | sketch.bins


def distinct(keys: NDArray[Any]) -> tuple[NDArray[Any], Counts]:
    """The different ones of sorted keys, and where each begins."""
    new = np.ones(len(keys), dtype=bool)
    new[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(new)
    return keys[starts], starts


def pointers(feature: Counts, features: int) -> Counts:
    """Where each feature's entries begin, from the rising features of the entries."""
    return np.searchsorted(feature, np.arange(features + 1)).astype(np.int64)
