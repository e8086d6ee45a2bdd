"""The convolved likelihood is a likelihood, and its maximum is where the truth is."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from neglog.priors.errors import InputError
from neglog.validation import Debiased, fit, fit_debiased, observe
from neglog.validation.debiased.likelihood import bins_of, look, problem, slab
from neglog.validation.families import FAMILIES
from neglog.validation.planted.laws import LAWS, draw

NAMES = list(LAWS)


def debiased(names, tokens=20_000, tau=0.08, rate=0.05, seed=0, spread=0.0):
    """Codes of these laws and Gaussian observations of them."""
    rng = np.random.default_rng(seed)
    a = np.zeros((tokens, len(names)))
    for feature, name in enumerate(names):
        on = rng.random(tokens) < rate
        a[on, feature] = draw(name, on.sum(), rng)
    sd = tau * np.exp(spread * rng.standard_normal(tokens))
    z = a + sd[:, None] * rng.standard_normal(a.shape)
    ones = np.ones(len(names))
    return Debiased(z, sd, ones, np.ones(tokens, bool), "made up"), a


SLABS = {name: slab(FAMILIES[name]) for name in NAMES}
LOMAX = problem(observe(debiased(["lomax"], tokens=3_000)[0], above=3.0), np.array([0]))


def density(name, v, of):
    values = of.params(np.array(v)[:, None])[:, 0]
    if name == "half-t":
        df, scale = values
        return lambda a: 2 * stats.t.pdf(a, df, scale=scale)
    law = getattr(stats, FAMILIES[name].scipy)(
        **dict(zip(FAMILIES[name].params, values, strict=True))
    )
    return law.pdf


@pytest.mark.parametrize("name", NAMES)
def test_bins_hold_the_convolutions_mass(name):
    data = problem(observe(debiased(["exponential"])[0], above=2.0), np.array([0]))
    of = SLABS[name]
    v = [0.3, -0.2][: len(of.signed)]
    p, _ = bins_of(of, np.array(v)[:, None], data, slopes=False)
    assert p.sum() == pytest.approx(data.counts.shape[1], rel=1e-4)
    pdf, noise = density(name, v, of), data.noise[0, 0]
    sd = noise * float(stats.norm.isf(data.kernel.spike[0, 1:].sum()) ** -1 * data.kernel.edges[0])
    for place in (0, 5, 30):
        low = -np.inf if place == 0 else data.kernel.edges[place - 1] * noise
        high = data.kernel.edges[place] * noise

        def both(a, low=low, high=high):
            return pdf(a) * (stats.norm.cdf((high - a) / sd) - stats.norm.cdf((low - a) / sd))

        exact = integrate.quad(both, 0, 1e-3, limit=200)[0]
        exact += integrate.quad(both, 1e-3, high + 10 * sd, limit=400, points=[high])[0]
        assert p[0, 0, place] == pytest.approx(exact, rel=2e-3, abs=1e-8)


@example("generalised-pareto", -0.5, 0.0, -1.0)  # codes beyond the end of the law and of the noise
@given(st.sampled_from(NAMES), st.floats(-0.7, 0.7), st.floats(-0.7, 0.7), st.floats(-4.0, -1.0))
@settings(max_examples=15, deadline=None)
def test_slopes_are_those_of_the_likelihood(name, one, two, odds):
    data, of = LOMAX, SLABS[name]
    point = np.array([[one], [two], [odds]])[[*range(len(of.signed)), 2]]
    k = len(point) - 1
    loglik, gradient, information = look(of, point[:k], point[k], data)
    for i in range(k + 1):
        up, down = point.copy(), point.copy()
        up[i] += 1e-5
        down[i] -= 1e-5
        slope = (look(of, up[:k], up[k], data)[0] - look(of, down[:k], down[k], data)[0]) / 2e-5
        assert gradient[i, 0] == pytest.approx(slope[0], rel=1e-4, abs=1e-3)
    assert np.linalg.eigvalsh(information[:, :, 0]).min() > -1e-6 * abs(loglik[0])


def test_parameters_come_back_through_the_noise():
    names = ["exponential", "half-normal", "log-normal", "gamma", "weibull", "lomax"]
    codes, a = debiased(names, tokens=60_000, spread=0.2)
    table = fit_debiased(codes, names, above=3.0)
    truth = fit(a, names)
    for feature, name in enumerate(names):
        row, want = (t[(t["feature"] == feature) & (t["family"] == name)].iloc[0]
                     for t in (table, truth))  # fmt: skip
        for parameter in table.attrs["params"][name]:
            off = row[parameter] - want[parameter]
            assert abs(off) < 4 * row[f"se_{parameter}"], (name, parameter)
        assert row["zero_fraction"] == pytest.approx(0.95, abs=0.01)


def test_the_law_is_named_through_the_noise():
    names = ["exponential", "half-normal", "log-normal", "gamma", "weibull", "lomax"]
    codes, _ = debiased(names * 4, tokens=40_000, tau=0.05, seed=3)
    table = fit_debiased(codes)
    best = table[table["best_bic"]]["family"].astype(str).tolist()
    assert sum(a == b for a, b in zip(best, names * 4, strict=True)) >= 18


def test_records_of_parts_add_up():
    codes, _ = debiased(["exponential", "lomax"], spread=0.3)
    whole = observe(codes)
    parts = [
        Debiased(codes.z[s], codes.tau[s], codes.width, codes.used[s], "part")
        for s in (slice(0, 7_000), slice(7_000, None))
    ]
    merged = observe(parts[0])
    merged.merge(observe(parts[1]))
    for record in (merged, observe(iter(parts))):
        assert record.tokens == whole.tokens
        assert record.counts.keys() == whole.counts.keys()
        for level, counts in whole.counts.items():
            np.testing.assert_array_equal(record.counts[level], counts)
            assert counts.sum(axis=1).tolist() == [counts[0].sum()] * 2


def test_silent_features_are_rows_with_a_flag():
    codes, _ = debiased(["exponential"])
    quiet = Debiased(np.full_like(codes.z, -1.0), codes.tau, codes.width, codes.used, "quiet")
    table = fit_debiased(quiet, ["exponential"])
    assert table["flags"].tolist() == ["never-active"]
    assert table["loglik"].isna().all()


def test_a_users_penalty_is_a_family():
    codes, _ = debiased(["exponential"], tokens=10_000)
    table = fit_debiased(codes, ["exponential", "abs(a)"]).set_index("family")
    one, two = table.loc["exponential"], table.loc["abs(a)"]
    assert two["lam"] == pytest.approx(1 / one["scale"], rel=0.02)
    assert two["loglik"] == pytest.approx(one["loglik"], abs=0.2)


def test_bad_input():
    codes, _ = debiased(["exponential"], tokens=100)
    with pytest.raises(InputError, match="above is 20"):
        fit_debiased(codes, above=20.0)
    with pytest.raises(InputError, match="no debiased codes"):
        fit_debiased([])
    with pytest.raises(InputError, match="min_above is 1"):
        fit_debiased(codes, min_above=1)
    with pytest.raises(InputError, match="other widths"):
        observe(codes).merge(observe(codes, above=2.0))
