import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neglog.priors.errors import InputError
from neglog.validation import FAMILIES, FLAGS, counts, fit, to_json

from .laws import TRUE, codes_of, draw

NAMES = list(FAMILIES)
UNIT_FREE = ["c", "a", "s", "df"]


def flags_of(table, feature, family):
    found = table[(table["feature"] == feature) & (table["family"] == family)]["flags"].iloc[0]
    return found.split("; ") if found else []


def test_each_family_wins_on_its_own_samples():
    names = [n for n in NAMES if n not in ("generalised-pareto", "half-t")]
    table = fit(codes_of(*(draw(name, 5_000) for name in names)), NAMES)
    assert table.loc[table["best_bic"], "family"].tolist() == names


def test_row_order_columns_and_criteria():
    table = fit(codes_of(draw("gamma", 100), draw("lomax", 60)), ["gamma", "exponential"])
    assert table["feature"].tolist() == [0, 0, 1, 1]
    assert table["family"].tolist() == ["gamma", "exponential"] * 2
    assert table["nonzero"].tolist() == [100, 100, 60, 60]
    assert table["zero_fraction"].tolist() == [0.5, 0.5, 0.7, 0.7]
    k = np.array([2, 1, 2, 1])
    np.testing.assert_allclose(table["aic"], 2 * k - 2 * table["loglik"])
    np.testing.assert_allclose(table["bic"], k * np.log(table["nonzero"]) - 2 * table["loglik"])
    assert table.groupby("feature")["best"].sum().tolist() == [1, 1]
    assert counts(table) == {"gamma": 1, "exponential": 1} or sum(counts(table).values()) == 2


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-6, 1e6), st.sampled_from(list(TRUE)))
def test_scaling_the_codes_scales_the_fit(seed, factor, truth):
    a = draw(truth, 120, seed=seed)
    one, other = fit(codes_of(a), NAMES), fit(codes_of(factor * a), NAMES)
    np.testing.assert_allclose(
        other["loglik"], one["loglik"] - 120 * np.log(factor), rtol=1e-8, atol=1e-6
    )
    inner = one["flags"] == ""
    np.testing.assert_allclose(other["scale"][inner], factor * one["scale"][inner], rtol=1e-3)
    for name in UNIT_FREE:
        np.testing.assert_allclose(other[name][inner], one[name][inner], rtol=1e-3, atol=1e-4)


def test_the_order_of_tokens_does_not_matter():
    codes = codes_of(draw("lomax", 300), draw("gamma", 200))
    shuffled = np.random.default_rng(0).permutation(codes)
    assert fit(codes).drop(columns="flags").equals(fit(shuffled).drop(columns="flags"))


def test_features_do_not_influence_each_other():
    columns = [draw(name, 80 + 10 * k, seed=k) for k, name in enumerate(TRUE)]
    together = fit(codes_of(*columns, tokens=400))
    for feature, column in enumerate(columns):
        alone = fit(codes_of(column, tokens=400))
        ours = together[together["feature"] == feature]
        np.testing.assert_allclose(ours["loglik"], alone["loglik"], rtol=1e-12)


def test_what_cannot_be_fitted_is_flagged():
    rounded = np.maximum(np.round(draw("exponential", 200) * 4), 1) / 4
    table = fit(
        codes_of(np.zeros(0), draw("gamma", 9), np.full(80, 2.5), rounded, draw("gamma", 80))
    )
    assert flags_of(table, 0, "gamma") == ["never-active"]
    assert flags_of(table, 1, "gamma") == ["few-nonzero"]
    assert flags_of(table, 2, "gamma") == ["constant"]
    assert "tied" in flags_of(table, 3, "gamma")
    assert flags_of(table, 4, "gamma") == []
    unfitted = table[table["feature"] < 3]
    assert unfitted[["loglik", "aic", "scale", "se_scale"]].isna().all(axis=None)
    assert not unfitted["best"].any()
    assert {f for row in table["flags"] for f in row.split("; ") if f} <= FLAGS.keys()
    document = to_json(table)
    assert document["features"][2]["best"] is None
    assert document["features"][2]["families"]["gamma"]["loglik"] is None


def test_no_feature_can_be_fitted():
    table = fit(np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert table["loglik"].isna().all()
    assert counts(table) == {}


def test_half_precision_codes_fit_like_double():
    a = draw("weibull", 400, scale=1.0, c=1.3)
    one, half = fit(codes_of(a), ["weibull"]), fit(codes_of(a).astype(np.float16), ["weibull"])
    np.testing.assert_allclose(half[["c", "scale"]], one[["c", "scale"]], rtol=2e-3)


def test_limits_are_named():
    uniform = np.linspace(0.01, 1, 200)  # lighter than exponential, bounded
    table = fit(codes_of(uniform))
    assert flags_of(table, 0, "lomax") == ["limit: exponential"]
    assert flags_of(table, 0, "half-t") == ["limit: half-normal"]
    logliks = table.set_index("family")["loglik"]
    assert logliks["lomax"] == pytest.approx(logliks["exponential"], abs=1e-5)
    assert logliks["half-t"] == pytest.approx(logliks["half-normal"], abs=1e-2)


def test_generalised_pareto_stays_away_from_its_unbounded_likelihood():
    rising = np.sqrt(np.random.default_rng(0).random(300))  # density 2a: c → −∞ would win
    table = fit(codes_of(rising), ["generalised-pareto"])
    assert table["c"].iloc[0] == -1.0
    assert table["scale"].iloc[0] == rising.max()
    assert table["loglik"].iloc[0] == pytest.approx(-300 * np.log(rising.max()))
    assert flags_of(table, 0, "generalised-pareto") == ["boundary"]


def test_exponential_data_do_not_upset_the_generalised_pareto():
    table = fit(codes_of(*(draw("exponential", 300, seed=s) for s in range(40))), NAMES)
    wide = table.pivot(index="feature", columns="family", values="loglik")
    assert (wide["generalised-pareto"] >= wide["exponential"] - 1e-6).all()
    assert (wide["lomax"] >= wide["exponential"] - 1e-6).all()
    assert (wide["half-t"] >= wide["half-cauchy"] - 1e-6).all()
    assert (wide["gamma"] >= wide["exponential"] - 1e-6).all()
    assert (wide["weibull"] >= wide["exponential"] - 1e-6).all()


def test_json_document():
    table = fit(codes_of(draw("lomax", 400)), "lomax,exponential")
    document = json.loads(json.dumps(to_json(table), allow_nan=False))
    assert document["schema"] == "neglog.fit/1"
    assert document["tokens"] == 800
    (feature,) = document["features"]
    assert feature["best"] == "lomax"
    entry = feature["families"]["lomax"]
    assert entry.keys() == {"params", "se", "loglik", "aic", "bic", "flags"}
    assert entry["params"].keys() == entry["se"].keys() == {"c", "scale"}
    assert document["counts"] == {"lomax": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"families": ["laplacian"]}, "there is no family 'laplacian'"),
        ({"families": ["gamma", "gamma"]}, "listed twice"),
        ({"min_nonzero": 1}, "at least 3"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        fit(np.ones((4, 2)), **arguments)
