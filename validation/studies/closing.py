"""Close the loop: the fitted prior, an atom at 0 and a slab, becomes a penalty to train with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neglog.derivations.inversion.spike import spike_and_slab
from neglog.priors.penalty import Penalty
from neglog.validation.slab import SlabFit, pooled

# Activations below this quantile of the non-zero ones cannot be told from zeros: the spike's width.
SPIKE_QUANTILE = 0.05
DIGITS = 4  # of fitted numbers in the penalty's text


@dataclass(frozen=True)
class Fitted:
    """The pooled fits, best first, the spike's width, and the penalty of the best fit."""

    fits: list[SlabFit]
    spike: float
    penalty: Penalty

    def report(self) -> dict[str, Any]:
        """What the results say of it."""
        best = self.fits[0]
        rest = [{"family": f.family, "aic": f.aic - best.aic} for f in self.fits]
        return {
            "family": best.family,
            "shapes": {k: float(v) for k, v in best.shapes.items()},
            "typical_scale": best.typical_scale,
            "zero_fraction": best.zero_fraction,
            "features": len(best.features),
            "delta_aic": rest,
            "spike": self.spike,
            "penalty": str(self.penalty.expr),
        }


def fitted_prior(codes: Any, min_nonzero: int) -> Fitted:
    """Fit one slab to all features, take the best by AIC, and make it a penalty.

    The slab is taken at the features' typical (geometric mean) scale, since one penalty acts on
    all of them. The spike is as wide as the 5% quantile of the non-zero activations.
    """
    fits = pooled(codes, min_nonzero=min_nonzero)
    values = codes.data[codes.data > 0]
    spike = float(f"{np.quantile(values, SPIKE_QUANTILE):.{DIGITS}g}")
    slab, atom = fits[0].slab(DIGITS), float(f"{fits[0].zero_fraction:.{DIGITS}g}")
    return Fitted(fits, spike, spike_and_slab(slab, atom, spike))
