"""Values no family was made for: fits stay ordered as nesting demands, and nothing blows up."""

import numpy as np
import pytest
from scipy import sparse

from neglog.validation import FLAGS, fit

DRAWS = {
    "exponential": lambda r, n: r.exponential(1, n),
    "cauchy": lambda r, n: np.abs(r.standard_cauchy(n)),
    "nine decades": lambda r, n: r.lognormal(0, 3, n),
    "nearly constant": lambda r, n: r.lognormal(0, 0.01, n),
    "rising": lambda r, n: r.random(n) ** 0.2,
    "no mean": lambda r, n: r.pareto(0.5, n),
    "outliers": lambda r, n: np.concatenate([r.exponential(1, n - 3), [1e3, 1e4, 1e6]]),
    "spike at zero": lambda r, n: r.weibull(0.2, n),
    "three hundred decades": lambda r, n: r.gamma(0.1, 1, n) + 1e-300,
    "three values": lambda r, n: r.choice([1.0, 2.0, 4.0], n),
    "threshold": lambda r, n: 5 + r.random(n),
    "two scales": lambda r, n: r.exponential(1, n) * 10.0 ** (6 * (np.arange(n) % 2)),
}
NESTED = [
    ("generalised-pareto", "lomax", 1e-6),
    ("generalised-pareto", "exponential", 1e-6),
    ("lomax", "exponential", 1e-6),
    ("gamma", "exponential", 1e-6),
    ("weibull", "exponential", 1e-6),
    ("half-t", "half-cauchy", 1e-6),
    ("half-t", "half-normal", 1e-4),  # the limit stops at df = 1e5
]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(5)
    sizes = [10, 12, 20, 50, 200, 1_000]
    columns = [
        draw(rng, n) * 10.0 ** rng.integers(-30, 30)
        for draw in DRAWS.values()
        for n in sizes
        for _ in range(4)
    ]
    rows = np.concatenate([np.arange(len(column)) for column in columns])
    ends = np.cumsum([0, *map(len, columns)])
    data = (np.concatenate(columns), rows, ends)
    return fit(sparse.csc_array(data, shape=(1_100, len(columns))), min_nonzero=10)


@pytest.mark.parametrize(("larger", "smaller", "tolerance"), NESTED)
def test_a_larger_family_fits_no_worse(table, larger, smaller, tolerance):
    loglik = table.pivot(index="feature", columns="family", values="loglik")
    n = table.groupby("feature")["nonzero"].first()
    worse = (loglik[smaller] - loglik[larger]) / n
    absurd = 24 * list(DRAWS).index("three hundred decades") + np.arange(24)
    if larger == "half-t":  # squares of such values leave the range of doubles
        worse = worse.drop(absurd)
    assert worse.max() < tolerance


def test_every_fit_ends(table):
    flags = {flag for row in table["flags"] for flag in row.split("; ") if flag}
    assert flags <= FLAGS.keys()
    assert "not-converged" not in flags
    fitted = ~table["flags"].str.contains("constant|no-fit")
    assert np.isfinite(table.loc[fitted, ["loglik", "scale"]]).all(axis=None)
    assert (table.loc[fitted, "scale"] > 0).all()


def test_every_feature_has_one_best_family(table):
    assert (table.groupby("feature")["best"].sum() == 1).all()
