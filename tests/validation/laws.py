"""The families under test, each with true parameters and how to draw from it."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

TRUE: dict[str, dict[str, float]] = {
    "exponential": {"scale": 0.7},
    "half-normal": {"scale": 2.0},
    "half-cauchy": {"scale": 0.3},
    "half-t": {"df": 4.0, "scale": 1.5},
    "lomax": {"c": 2.5, "scale": 3.0},
    "gamma": {"a": 2.2, "scale": 0.1},
    "weibull": {"c": 0.8, "scale": 50.0},
    "log-normal": {"s": 0.6, "scale": 4.0},
    "generalised-pareto": {"c": -0.2, "scale": 1.2},
}
SCIPY = {
    "exponential": "expon",
    "half-normal": "halfnorm",
    "half-cauchy": "halfcauchy",
    "lomax": "lomax",
    "gamma": "gamma",
    "weibull": "weibull_min",
    "log-normal": "lognorm",
    "generalised-pareto": "genpareto",
}


def law(name: str, params: dict[str, float]):  # type: ignore[no-untyped-def]
    """scipy's law; |t| for half-t."""
    return getattr(stats, SCIPY[name])(**params)


def draw(name: str, n: int, seed: int = 0, **params: float) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    params = params or TRUE[name]
    if name == "half-t":
        return np.abs(rng.standard_t(params["df"], n)) * params["scale"]
    return law(name, params).rvs(n, random_state=rng)


def codes_of(*columns: NDArray[np.float64], tokens: int | None = None) -> NDArray[np.float64]:
    """Dense codes whose features hold these values on their first tokens."""
    codes = np.zeros((tokens or 2 * max(map(len, columns)), len(columns)))
    for feature, column in enumerate(columns):
        codes[: len(column), feature] = column
    return codes
