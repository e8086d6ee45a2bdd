"""From coactivation tests to a prior: the pairs that were found become couplings."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from neglog.priors.structured import PairwiseSupport
from neglog.validation.codes import read_codes
from neglog.validation.pairs import coactivation

MOST_PAIRS = 1_000_000


def couplings(codes: Any, alpha: float = 0.05, min_count: int = 10) -> sparse.csr_array:
    """J with −Jᵢⱼ the log odds ratio of the pair, for the pairs that ``coactivation`` finds.

    Jᵢⱼ = −log(n₁₁n₀₀/(n₁₀n₀₁)), half a count added to each cell of the pair's table: what an Ising
    law with this coupling alone has exactly (Besag, Spatial interaction and the statistical
    analysis of lattice systems, 1974). Positive for exclusive pairs, negative for those that fire
    together, 0 for all others: no evidence is no coupling.

    Args:
        codes: tokens × features, anything ``read_codes`` takes.
        alpha, min_count: as for :func:`neglog.validation.coactivation`, with equal rates:
            a prior has no tokens whose budget could be given.

    Returns:
        Symmetric features × features, sparse.

    Raises:
        InputError: as ``coactivation``.
    """
    record = read_codes(codes)
    found = coactivation(record, alpha=alpha, top=MOST_PAIRS, min_count=min_count, rates="equal")
    rows = np.array([p.i for p in found.top], dtype=int)
    columns = np.array([p.j for p in found.top], dtype=int)
    both = np.array([p.observed for p in found.top], dtype=float)
    fires = np.diff(record.indptr).astype(float)
    first, second = fires[rows] - both, fires[columns] - both
    neither = record.tokens - both - first - second
    values = np.log(first + 0.5) + np.log(second + 0.5) - np.log(both + 0.5)
    values -= np.log(neither + 0.5)
    kept = np.array([p.q <= alpha for p in found.top], dtype=bool)
    upper = sparse.coo_array(
        (values[kept], (rows[kept], columns[kept])), shape=(record.features, record.features)
    )
    return sparse.csr_array(upper + upper.T)


def learned_support(
    codes: Any, *, alpha: float = 0.05, spike: float = 0.01, slab: float | None = None
) -> PairwiseSupport:
    """The pairwise prior of codes: rates and mean activation as counted, couplings as found.

    Args:
        codes: tokens × features; features that never or always fire are given half a count.
        alpha: the false-discovery rate of the pairs.
        spike: width of what counts as inactive; slab: mean of an active one, as found if None.

    Raises:
        InputError: as ``coactivation``.
    """
    record = read_codes(codes)
    counts = np.diff(record.indptr)
    rates = (counts + 0.5) / (record.tokens + 1)
    found = couplings(record, alpha=alpha)
    width = float(record.values.mean()) if slab is None else slab
    return PairwiseSupport(rates, found, spike=spike, slab=width)
