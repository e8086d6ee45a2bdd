"""Fits from a sketch are those from the codes, up to what the bins blur, which is bounded."""

import numpy as np
import pandas as pd
import pytest

from neglog.priors.errors import InputError
from neglog.validation import FAMILIES, fit, pooled, sketch, to_json

from .laws import TRUE, codes_of, draw

EXACT = ("exponential", "half-normal", "log-normal", "gamma")


@pytest.fixture(scope="module")
def both():
    codes = codes_of(*(draw(name, 2_000, seed=k) for k, name in enumerate(TRUE)))
    return fit(codes), fit(sketch(codes))


def test_logliks_agree_within_the_bound_that_is_reported(both):
    raw, binned = both
    moved = np.abs(raw["loglik"] - binned["loglik"]) / raw["nonzero"]
    assert (moved <= binned["binning"] + 2e-7).all()  # the rest is rounding to float32
    assert moved.max() < 3e-6
    assert binned["binning"].max() < 1e-4


def test_sufficient_statistics_are_exact(both):
    for name in EXACT:
        one, other = (t[t["family"] == name].reset_index() for t in both)
        for parameter in TRUE[name]:
            np.testing.assert_allclose(one[parameter], other[parameter], rtol=1e-6)
            np.testing.assert_allclose(one[f"se_{parameter}"], other[f"se_{parameter}"], rtol=1e-5)


def test_parameters_move_by_a_small_part_of_their_error(both):
    raw, binned = both
    for name in ("scale", "c", "a", "s", "df"):
        inner = (raw["flags"] == "") & raw[f"se_{name}"].notna()
        shift = np.abs(raw[name] - binned[name]) / raw[f"se_{name}"]
        assert shift[inner].max() < 0.03


def test_choices_and_flags_agree_and_the_source_is_named(both):
    raw, binned = both
    pd.testing.assert_series_equal(raw["best"], binned["best"])
    pd.testing.assert_series_equal(raw["flags"], binned["flags"])
    assert (raw.attrs["source"], binned.attrs["source"]) == ("codes", "sketch")
    assert to_json(binned)["source"] == "sketch"
    assert "binning" not in raw
    assert "binning" in to_json(binned)["features"][0]["families"]["lomax"]


def test_few_values_are_hardly_blurred():
    codes = codes_of(draw("gamma", 60))
    raw, binned = fit(codes), fit(sketch(codes))
    np.testing.assert_allclose(raw["loglik"], binned["loglik"], atol=2e-3)


def test_what_cannot_be_fitted_is_flagged_from_a_sketch_too():
    rounded = np.maximum(np.round(draw("exponential", 200) * 4), 1) / 4
    columns = np.zeros(0), draw("gamma", 9), np.full(80, 2.5), rounded, draw("gamma", 80)
    raw, binned = fit(codes_of(*columns)), fit(sketch(codes_of(*columns)))
    for table in (raw, binned):
        flags = table.groupby("feature")["flags"].first().tolist()
        assert flags == ["never-active", "few-nonzero", "constant", "tied", ""]


def test_float16_codes_are_fitted_and_coarser_ones_flagged():
    values = draw("log-normal", 3_000)
    half = fit(sketch(codes_of(values).astype(np.float16)), ["log-normal", "lomax"])
    whole = fit(codes_of(values), ["log-normal", "lomax"])
    assert half["flags"].tolist() == whole["flags"].tolist()
    np.testing.assert_allclose(half["scale"], whole["scale"], rtol=2e-3)
    coarse = np.round(values * 2) / 2
    assert "tied" in fit(sketch(codes_of(coarse[coarse > 0])), ["lomax"])["flags"].iloc[0]


def test_a_huge_sketch_is_fitted_as_its_part():
    one = sketch(codes_of(draw("lomax", 3_000)))
    many = one
    for _ in range(20):
        many = many + many
    small, large = fit(one, ["lomax", "gamma"]), fit(many, ["lomax", "gamma"])
    np.testing.assert_allclose(large["c"].iloc[0], small["c"].iloc[0], rtol=1e-3)
    np.testing.assert_allclose(
        large["se_scale"] * 2**10, small["se_scale"], rtol=1e-2
    )  # a million times the values
    assert large["nonzero"].iloc[0] == 3_000 * 2**20


def test_pooled_slabs_from_a_sketch():
    codes = codes_of(*(draw("weibull", 500, seed=s, c=0.8, scale=1.0 + s) for s in range(6)))
    raw, binned = pooled(codes, ["weibull"])[0], pooled(sketch(codes), ["weibull"])[0]
    assert binned.shapes["c"] == pytest.approx(raw.shapes["c"], rel=1e-3)


def test_weights_need_tokens():
    with pytest.raises(InputError, match="no tokens left to weigh"):
        fit(sketch(codes_of(draw("gamma", 80))), weights=np.ones(160))


def test_every_family_from_a_sketch_finds_the_truth():
    for name in FAMILIES:
        table = fit(sketch(codes_of(draw(name, 20_000, seed=4))), [name])
        for parameter, true in TRUE[name].items():
            assert abs(table[parameter].iloc[0] - true) < 4.5 * table[f"se_{parameter}"].iloc[0]


def test_ties_beside_an_outlier_are_seen():
    values = np.append(np.ones(399), 1e6)
    for source in (codes_of(values), sketch(codes_of(values))):
        assert "tied" in fit(source, ["lomax"])["flags"].iloc[0]


@pytest.mark.parametrize("kind", ["sketch", pytest.param("codes", marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_extreme_values_are_fitted_or_flagged_in_silence(kind):
    rng = np.random.default_rng(0)
    columns = [
        rng.exponential(size=300) * 1e-30,
        rng.exponential(size=300) * 1e30,
        np.exp(20 * rng.normal(size=300)),
        1 + 1e-6 * rng.random(300),
        np.abs(rng.standard_cauchy(300)) ** 3,
        np.where(rng.random(300) < 0.5, 1.0, 2.0),
    ]
    codes = codes_of(*columns)
    table = fit(codes if kind == "codes" else sketch(codes), intervals=0.9)
    assert (table["loglik"].notna() | (table["flags"] == "no-fit")).all()
    wide = table.pivot(index="feature", columns="family", values="loglik")
    for inner, outer in (("exponential", "lomax"), ("exponential", "gamma")):
        assert (wide[outer] >= wide[inner] - 1e-6 * 300).all()
