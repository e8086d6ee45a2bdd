"""Distances between the empirical distribution and a fitted one, for many features at once.

With u₍₁₎ ≤ … ≤ u₍ₙ₎ the fitted distribution function at the sorted values:

    Kolmogorov–Smirnov   √n · max |Fₙ − F| Cramér–von Mises     1/(12n) + Σ (u₍ᵢ₎ − (2i − 1)/(2n))²
    = n ∫ (Fₙ − F)² dF Anderson–Darling     −n − Σ (2i − 1)/n · [log u₍ᵢ₎ + log(1 − u₍ₙ₊₁₋ᵢ₎)]     =
    n ∫ (Fₙ − F)²/(F(1 − F)) dF

Grouped values are compared at the edges of their bins, by the same integrals as sums. Source: M.
Stephens, EDF statistics for goodness of fit and some comparisons, 1974.
"""

import numpy as np

from neglog.priors.errors import InputError
from neglog.validation.segments import Floats, Segments

STATISTICS = ("anderson-darling", "cramer-von-mises", "kolmogorov-smirnov")
TINY = 1e-300


def require_statistic(name: str) -> None:
    """Raise InputError for a statistic that does not exist."""
    if name not in STATISTICS:
        raise InputError(f"there is no statistic {name!r}; there are {', '.join(STATISTICS)}.")


def of_values(name: str, chunk: Segments, cdf: Floats, sf: Floats) -> Floats:
    """The statistic of each feature, (m,), from F and 1 − F at the rising samples."""
    n = chunk.spread(chunk.size.astype(np.float64))
    rank = np.arange(len(chunk.a)) - chunk.spread(chunk.starts.astype(np.float64)) + 1
    if name == "kolmogorov-smirnov":
        gap = np.maximum(rank / n - cdf, cdf - (rank - 1) / n)
        return np.sqrt(chunk.size) * np.maximum.reduceat(gap, chunk.starts)
    if name == "cramer-von-mises":
        squares = (cdf - (2 * rank - 1) / (2 * n)) ** 2
        return np.add.reduceat(squares, chunk.starts) + 1 / (12 * chunk.size)
    logs = np.log(np.maximum(cdf, TINY)) * (2 * rank - 1)
    logs += np.log(np.maximum(sf, TINY)) * (2 * (n - rank) + 1)
    return -chunk.size - np.add.reduceat(logs, chunk.starts) / chunk.size


def of_bins(name: str, counts: Floats, cdf: Floats) -> Floats:
    """The statistic of grouped values, (…,): counts (…, bins), F at the edges (…, bins + 1)."""
    n = counts.sum(axis=-1, keepdims=True)
    empirical = np.cumsum(counts, axis=-1)[..., :-1] / n
    at_edges = cdf[..., 1:-1]
    gap = empirical - at_edges
    if name == "kolmogorov-smirnov":
        return np.sqrt(n[..., 0]) * np.abs(gap).max(axis=-1)
    mass = 0.5 * (cdf[..., 2:] - cdf[..., :-2])
    if name == "cramer-von-mises":
        return n[..., 0] * (gap**2 * mass).sum(axis=-1)
    spread = np.maximum(at_edges * (1 - at_edges), TINY)
    weighed = np.where(mass > 0, gap**2 * mass / spread, 0.0)
    return n[..., 0] * weighed.sum(axis=-1)
