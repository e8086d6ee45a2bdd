"""Groups of features: active as a whole (group ℓ₂), or competing inside (exclusive lasso)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neglog.priors.structured.base import Grouped, Structured, check_domain


class GroupNorm(Structured):
    """Σ_g ‖a_g‖₂: groups independent of each other, features of a group coactivating.

    The prior of a group is exp(−λ‖a_g‖): a multivariate exponential power law; its features share
    a random scale. Yuan & Lin, Model selection and estimation in regression with grouped
    variables, 2006.

    Args:
        groups: a label for each feature, or a list of lists of features.
        domain: ``"positive"`` or ``"real"``.

    Raises:
        InputError: groups that do not cover each feature once, an unknown domain.

    >>> float(GroupNorm([[0, 1], [2]]).compile("numpy")([3.0, 4.0, 2.0]))
    7.0
    """

    title = "group lasso"
    reference = (
        "Yuan & Lin, Model selection and estimation in regression with grouped variables, 2006"
    )

    def __init__(self, groups: Sequence[Any], domain: str = "positive") -> None:
        check_domain(domain)
        self.groups, self.domain = Grouped.of(groups), domain

    @property
    def features(self) -> int:
        """d."""
        return len(self.groups.labels)

    def __repr__(self) -> str:
        return f"GroupNorm({len(self.groups.sizes)} groups of {self.features} features)"


class ExclusiveGroups(Structured):
    """Σ_g (Σ_{i∈g}|aᵢ|)²: groups independent of each other, features of a group competing.

    Zhou, Jin & Hoi, Exclusive lasso for multi-task feature selection, 2010.

    Args:
        groups: a label for each feature, or a list of lists of features.
        domain: ``"positive"`` or ``"real"``.

    Raises:
        InputError: groups that do not cover each feature once, an unknown domain.

    >>> float(ExclusiveGroups([[0, 1], [2]]).compile("numpy")([1.0, 2.0, 2.0]))
    13.0
    """

    title = "exclusive lasso"
    reference = "Zhou, Jin & Hoi, Exclusive lasso for multi-task feature selection, 2010"

    def __init__(self, groups: Sequence[Any], domain: str = "positive") -> None:
        check_domain(domain)
        self.groups, self.domain = Grouped.of(groups), domain

    @property
    def features(self) -> int:
        """d."""
        return len(self.groups.labels)

    def __repr__(self) -> str:
        return f"ExclusiveGroups({len(self.groups.sizes)} groups of {self.features} features)"
