"""The laws that are planted: a member of each family, all of median 0.7 as an exponential's."""

from __future__ import annotations

import numpy as np

from neglog.priors.errors import InputError
from neglog.validation.debiased.linear import Floats
from neglog.validation.densities import scipy_law

MEDIAN = 0.7

#: Shapes; the scale follows from the median. Each differs from what its neighbours can be: the
#: generalised Pareto is short-tailed (with c > 0 it is the Lomax), the Weibull sharper than an
#: exponential at 0, the gamma zero there.
LAWS: dict[str, dict[str, float]] = {
    "exponential": {},
    "half-normal": {},
    "half-cauchy": {},
    "half-t": {"df": 3.0},
    "lomax": {"c": 3.0},
    "gamma": {"a": 2.2},
    "weibull": {"c": 0.7},
    "log-normal": {"s": 0.7},
    "generalised-pareto": {"c": -0.3},
}


def draw(law: str, size: int, rng: np.random.Generator) -> Floats:
    """Positive draws (size,) of a planted law, scaled to median 0.7."""
    if law not in LAWS:
        raise InputError(f"{law!r} is not planted; the laws are {', '.join(LAWS)}.")
    if law == "half-t":
        from scipy.stats import t

        df = LAWS[law]["df"]
        return np.abs(rng.standard_t(df, size)) * (MEDIAN / t.ppf(0.75, df))
    frozen = scipy_law(law, {**LAWS[law], "scale": 1.0})
    values: Floats = frozen.rvs(size=size, random_state=rng)
    return values * (MEDIAN / frozen.median())
