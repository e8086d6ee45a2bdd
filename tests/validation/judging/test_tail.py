"""Tails over thresholds, the block bootstrap and figures."""

import numpy as np
import pytest
from scipy import stats

from neglog.priors.errors import InputError
from neglog.validation import block_bootstrap, fit, fit_figure, sketch, tail, tail_figure

from ..laws import codes_of, draw


def test_the_tail_index_of_known_laws():
    laws = {0.5: draw("lomax", 60_000, c=2.0, scale=1.0), 0.0: draw("exponential", 60_000)}
    laws[-0.2] = draw("generalised-pareto", 60_000)
    found = tail(codes_of(*laws.values()), shares=(0.1, 0.05))
    for feature, true in enumerate(laws):
        part = found[found["feature"] == feature]
        assert (np.abs(part["xi"] - true) < 4 * part["se"]).all()
        assert ((part["low"] < part["xi"]) & (part["xi"] < part["high"])).all()
    words = found[found["share"] == 0.1]["tail"].tolist()
    assert words == ["power", "undecided", "bounded"]


def test_hill_calls_an_exponential_heavy_and_the_pareto_law_does_not():
    codes = codes_of(*(draw("exponential", 4_000, seed=s) for s in range(20)))
    found = tail(codes, shares=(0.1,))
    assert (found["hill_low"] > 0.2).all()
    covered = (found["low"] < 0) & (found["high"] > 0)
    assert covered.sum() >= 16  # 95% intervals


def test_coverage_of_the_tail_index():
    codes = codes_of(*(draw("generalised-pareto", 600, seed=s, c=0.2, scale=1.0)
                       for s in range(200)))  # fmt: skip
    found = tail(codes, shares=(0.25,), level=0.9)
    inside = (found["low"] <= 0.2) & (found["high"] >= 0.2)
    assert inside.mean() == pytest.approx(0.9, abs=0.08)


def test_exceedances_are_fitted_as_scipy_does():
    a = draw("lomax", 2_000)
    row = tail(codes_of(a), shares=(0.1,)).iloc[0]
    above = a[a > row["threshold"]] - row["threshold"]
    assert len(above) == row["exceedances"] == 200
    c, _, scale = stats.genpareto.fit(above, floc=0)
    theirs = stats.genpareto.logpdf(above, c, scale=scale).sum()
    table = fit(codes_of(above), ["generalised-pareto"])
    assert table["loglik"].iloc[0] >= theirs - 1e-4
    assert row["xi"] == pytest.approx(table["c"].iloc[0], abs=1e-6)
    assert row["hill"] == pytest.approx(np.mean(np.log1p(above / row["threshold"])))


def test_a_sketch_gives_the_same_tail():
    codes = codes_of(*(draw("lomax", 5_000, seed=s) for s in range(4)))
    raw, binned = tail(codes, shares=(0.2,)), tail(sketch(codes), shares=(0.2,))
    assert (binned["threshold"] >= raw["threshold"] * (1 - 1e-6)).all()
    assert (binned["exceedances"] <= 1_000).all()
    np.testing.assert_allclose(raw["xi"], binned["xi"], atol=0.06)


def test_few_values_are_flagged():
    found = tail(codes_of(draw("gamma", 60), np.zeros(0)), shares=(0.5, 0.1))
    assert found["flags"].tolist() == ["", "few-nonzero", "few-nonzero", "few-nonzero"]
    assert found["tail"].isna().tolist() == [False, True, True, True]
    constant = tail(codes_of(np.concatenate([np.ones(50), np.full(60, 2.0)])), shares=(0.6,))
    assert constant["flags"].tolist() == ["constant"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shares": ()}, "between 0 and 1"),
        ({"shares": (1.5,)}, "between 0 and 1"),
        ({"min_exceedances": 3}, "at least 10"),
        ({"level": 95}, "between 0 and 1"),
        ({"features": [7]}, "between 0 and 0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        tail(codes_of(draw("gamma", 60)), **arguments)


def test_independent_tokens_give_the_errors_of_information():
    codes = codes_of(draw("gamma", 1_000))
    row = block_bootstrap(codes, ["gamma"], sequence=None, replicates=200).iloc[0]
    table = fit(codes, ["gamma"]).iloc[0]
    assert row["block_se_a"] == pytest.approx(table["se_a"], rel=0.2)
    assert row["low_a"] < row["a"] < row["high_a"]
    assert row["a"] == pytest.approx(table["a"])


def test_dependent_tokens_give_larger_errors_and_less_certain_choices():
    a = np.repeat(draw("gamma", 300), 6) * np.random.default_rng(0).uniform(0.999, 1.001, 1800)
    codes = codes_of(a, draw("log-normal", 1800))
    sequence = np.arange(len(codes)) // 6
    found = block_bootstrap(codes, ["gamma", "weibull"], sequence=sequence, replicates=100)
    gamma = found[(found["feature"] == 0) & (found["family"] == "gamma")].iloc[0]
    plain = fit(codes, ["gamma"]).iloc[0]
    assert gamma["block_se_scale"] / plain["se_scale"] == pytest.approx(np.sqrt(6), rel=0.3)
    assert found.groupby("feature")["wins"].sum().tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"replicates": 5}, "at least 20"),
        ({"sequence": np.zeros(120)}, "at least 10"),
        ({"sequence": np.zeros(7)}, "one number is needed"),
    ],
)
def test_bad_resampling(arguments, message):
    with pytest.raises(InputError, match=message):
        block_bootstrap(codes_of(draw("gamma", 60)), **{"sequence": None, **arguments})


@pytest.mark.parametrize("kind", ["sketch", pytest.param("raw", marks=pytest.mark.slow)])
def test_figures_are_written(tmp_path, kind):
    codes = codes_of(draw("gamma", 400), draw("lomax", 300))
    path = tmp_path / "fit.png"
    fit_figure(codes if kind == "raw" else sketch(codes), path, features=[0], families=["gamma"])
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_said(tmp_path):
    codes = codes_of(draw("gamma", 400), draw("lomax", 300))
    tail_figure(tail(codes), tmp_path / "tail.svg")
    assert "<svg" in (tmp_path / "tail.svg").read_text()
    with pytest.raises(InputError, match="written as"):
        fit_figure(codes, tmp_path / "x.gif")
    with pytest.raises(InputError, match="1 to 8"):
        fit_figure(codes, tmp_path / "x.png", features=[5])
    with pytest.raises(InputError, match="never-active"):
        fit_figure(codes_of(np.zeros(0), draw("gamma", 60)), tmp_path / "x.png", features=[0])
