"""A pairwise (Ising) prior on which features are active, and its smooth penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from neglog.priors.errors import InputError
from neglog.priors.structured.base import Structured, check_domain, check_spike


class PairwiseSupport(Structured):
    """Which features are active follows an Ising law; active ones have a slab, others a spike.

        P(z) ∝ ∏ πᵢ^{zᵢ}(1 − πᵢ)^{1−zᵢ} · exp(−½ zᵀJz),   z ∈ {0, 1}^d,
        φ(a) = Σᵢ −log[(1 − πᵢ) k(aᵢ) + πᵢ h(aᵢ)] + ½ PᵀJP,   Pᵢ = P(zᵢ = 1 | aᵢ) without J.

    J > 0: the pair excludes each other; J < 0: it fires together. The penalty is Jensen's bound
    −log E e^{−½zᵀJz} ≤ ½ PᵀJP of the exact mixture over the 2^d supports: exact where every P is 0
    or 1, and without couplings. Its cost is that of J's entries. The log odds ratio of a pair,
    the others given, is −J, so that couplings can be learned from coactivation counts
    (``neglog.validation.couplings``). Besag, Spatial interaction and the statistical analysis of
    lattice systems, 1974, for the law of the supports.

    Args:
        rates: πᵢ for each feature, in (0, 1).
        couplings: J, symmetric d × d with a zero diagonal: dense or scipy sparse.
        spike, slab: widths ε < b of the exponential k and h.
        domain: ``"positive"`` or ``"real"``.

    Raises:
        InputError: rates outside (0, 1), couplings of another shape, not symmetric or with a
            diagonal, widths out of order.

    >>> phi = PairwiseSupport([0.1, 0.1], [[0, 3], [3, 0]], spike=0.05).compile("numpy")
    >>> round(float(phi([1.0, 1.0]) - phi([1.0, 0.0]) - phi([0.0, 1.0])), 2)
    2.97
    """

    title = "pairwise support"
    reference = (
        "Besag, Spatial interaction and the statistical analysis of lattice systems, 1974 "
        "(the law of the supports)"
    )

    def __init__(
        self,
        rates: ArrayLike,
        couplings: Any,
        *,
        spike: float = 0.01,
        slab: float = 1.0,
        domain: str = "positive",
    ) -> None:
        check_domain(domain)
        check_spike(spike, slab)
        self.rates = np.asarray(rates, dtype=float)
        if self.rates.ndim != 1 or not ((self.rates > 0) & (self.rates < 1)).all():
            raise InputError("rates must be a list of probabilities between 0 and 1.")
        j = sparse.coo_array(couplings).astype(float)
        d = len(self.rates)
        if j.shape != (d, d):
            raise InputError(f"couplings has shape {j.shape}; {d} × {d} is needed.")
        if abs(j - j.T).max() > 1e-12 or abs(j.diagonal()).max() > 0:
            raise InputError("couplings must be symmetric with zeros on the diagonal.")
        upper = sparse.coo_array(sparse.triu(j, 1))
        kept = upper.data != 0
        self.rows, self.columns = upper.row[kept].astype(int), upper.col[kept].astype(int)
        self.couplings = upper.data[kept]
        if not np.isfinite(self.couplings).all():
            raise InputError("couplings must be finite numbers.")
        self.spike, self.slab, self.domain = spike, slab, domain

    @property
    def features(self) -> int:
        """d."""
        return len(self.rates)

    def __repr__(self) -> str:
        return (
            f"PairwiseSupport({self.features} features, {len(self.couplings)} couplings, "
            f"spike={self.spike:g}, slab={self.slab:g})"
        )
