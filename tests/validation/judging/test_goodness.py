"""Goodness of fit: statistics against scipy, size where the family is true, else power."""

import numpy as np
import pytest
from scipy import stats

from neglog.priors.errors import InputError
from neglog.validation import STATISTICS, fit, goodness, scipy_law, sketch
from neglog.validation.judging import edf
from neglog.validation.segments import segments

from ..laws import TRUE, codes_of, draw


def uniform_chunk(*columns):
    chunk = segments(columns)
    u = chunk.a * chunk.spread(chunk.unit)
    return chunk, u


def test_statistics_are_scipys():
    rng = np.random.default_rng(0)
    columns = [rng.random(n) for n in (20, 75, 300)]
    chunk, u = uniform_chunk(*columns)
    ours = {name: edf.of_values(name, chunk, u, 1 - u) for name in STATISTICS}
    for k, column in enumerate(columns):
        n = len(column)
        kolmogorov = np.sqrt(n) * stats.kstest(column, "uniform").statistic
        assert ours["kolmogorov-smirnov"][k] == pytest.approx(kolmogorov)
        cramer = stats.cramervonmises(column, "uniform").statistic
        assert ours["cramer-von-mises"][k] == pytest.approx(cramer)
        # scipy's Anderson–Darling fits an exponential first: u made from its fit
        a = -np.log(column)
        fitted = -np.expm1(-np.sort(a) / a.mean())
        own, f = uniform_chunk(fitted)
        theirs = stats.anderson(a, "expon", method="interpolate").statistic
        assert edf.of_values("anderson-darling", own, f, 1 - f)[0] == pytest.approx(theirs)


@pytest.mark.parametrize("name", STATISTICS)
def test_grouped_statistics_approach_the_plain_ones(name):
    u = np.random.default_rng(1).random(400)
    chunk, sorted_u = uniform_chunk(u)
    plain = edf.of_values(name, chunk, sorted_u, 1 - sorted_u)[0]
    edges = np.linspace(0, 1, 20_001)
    grouped = edf.of_bins(name, np.histogram(u, edges)[0], edges)
    assert grouped == pytest.approx(plain, rel=0.02, abs=0.01)


@pytest.mark.parametrize("kind", ["raw", pytest.param("sketch", marks=pytest.mark.slow)])
def test_size(kind):
    codes = codes_of(*(draw("weibull", 120, seed=s) for s in range(300)))
    source = codes if kind == "raw" else sketch(codes)
    p = goodness(source, ["weibull"], replicates=59)["p"]
    # 300 sets: 5% ± 3.5 standard errors
    assert 0.005 < (p <= 0.05).mean() < 0.095
    assert stats.kstest(p, "uniform").pvalue > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["half-cauchy", "half-t", "lomax", "gamma", "generalised-pareto"])
def test_size_of_other_families(name):
    codes = codes_of(*(draw(name, 120, seed=s) for s in range(300)))
    p = goodness(codes, [name], replicates=39)["p"]
    assert 0.005 < (p <= 0.05).mean() < 0.095


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("kind", ["raw", "sketch"])
def test_power(kind, statistic):
    codes = codes_of(*(draw("log-normal", 400, seed=s) for s in range(4)))
    source = codes if kind == "raw" else sketch(codes)
    found = goodness(source, ["log-normal", "half-normal"], statistic=statistic, replicates=39)
    wide = found.pivot(index="feature", columns="family", values="p")
    assert (wide["half-normal"] <= 0.025).all()
    assert wide["log-normal"].max() > 0.1


def test_a_sketch_gives_nearly_the_same_p():
    codes = codes_of(*(draw("gamma", 500, seed=s) for s in range(12)))
    raw = goodness(codes, ["gamma"], replicates=199)
    binned = goodness(sketch(codes), ["gamma"], replicates=199)
    np.testing.assert_allclose(raw["statistic"], binned["statistic"], rtol=0.1, atol=0.02)
    np.testing.assert_allclose(raw["p"], binned["p"], atol=0.17)  # 4 Monte Carlo errors


