"""Which sequence each sample of a chunk comes from: what dependence within sequences needs."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neglog.priors.errors import InputError
from neglog.validation.codes import Codes
from neglog.validation.sketches.sketch import Sketch


def sequence_numbers(source: Codes | Sketch, sequence: ArrayLike | None) -> NDArray[np.int64]:
    """Consecutive numbers of the tokens' sequences, (tokens,); None: each token is its own.

    Raises InputError for a wrong shape, and for a sketch, which has no tokens left.
    """
    if isinstance(source, Sketch):
        raise InputError("a sketch has no tokens left to group by sequence: give raw codes.")
    if sequence is None:
        return np.arange(source.tokens)
    array = np.asarray(sequence)
    if array.shape != (source.tokens,):
        raise InputError(
            f"sequence has shape {array.shape}; one number is needed for each of {source.tokens} "
            "tokens."
        )
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def sample_sequences(
    codes: Codes, features: NDArray[np.int64], numbers: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The sequence of each sample, in the order in which ``segments`` sorts them."""
    parts: list[Any] = []
    for feature in features:
        entries = slice(codes.indptr[feature], codes.indptr[feature + 1])
        order = np.argsort(codes.values[entries], kind="stable")
        parts.append(numbers[codes.rows[entries][order]])
    return np.concatenate(parts)


def one_each(codes: Codes, numbers: NDArray[np.int64], rng: np.random.Generator) -> Codes:
    """The codes with one value, drawn at random, of each feature and sequence: independent ones."""
    feature = np.repeat(np.arange(codes.features), codes.nonzero)
    key = feature * (int(numbers.max()) + 1) + numbers[codes.rows]
    order = rng.permutation(len(key))
    kept = np.sort(order[np.unique(key[order], return_index=True)[1]])
    reached = np.searchsorted(kept, codes.indptr)
    return Codes(codes.values[kept], codes.rows[kept], reached.astype(np.int64), codes.tokens)
