"""Vuong's test, nested tests and held-out scores."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neglog.priors.errors import InputError
from neglog.validation import fit, held_out, log_density, nested, sketch, vuong

from ..laws import TRUE, codes_of, draw

SLOW = pytest.mark.slow


def test_vuong_is_its_formula():
    a = draw("log-normal", 300)
    table = fit(codes_of(a), ["gamma", "log-normal"]).set_index("family")
    d = [log_density(n, table.loc[n, list(TRUE[n])])(a) for n in ("gamma", "log-normal")]
    d = d[0] - d[1]
    row = vuong(codes_of(a), ["gamma", "log-normal"]).iloc[0]
    assert row["difference"] == pytest.approx(d.sum(), abs=1e-6)
    assert row["z"] == pytest.approx(d.sum() / (d.std() * np.sqrt(300)), rel=1e-6)
    assert row["p"] == pytest.approx(2 * stats.norm.sf(abs(row["z"])), rel=1e-6)


def test_vuong_corrects_for_parameters_as_bic_does():
    a = draw("half-cauchy", 300)
    table = fit(codes_of(a), ["half-cauchy", "log-normal"]).set_index("family")
    row = vuong(codes_of(a), ["half-cauchy", "log-normal"]).iloc[0]
    gap = (table.loc["log-normal", "bic"] - table.loc["half-cauchy", "bic"]) / 2
    spread = row["difference"] / row["z"]
    assert np.sign(row["z"]) == np.sign(gap)
    assert row["z"] * abs(spread) != 0


def test_vuong_names_the_nearer_family_and_flags_what_it_cannot_judge():
    codes = codes_of(draw("log-normal", 3_000), draw("exponential", 3_000))
    found = vuong(codes, ["gamma", "log-normal", "weibull", "exponential"])
    first = found[found["feature"] == 0].set_index(["one", "other"])
    assert first.loc[("gamma", "log-normal"), "nearer"] == "log-normal"
    assert first.loc[("gamma", "exponential"), "flags"] == "nested"
    second = found[found["feature"] == 1].set_index(["one", "other"])
    assert second.loc[("gamma", "weibull"), "flags"] == "indistinguishable"
    assert np.isnan(second.loc[("gamma", "weibull"), "p"])


def test_vuong_from_a_sketch():
    codes = codes_of(*(draw("lomax", 1_000, seed=s) for s in range(5)))
    one = vuong(codes, ["half-cauchy", "log-normal", "weibull"])
    other = vuong(sketch(codes), ["half-cauchy", "log-normal", "weibull"])
    np.testing.assert_allclose(one["z"], other["z"], atol=0.05)


def test_dependence_widens_vuong():
    """Every value five times over: n looks five times larger than it is."""
    a = np.repeat(draw("lomax", 400), 5)
    jitter = np.random.default_rng(0).uniform(0.9999, 1.0001, len(a))
    codes = codes_of(a * jitter)
    sequence = np.arange(len(codes)) // 5
    plain = vuong(codes, ["weibull", "log-normal"]).iloc[0]
    honest = vuong(codes, ["weibull", "log-normal"], sequence=sequence).iloc[0]
    assert honest["z"] / plain["z"] == pytest.approx(1 / np.sqrt(5), rel=0.03)


def test_nested_ratio_and_p():
    table = fit(codes_of(draw("gamma", 300)), ["exponential", "gamma", "lomax"])
    found = nested(table).set_index("wide")
    wide = table.set_index("family")["loglik"]
    ratio = 2 * (wide["gamma"] - wide["exponential"])
    assert found.loc["gamma", "ratio"] == pytest.approx(ratio)
    assert found.loc["gamma", "p"] == pytest.approx(stats.chi2.sf(ratio, 1))
    assert found.loc["lomax", "p"] == 1.0  # lighter than exponential: the null itself


@pytest.mark.parametrize(
    "wide", ["gamma", *(pytest.param(n, marks=SLOW) for n in ("weibull", "generalised-pareto"))]
)
def test_nested_size_inside(wide):
    codes = codes_of(*(draw("exponential", 200, seed=s) for s in range(600)))
    p = nested(fit(codes, ["exponential", wide]))["p"]
    assert 0.02 < (p <= 0.05).mean() < 0.085


@pytest.mark.parametrize(
    ("null", "wide"),
    [("exponential", "lomax"), pytest.param("half-normal", "half-t", marks=SLOW)],
)
def test_nested_size_at_the_edge(null, wide):
    codes = codes_of(*(draw(null, 400, seed=s) for s in range(600)))
    p = nested(fit(codes, [null, wide]))["p"]
    assert (p <= 0.05).mean() < 0.075  # errs on the safe side
    assert (p <= 0.05).mean() > 0.005
    assert 0.4 < (p == 1).mean() < 0.75  # half the time, more at finite n


def test_nested_needs_its_families():
    table = fit(codes_of(draw("gamma", 100)), ["gamma", "log-normal"])
    with pytest.raises(InputError, match="no family"):
        nested(table)
    with pytest.raises(InputError, match="lomax is not among"):
        nested(table, "gamma", "lomax")
    with pytest.raises(InputError, match="0 parameters more"):
        nested(table, "gamma", "log-normal")
    with pytest.raises(InputError, match="both"):
        nested(table, "gamma")


def test_a_pair_of_ones_own():
    table = fit(codes_of(draw("half-normal", 500)), ["half-normal", "abs(a)**q"])
    found = nested(table, "half-normal", "abs(a)**q")
    assert found["p"].iloc[0] > 0.01


@pytest.mark.parametrize("kind", ["raw", "sketch"])
def test_held_out_scores(kind):
    codes = codes_of(*(draw(name, 2_000, seed=3) for name in ("log-normal", "half-normal")))
    source = codes if kind == "raw" else sketch(codes)
    found = held_out(source, ["exponential", "half-normal", "log-normal"], folds=4)
    assert found.loc[found["best"], "family"].tolist() == ["log-normal", "half-normal"]
    assert (found["scored"] == 2_000).all()
    best = found[found["best"]]
    table = fit(codes, ["log-normal", "half-normal"]).pivot(
        index="feature", columns="family", values="loglik"
    )
    inside = [table.loc[0, "log-normal"] / 2_000, table.loc[1, "half-normal"] / 2_000]
    np.testing.assert_allclose(best["score"], inside, atol=0.01)
    assert (best["behind"] == 0).all()
    assert (found["behind"] >= 0).all()


def test_held_out_is_below_the_fit_by_about_its_parameters():
    codes = codes_of(*(draw("gamma", 100, seed=s) for s in range(300)))
    score = held_out(codes, ["gamma"], folds=5)["score"]
    inside = fit(codes, ["gamma"])["loglik"] / 100
    # k/n: 1/n from the fit's own optimism, 1/n from predicting, of k = 2 parameters, halves each
    assert (inside - score).mean() == pytest.approx(2 / 100, rel=0.4)


def test_sequences_stay_together_and_widen_errors():
    a = np.repeat(draw("lomax", 300), 5) * np.random.default_rng(0).uniform(0.999, 1.001, 1500)
    codes = codes_of(a)
    plain = held_out(codes, ["lomax"]).iloc[0]
    honest = held_out(codes, ["lomax"], sequence=np.arange(len(codes)) // 5).iloc[0]
    assert honest["se"] / plain["se"] == pytest.approx(np.sqrt(5), rel=0.1)


def test_what_cannot_be_scored_is_nan():
    found = held_out(codes_of(np.zeros(0), draw("gamma", 100)), ["gamma"])
    assert np.isnan(found["score"].iloc[0])
    assert not found["best"].iloc[0]
    assert found["best"].iloc[1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: held_out(c, folds=1), "at least 2"),
        (lambda c: held_out(c, sequence=np.zeros(3)), "one number is needed"),
        (lambda c: held_out(c, sequence=np.zeros(len(c))), "cannot be dealt"),
        (lambda c: vuong(sketch(c), sequence=np.zeros(3)), "no tokens left to group"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(InputError, match=message):
        call(codes_of(draw("gamma", 100)))


def test_no_feature_to_compare():
    assert isinstance(vuong(np.eye(3)), pd.DataFrame)
    assert len(vuong(np.eye(3))) == 0
