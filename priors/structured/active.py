"""At most one group of features active: a mixture over which, as a penalty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neglog.priors.errors import InputError
from neglog.priors.structured.base import Grouped, Structured, check_domain, check_spike


class OneActive(Structured):
    """At most one feature, or one group of features, active: spikes k everywhere, one slab h.

        φ(a) = −log[w₀ ∏ⱼ k(aⱼ) + Σ_g w_g ∏_{i∈g} h(aᵢ) ∏_{j∉g} k(aⱼ)],

    with k and h exponential of widths ``spike`` and ``slab`` (Laplace on ℝ). With κ = 1/spike −
    1/slab this is

        Σ|aⱼ|/spike − logsumexp(log w₀, log w_g + Σ_{i∈g}(log(spike/slab) + κ|aᵢ|)),

    which is how it is computed: O(d) and without overflow. Every feature pays the rate 1/spike,
    less κ times the probability, given the code, that its group is the active one.

    The prior at λ = 1 is this mixture. Mitchell & Beauchamp, Bayesian variable selection in linear
    regression, 1988, for spikes and slabs.

    Args:
        features: d, where each feature is a group of its own.
        groups: a label for each feature, or a list of lists of features, in place of ``features``.
        spike, slab: widths ε < b.
        active: 1 − w₀, the probability that some group is active.
        weights: relative w_g of the groups; equal where not given.
        domain: ``"positive"`` or ``"real"``.

    Raises:
        InputError: neither or both of features and groups, widths out of order, weights that are
            not positive, one for each group.

    >>> phi = OneActive(3, spike=0.1).compile("numpy")
    >>> bool(phi([2.0, 0.0, 0.0]) < phi([1.0, 1.0, 0.0]))
    True
    """

    title = "at most one active"
    reference = (
        "Mitchell & Beauchamp, Bayesian variable selection in linear regression, 1988 "
        "(spikes and slabs)"
    )

    def __init__(
        self,
        features: int | None = None,
        *,
        groups: Sequence[Any] | None = None,
        spike: float = 0.01,
        slab: float = 1.0,
        active: float = 0.5,
        weights: Sequence[float] | None = None,
        domain: str = "positive",
    ) -> None:
        check_domain(domain)
        check_spike(spike, slab)
        if (features is None) == (groups is None):
            raise InputError("say exactly one of features and groups.")
        if features is not None and features < 1:
            raise InputError(f"features is {features}; at least one is needed.")
        if not 0 < active < 1:
            raise InputError(f"active is {active}; it is a probability between 0 and 1.")
        self.groups = Grouped.of(range(features) if features is not None else groups or [])
        count = len(self.groups.sizes)
        given = np.ones(count) if weights is None else np.asarray(weights, dtype=float)
        if given.shape != (count,) or not (given > 0).all() or not np.isfinite(given).all():
            raise InputError(f"weights must be {count} positive numbers, one for each group.")
        self.weights = active * given / given.sum()
        self.spike, self.slab, self.active, self.domain = spike, slab, active, domain

    @property
    def features(self) -> int:
        """d."""
        return len(self.groups.labels)

    def __repr__(self) -> str:
        kind = f"{len(self.groups.sizes)} groups of {self.features} features"
        return (
            f"OneActive({kind}, spike={self.spike:g}, slab={self.slab:g}, active={self.active:g})"
        )
