"""Codes that know nothing of the features: what a fit looks like when there is nothing to find."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neglog.priors.errors import InputError

BLOCK_BYTES = 1 << 26  # pre-activations held at once
SAMPLE = 16_384  # tokens from which thresholds are read


def random_dictionary(
    activations: NDArray[Any],
    features: int,
    *,
    rates: NDArray[Any] | float | None = None,
    l0: float | None = None,
    top_k: int | None = None,
    seed: int = 0,
) -> sparse.csr_array:
    """Codes of a dictionary of random directions, as sparse as a trained one, on the same data.

    code = max(0, w·(x − mean) − threshold), w Gaussian of unit norm. Say how sparse with one of
    ``rates``, the fraction of tokens each feature fires on (features,) or one for all; ``l0``, the
    mean number of active features (all at the rate l0/features); or ``top_k``: no threshold, the k
    largest pre-activations of each token where positive. Thresholds are quantiles over at most
    16,384 evenly spaced tokens, so rates hold to about 1/√16,384 of a standard deviation.

    activations (tokens, d) may be a memory map; tokens pass in blocks. Returns CSR (tokens,
    features) in float32. Raises InputError for a wrong shape, values that are not finite, or an
    impossible sparsity.
    """
    x = _activations(activations)
    rng = np.random.default_rng(seed)
    dictionary = rng.standard_normal((features, x.shape[1]), dtype=np.float32)
    dictionary /= np.linalg.norm(dictionary, axis=1, keepdims=True)
    mean = _mean(x)
    if top_k is not None:
        if rates is not None or l0 is not None or not 1 <= top_k <= features:
            raise InputError(f"top_k is {top_k}: give it alone, between 1 and {features} features.")
        return _encode(x, mean, dictionary, None, top_k)
    wanted = _rates(rates, l0, features)
    return _encode(x, mean, dictionary, _thresholds(x, mean, dictionary, wanted), None)


def gaussian_noise(activations: NDArray[Any], seed: int = 0) -> NDArray[np.float32]:
    """Gaussian noise (tokens, d) with the mean and covariance of the activations.

    Give it to the same encoder, or to ``random_dictionary``: whatever the fits still show has
    nothing to do with features. Raises InputError as ``random_dictionary``.
    """
    x = _activations(activations)
    mean, covariance = _mean(x), np.zeros((x.shape[1], x.shape[1]))
    for block in _blocks(x, x.shape[1]):
        centred = block - mean
        covariance += centred.T @ centred
    values, vectors = np.linalg.eigh(covariance / len(x))
    root = (vectors * np.sqrt(np.maximum(values, 0.0))).astype(np.float32)
    rng = np.random.default_rng(seed)
    noise = np.empty(x.shape, dtype=np.float32)
    step = _step(x.shape[1])
    for start in range(0, len(x), step):
        part = noise[start : start + step]
        part[:] = rng.standard_normal(part.shape, dtype=np.float32) @ root.T + mean
    return noise


def _rates(rates: NDArray[Any] | float | None, l0: float | None, features: int) -> NDArray[Any]:
    if (rates is None) == (l0 is None):
        raise InputError("say how sparse the control is with exactly one of rates, l0 or top_k.")
    wanted = np.asarray(l0 / features if l0 is not None else rates, dtype=float)
    if wanted.shape not in ((), (features,)):
        raise InputError(f"rates has shape {wanted.shape}; it must be one number or ({features},).")
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise InputError("firing rates must lie between 0 and 1 (l0 between 0 and the features).")
    return np.broadcast_to(wanted, features)


def _thresholds(
    x: NDArray[Any], mean: NDArray[Any], dictionary: NDArray[np.float32], rates: NDArray[Any]
) -> NDArray[np.float32]:
    """Each feature's (1 − rate) quantile of w·(x − mean), never below 0; a rate of 0 gives ∞."""
    sample = np.asarray(x[:: -(-len(x) // SAMPLE)], dtype=np.float32) - mean.astype(np.float32)
    rank = np.clip(np.round((1 - rates) * len(sample)).astype(int), 0, len(sample))
    out = np.empty(len(dictionary), dtype=np.float32)
    step = _step(len(sample))
    for start in range(0, len(dictionary), step):
        part = slice(start, start + step)
        values = np.sort(dictionary[part] @ sample.T, axis=1)
        values = np.concatenate([values, np.full((len(values), 1), np.inf, np.float32)], axis=1)
        # Fire strictly above the value just under the quantile: `rate` of the sample does.
        chosen = np.maximum(rank[part] - 1, 0)
        chosen = np.where(rank[part] == len(sample), chosen + (rates[part] == 0), chosen)
        out[part] = values[np.arange(len(values)), chosen]
    return np.maximum(out, 0)


def _encode(
    x: NDArray[Any],
    mean: NDArray[Any],
    dictionary: NDArray[np.float32],
    threshold: NDArray[np.float32] | None,
    top_k: int | None,
) -> sparse.csr_array:
    parts = []
    for block in _blocks(x, len(dictionary)):
        code = (block - mean).astype(np.float32) @ dictionary.T
        if threshold is not None:
            code -= threshold
        if top_k is not None and top_k < code.shape[1]:
            below = np.argpartition(code, -top_k, axis=1)[:, :-top_k]
            np.put_along_axis(code, below, 0.0, axis=1)
        parts.append(sparse.csr_array(np.maximum(code, 0)))
    return sparse.csr_array(sparse.vstack(parts, format="csr"))


def _activations(activations: NDArray[Any]) -> NDArray[Any]:
    x = activations if isinstance(activations, np.ndarray) else np.asarray(activations)
    if x.ndim != 2 or 0 in x.shape or x.dtype.kind not in "fiu":
        raise InputError(f"activations must be real, tokens × d; these are {x.dtype}, {x.shape}.")
    return x


def _mean(x: NDArray[Any]) -> NDArray[np.float64]:
    total = np.zeros(x.shape[1])
    for block in _blocks(x, x.shape[1]):
        total += block.sum(axis=0, dtype=np.float64)
    if not np.isfinite(total).all():
        column = int(np.argmin(np.isfinite(total)))
        raise InputError(f"activations hold NaN or infinite values (first in coordinate {column}).")
    return total / len(x)


def _blocks(x: NDArray[Any], width: int) -> Iterator[NDArray[Any]]:
    step = _step(width)
    for start in range(0, len(x), step):
        yield np.asarray(x[start : start + step])


def _step(width: int) -> int:
    return max(1, BLOCK_BYTES // (4 * width))
