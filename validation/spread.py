"""Does the number of active features vary as independent features would make it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neglog.validation.segments import Floats


@dataclass(frozen=True)
class Spread:
    """Var(L0)/Σp(1 − p): 1 for independent features, less for a budget, more for a shared drive."""

    ratio: float
    null_sd: float  # of the ratio, if features are independent
    z: float


def l0_spread(l0: NDArray[np.int64], rates: Floats, dependence: float = 1.0) -> Spread:
    """The ratio beside its null: a sum of independent Bernoulli(p_i), tokens alike.

    The variance of a sample variance is (2σ⁴ + κ₄)/T with σ² = Σp(1 − p) and fourth cumulant
    κ₄ = Σp(1 − p)(1 − 6p(1 − p)); ``dependence`` between tokens multiplies it.
    """
    each = rates * (1 - rates)
    variance, fourth = float(each.sum()), float((each * (1 - 6 * each)).sum())
    ratio = float(l0.var()) / variance
    null = (2 * variance**2 + fourth) / len(l0) * dependence
    sd = float(np.sqrt(max(null, 0.0))) / variance
    return Spread(ratio, sd, (ratio - 1) / sd if sd > 0 else 0.0)
