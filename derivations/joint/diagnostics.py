"""Whether Markov chains agree: rank-normalised split R̂ and the effective sample size.

Vehtari, Gelman, Simpson, Carpenter & Bürkner, Rank-normalization, folding, and localization: an
improved R̂ for assessing convergence of MCMC, 2021.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

Floats = NDArray[np.float64]


def r_hat(chains: Floats) -> float:
    """Rank-normalised split R̂ of ``chains`` (chains, draws); 1 where the halves agree.

    >>> rng = np.random.default_rng(0)
    >>> round(r_hat(rng.standard_normal((4, 500))), 2)
    1.0
    """
    halves = _normalised(_split(chains))
    draws = halves.shape[1]
    within = halves.var(axis=1, ddof=1).mean()
    between = draws * halves.mean(axis=1).var(ddof=1)
    if within == 0:
        return 1.0 if between == 0 else float("inf")
    return float(np.sqrt(((draws - 1) / draws * within + between / draws) / within))


def effective_size(chains: Floats) -> float:
    """Bulk effective sample size of ``chains`` (chains, draws), by Geyer's initial sequence."""
    halves = _normalised(_split(chains))
    count, draws = halves.shape
    centred = halves - halves.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * draws, axis=1)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :draws] / draws
    within = covariance[:, 0].mean() * draws / (draws - 1)
    pooled = within * (draws - 1) / draws + halves.mean(axis=1).var(ddof=1)
    if pooled == 0:
        return float(count * draws)
    rho = 1 - (within - covariance.mean(axis=0)) / pooled
    pairs = rho[: draws // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs < 0)
    kept = pairs[: negative[0]] if len(negative) else pairs
    kept = np.minimum.accumulate(kept)
    time = max(2 * kept.sum() - 1, 1 / np.log10(count * draws + 10))
    return float(count * draws / time)


def _split(chains: Floats) -> Floats:
    half = chains.shape[1] // 2
    return np.concatenate([chains[:, :half], chains[:, -half:]])


def _normalised(chains: Floats) -> Floats:
    ranks = rankdata(chains, method="average").reshape(chains.shape)
    return ndtri((ranks - 3 / 8) / (chains.size + 1 / 4))
