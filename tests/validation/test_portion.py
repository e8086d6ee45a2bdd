"""Weights, offsets and truncation, against what they must equal."""

import numpy as np
import pytest

from neglog.priors.errors import InputError
from neglog.validation import FAMILIES, estimated_offset, fit, log_density, read_codes, sketch
from neglog.validation.laws import LAWS

from .laws import TRUE, codes_of, draw

NAMES = list(FAMILIES)


def test_a_weight_is_a_count():
    values = draw("lomax", 300)
    counts = np.random.default_rng(1).integers(0, 4, 300)
    weights = np.concatenate([counts, np.ones(300)])
    once = fit(codes_of(values), weights=weights)
    often = fit(codes_of(np.repeat(values, counts)), NAMES)
    np.testing.assert_allclose(once["loglik"], often["loglik"], atol=1e-6)
    np.testing.assert_allclose(once["bic"], often["bic"], atol=1e-5)
    np.testing.assert_allclose(once["se_scale"], often["se_scale"], rtol=1e-4)
    assert once["used"].iloc[0] == counts.sum()


def test_weights_of_one_change_nothing():
    codes = codes_of(draw("gamma", 200), draw("half-cauchy", 300))
    plain, weighed = fit(codes), fit(codes, weights=np.ones(len(codes)))
    np.testing.assert_allclose(plain["loglik"], weighed["loglik"], atol=1e-6)


def test_an_offset_moves_the_values():
    values = draw("weibull", 400, c=1.4, scale=2.0)
    table = fit(codes_of(values + 3.0), offset=3.0)
    np.testing.assert_allclose(table["loglik"], fit(codes_of(values))["loglik"], atol=1e-4)
    assert table["offset"].unique().tolist() == [3.0]


def test_the_estimated_offset_is_unbiased_and_below_every_value():
    columns = [2.0 + draw("exponential", 50, seed=s, scale=1.0) for s in range(400)]
    codes = codes_of(*columns)
    found = estimated_offset(read_codes(codes))
    assert (found < [c.min() for c in columns]).all()
    assert found.mean() == pytest.approx(2.0, abs=4 * found.std() / 20)
    np.testing.assert_allclose(estimated_offset(sketch(codes)), found, rtol=1e-5)
    table = fit(codes, ["exponential"], offset="minimum")
    assert table["scale"].mean() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_truncation_finds_the_whole_law(name):
    values = draw(name, 40_000, seed=8)
    cut = float(np.quantile(values, 0.3))
    table = fit(codes_of(values), [name], truncation=cut)
    for parameter, true in TRUE[name].items():
        assert abs(table[parameter].iloc[0] - true) < 4.5 * table[f"se_{parameter}"].iloc[0]
    assert table["used"].iloc[0] == (values > cut).sum()


@pytest.mark.parametrize("name", NAMES)
def test_truncated_loglik_is_density_over_survival(name):
    values = draw(name, 500, seed=2)
    cut = float(np.quantile(values, 0.2))
    row = fit(codes_of(values), [name], truncation=cut).iloc[0]
    params = {p: row[p] for p in TRUE[name]}
    kept = values[values > cut]
    expected = log_density(name, params)(kept).sum()
    expected -= len(kept) * np.log(LAWS[name].sf(cut, **params))
    assert row["loglik"] == pytest.approx(expected, abs=1e-6 * len(kept))


def test_a_sketch_truncates_at_an_edge_and_agrees_there():
    codes = codes_of(draw("weibull", 5_000, c=1.2, scale=1.0))
    binned = fit(sketch(codes), ["weibull", "log-normal"], truncation=0.3)
    cut = binned["truncation"].iloc[0]
    assert 0.3 <= cut < 0.3 * 33 / 32
    raw = fit(codes, ["weibull", "log-normal"], truncation=cut)
    assert raw["used"].iloc[0] == binned["used"].iloc[0]
    np.testing.assert_allclose(raw["loglik"], binned["loglik"], atol=0.02)


def test_penalties_can_be_truncated():
    values = draw("lomax", 3_000, c=2.5, scale=1.0)
    ours = fit(codes_of(values), ["log(1+abs(a))"], truncation=0.2).iloc[0]
    family = fit(codes_of(values), ["lomax"], truncation=0.2).iloc[0]
    assert ours["loglik"] == pytest.approx(family["loglik"], abs=1e-4)
    assert ours["lam"] - 1 == pytest.approx(family["c"], rel=1e-2)


def test_truncating_nearly_everything_is_few():
    table = fit(codes_of(draw("gamma", 100)), truncation=1e6)
    assert set(table["flags"]) == {"few-nonzero"}
    assert table["loglik"].isna().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"offset": 0.1}, "not above its offset"),
        ({"offset": -1.0}, "not negative"),
        ({"offset": "median"}, "minimum"),
        ({"offset": [0.0, 0.0]}, "one for each"),
        ({"truncation": np.nan}, "finite"),
        ({"truncation": "x"}, "number"),
        ({"offset": 1e-12, "truncation": 1e-13}, "below the offset"),
        ({"weights": np.ones(3)}, "one is needed for each"),
        ({"weights": -np.ones(200)}, "not negative"),
        ({"weights": np.zeros(200)}, "not all zero"),
        ({"intervals": 95}, "level between 0 and 1"),
    ],
)
def test_bad_portions(arguments, message):
    with pytest.raises(InputError, match=message):
        fit(codes_of(draw("exponential", 100)), **arguments)
