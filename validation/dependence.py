"""Tokens of a sequence depend on each other: how much less they say about a pair than they seem."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neglog.validation.segments import Floats


def autocorrelations(
    fired: sparse.csc_array, lags: int, sequence: NDArray[Any] | None = None
) -> NDArray[np.float32]:
    """ρ_i(l) of each feature's 0/1 series at lags 1 … L, (features, L), within sequences.

    Lags that cross from one sequence to the next count as uncorrelated.
    """
    tokens, features = fired.shape
    counts = np.diff(fired.indptr).astype(float)
    feature = np.repeat(np.arange(features), np.diff(fired.indptr))
    new = np.zeros(tokens, dtype=np.int64)
    if sequence is not None:
        new[1:] = sequence[1:] != sequence[:-1]
    # Where a token stands if L empty places follow every sequence, and every feature.
    place = np.arange(tokens) + lags * np.cumsum(new)
    key = feature * (place[-1] + 1 + lags) + place[fired.indices]
    both = np.zeros((features, lags))
    for step in range(1, lags + 1):  # the gap to the next firing, to the one after it, …
        gap = key[step:] - key[:-step]
        near = np.flatnonzero(gap <= lags)
        if not len(near):
            break
        flat = feature[near] * lags + gap[near] - 1
        both += np.bincount(flat, minlength=both.size).reshape(both.shape)
    lag = np.arange(1, lags + 1)
    pairs = (tokens - lag).astype(float)
    if sequence is not None:
        pairs = np.array([float((sequence[n:] == sequence[:-n]).sum()) for n in lag])
    rate = (counts / tokens)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = (both - pairs * rate**2) / (counts[:, None] * (1 - rate))
    return np.nan_to_num(rho).astype(np.float32)


def inflation(one: NDArray[np.float32], other: NDArray[np.float32]) -> Floats:
    """By how much dependence multiplies the variance of co-firing counts, (rows, columns), ≥ 1.

    1 + 2 Σ_l ρ_i(l) ρ_j(l): the variance of Σ_t (x_ti − p_i)(x_tj − p_j) for two independent
    stationary series (Bartlett, Some aspects of the time-correlation problem, 1935), and the mean
    square of the counts over circular shifts of one feature's tokens against the other's.
    Never below 1, so that the variance of independent tokens stays a floor.
    """
    return np.maximum(1.0 + 2.0 * (one @ other.T).astype(float), 1.0)


def series_inflation(values: Floats, lags: int, sequence: NDArray[Any] | None) -> float:
    """The same for the mean of one series of numbers: 1 + 2 Σ_l ρ(l), at least 1."""
    centred = values - values.mean()
    total = 1.0
    for lag in range(1, lags + 1):
        product = centred[lag:] * centred[:-lag]
        if sequence is not None:
            product = product[sequence[lag:] == sequence[:-lag]]
        total += 2 * float(product.sum()) / max(float((centred**2).sum()), 1e-300)
    return max(total, 1.0)


def circular_shifts(
    i: NDArray[Any], j: NDArray[Any], tokens: int, shifts: int, seed: int = 0
) -> NDArray[np.int64]:
    """Co-firing counts of two features when one's tokens are moved around the circle at random.

    i, j: the tokens each fires on. The null that keeps each feature's own pattern in time; what
    ``inflation`` gives in closed form for all pairs, drawn for one.
    """
    moves = np.random.default_rng(seed).integers(1, tokens, shifts)
    fires = np.zeros(tokens, dtype=bool)
    fires[j] = True
    return np.array([int(fires[(i + move) % tokens].sum()) for move in moves])
