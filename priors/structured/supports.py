"""TopK and BatchTopK read as priors on the support."""

from __future__ import annotations

from neglog.priors.errors import InputError
from neglog.priors.structured.base import Structured, check_domain


class FixedSupport(Structured):
    """Exactly k of d features active, every such support equally likely: what TopK assumes.

    The penalty is a hard constraint, Σ|aᵢ|/slab where at most k features are active and ∞ beyond;
    its proximal map keeps the k largest. Supports are negatively associated (Joag-Dev & Proschan,
    Negative association of random variables, with applications, 1983): L0 does not vary, and any
    two features exclude each other by −1/(d − 1), whatever the data do.

    Args:
        features: d; k: active ones, 0 < k < d; slab: mean of an active one.

    Raises:
        InputError: k out of range, a slab that is not positive.
    """

    title = "TopK"
    reference = "Joag-Dev & Proschan, Negative association of random variables, 1983"

    def __init__(
        self, features: int, k: int, *, slab: float = 1.0, domain: str = "positive"
    ) -> None:
        check_domain(domain)
        _check(features, k, slab)
        self._features, self.k, self.slab, self.domain = features, k, slab, domain

    @property
    def features(self) -> int:
        """d."""
        return self._features

    def __repr__(self) -> str:
        return f"FixedSupport({self.features} features, k={self.k}, slab={self.slab:g})"


class SharedThreshold(Structured):
    """k·B active features in a batch of B codes, every such support equally likely: BatchTopK.

    Given the threshold that the batch shares features are independent, each active with
    probability k/d: L0 is binomial up to terms of order 1/B, and two features of one code exclude
    each other by −1/(B·d − 1) only. Bussmann, Leask & Nanda, BatchTopK sparse autoencoders, 2024.

    Args:
        features: d; k: active ones on average; batch: B; slab: mean of an active one.

    Raises:
        InputError: k out of range, a batch or slab that is not positive.
    """

    title = "BatchTopK"
    reference = "Bussmann, Leask & Nanda, BatchTopK sparse autoencoders, 2024"

    def __init__(
        self,
        features: int,
        k: int,
        *,
        batch: int = 1024,
        slab: float = 1.0,
        domain: str = "positive",
    ) -> None:
        check_domain(domain)
        _check(features, k, slab)
        if batch < 1:
            raise InputError(f"batch is {batch}; at least one code is needed.")
        self._features, self.k, self.batch = features, k, batch
        self.slab, self.domain = slab, domain

    @property
    def features(self) -> int:
        """d."""
        return self._features

    def __repr__(self) -> str:
        return f"SharedThreshold({self.features} features, k={self.k}, batch={self.batch})"


def _check(features: int, k: int, slab: float) -> None:
    if not 0 < k < features:
        raise InputError(f"k is {k} of {features} features; 0 < k < features is needed.")
    if not slab > 0:
        raise InputError(f"slab is {slab}; a positive width is needed.")
