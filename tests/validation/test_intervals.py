"""Profile-likelihood intervals: definition, coverage, ends at the edge of the parameter space."""

import numpy as np
import pytest
from scipy import optimize, stats

from neglog.validation import fit, log_density, sketch, to_json

from .laws import TRUE, codes_of, draw

QUICK = ("exponential", "lomax", "generalised-pareto")


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in TRUE],
)
def test_an_end_is_where_the_profile_has_fallen_by_the_quantile(name):
    a = draw(name, 600, seed=9)
    row = fit(codes_of(a), [name], intervals=0.9).iloc[0]
    names = list(TRUE[name])
    fall = stats.chi2.ppf(0.9, 1) / 2
    for parameter in names:
        others = [n for n in names if n != parameter]
        for end in ("low", "high"):
            value = row[f"{end}_{parameter}"]
            assert np.isfinite(value)

            def worse(x, parameter=parameter, others=others, value=value):
                params = {parameter: value, **dict(zip(others, np.exp(x), strict=True))}
                return -log_density(name, params)(a).sum()

            if others and parameter == "scale" and name == "generalised-pareto":
                continue  # the other parameter is negative: the next line searches its logarithm
            start = np.log([abs(row[n]) for n in others])
            best = optimize.minimize(worse, start, method="Nelder-Mead", tol=1e-10)
            profile = -best.fun if others else -worse([])
            assert row["loglik"] - profile == pytest.approx(fall, abs=0.02)
        assert row[f"low_{parameter}"] < row[parameter] < row[f"high_{parameter}"]


@pytest.mark.parametrize(("name", "parameter"), [("lomax", "c"), ("gamma", "a"), ("weibull", "c")])
def test_coverage(name, parameter):
    table = fit(codes_of(*(draw(name, 150, seed=s) for s in range(300))), [name], intervals=0.9)
    true = TRUE[name][parameter]
    inside = (table[f"low_{parameter}"] <= true) & (true <= table[f"high_{parameter}"])
    # 0.9 ± 4 standard errors
    assert inside.mean() == pytest.approx(0.9, abs=0.07)


def test_large_samples_agree_with_standard_errors():
    table = fit(codes_of(draw("gamma", 50_000)), ["gamma"], intervals=0.95).iloc[0]
    half = 1.96 * table["se_a"]
    assert table["low_a"] == pytest.approx(table["a"] - half, abs=0.05 * half)
    assert table["high_a"] == pytest.approx(table["a"] + half, abs=0.05 * half)


def test_a_limit_gives_an_open_interval():
    uniform = np.linspace(0.01, 1, 200)
    row = fit(codes_of(uniform), ["lomax"], intervals=0.95).iloc[0]
    assert row["high_c"] == row["high_scale"] == np.inf
    assert 1 < row["low_c"] < np.inf
    document = to_json(fit(codes_of(uniform), ["lomax"], intervals=0.95))
    interval = document["features"][0]["families"]["lomax"]["interval"]
    assert interval["c"][1] == "oo"


def test_scaling_moves_the_ends_of_the_scale_alone():
    a = draw("weibull", 300)
    one = fit(codes_of(a), ["weibull"], intervals=0.95).iloc[0]
    other = fit(codes_of(1000 * a), ["weibull"], intervals=0.95).iloc[0]
    assert other["low_scale"] == pytest.approx(1000 * one["low_scale"], rel=1e-3)
    assert other["high_c"] == pytest.approx(one["high_c"], rel=1e-3)


def test_intervals_from_a_sketch():
    a = draw("lomax", 3_000)
    raw = fit(codes_of(a), ["lomax"], intervals=0.95).iloc[0]
    binned = fit(sketch(codes_of(a)), ["lomax"], intervals=0.95).iloc[0]
    for end in ("low_c", "high_c", "low_scale", "high_scale"):
        assert binned[end] == pytest.approx(raw[end], rel=0.01)