def test_the_best_family_alone_is_tested_by_default():
    codes = codes_of(draw("log-normal", 400), draw("half-normal", 400))
    found = goodness(codes, replicates=19)
    best = fit(codes)
    assert found["family"].tolist() == best.loc[best["best"], "family"].tolist()
    assert len(found) == 2


def test_a_penalty_is_tested_through_its_table():
    codes = codes_of(draw("exponential", 300, scale=1.0), draw("half-cauchy", 300))
    found = goodness(codes, ["abs(a)**q"], replicates=39)
    assert found["p"].iloc[0] > 0.05
    assert found["p"].iloc[1] < 0.05


def test_the_seed_decides():
    codes = codes_of(draw("lomax", 200))
    one, other = (goodness(codes, ["lomax"], replicates=39, seed=s)["p"].iloc[0] for s in (3, 3))
    assert one == other


def test_unfit_features_are_flagged():
    rounded = np.maximum(np.round(draw("exponential", 200) * 4), 1) / 4
    codes = codes_of(np.zeros(0), draw("gamma", 9), np.full(80, 2.5), rounded)
    for source in (codes, sketch(codes)):
        found = goodness(source, ["gamma"], replicates=19)
        assert found["p"].isna().all()
        assert found["flags"].tolist() == ["never-active", "few-nonzero", "constant", "tied"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"statistic": "chi"}, "no statistic 'chi'"), ({"replicates": 5}, "at least 19")],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        goodness(np.ones((4, 2)), **arguments)


@pytest.mark.parametrize("name", TRUE)
def test_distribution_functions_are_scipys_and_draws_follow_them(name):
    from neglog.validation.laws import LAWS

    law, params = LAWS[name], TRUE[name]
    a = np.geomspace(1e-4, 1e3, 50)
    np.testing.assert_allclose(law.cdf(a, **params) + law.sf(a, **params), 1, atol=1e-12)
    known = scipy_law(name, params)
    if known is not None:
        np.testing.assert_allclose(law.cdf(a, **params), known.cdf(a), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(law.sf(a, **params), known.sf(a), rtol=1e-9, atol=1e-300)
    drawn = law.draw(np.random.default_rng(0), 4_000, **params)
    assert stats.kstest(drawn, lambda x: law.cdf(x, **params)).pvalue > 1e-4


def test_a_tabulated_distribution_is_the_closed_one():
    from neglog.validation import penalty_family
    from neglog.validation.laws import LAWS, law_of

    law = law_of(penalty_family("log(1+abs(a))"))
    a = np.geomspace(1e-3, 1e5, 200)
    np.testing.assert_allclose(
        law.cdf(a, lam=3.5, scale=2.0), LAWS["lomax"].cdf(a, c=2.5, scale=2.0), atol=3e-6
    )
    drawn = law.draw(np.random.default_rng(0), 4_000, lam=np.full(4_000, 3.5), scale=2.0)
    assert stats.kstest(drawn, lambda x: LAWS["lomax"].cdf(x, c=2.5, scale=2.0)).pvalue > 1e-4


def test_one_value_of_each_sequence_keeps_the_size():
    rng = np.random.default_rng(0)
    shared = rng.standard_gamma(1.0, (150, 60, 1)) + rng.standard_gamma(1.0, (150, 60, 8))
    codes = codes_of(*shared.reshape(150, -1), tokens=480)  # Gamma(2) each, alike in a sequence
    sequence = np.arange(480) // 8
    plain = goodness(codes, ["gamma"], replicates=19)["p"]
    thinned = goodness(codes, ["gamma"], replicates=39, sequence=sequence)
    assert (plain <= 0.05).mean() > 0.25
    assert (thinned["p"] <= 0.05).mean() < 0.12
    assert (thinned["nonzero"] == 60).all()
    with pytest.raises(InputError, match="no tokens left to group"):
        goodness(sketch(codes), ["gamma"], sequence=sequence)
