"""Joint penalties whose features are not all alike: groups, couplings, supports."""

from neglog.priors.structured.active import OneActive
from neglog.priors.structured.base import Grouped, Structured
from neglog.priors.structured.groups import ExclusiveGroups, GroupNorm
from neglog.priors.structured.pairs import PairwiseSupport
from neglog.priors.structured.supports import FixedSupport, SharedThreshold

__all__ = [
    "ExclusiveGroups",
    "FixedSupport",
    "GroupNorm",
    "Grouped",
    "OneActive",
    "PairwiseSupport",
    "SharedThreshold",
    "Structured",
]
