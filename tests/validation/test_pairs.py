import json

import numpy as np
import pytest
from scipy import sparse, stats

from neglog.priors.errors import InputError
from neglog.validation import coactivation, magnitude_dependence, pairs, random_dictionary
from neglog.validation.dependence import autocorrelations, circular_shifts, inflation
from neglog.validation.discovery import Discoveries
from neglog.validation.firing import (
    log_lower_tail,
    log_none,
    log_upper_tail,
    sequence_rates,
    token_rates,
)
from neglog.validation.spread import l0_spread
from neglog.validation.tally import ratio_interval

T, F = 10_000, 120


def independent(seed, features=F, tokens=T):
    rng = np.random.default_rng(seed)
    return (rng.random((tokens, features)) < rng.uniform(0.005, 0.08, features)).astype(float)


def test_independent_features_are_called_independent():
    found = [coactivation(independent(seed), alpha=0.1) for seed in range(10)]
    # Under the global null each direction reports anything with probability at most alpha.
    assert sum(f.exclusive > 0 for f in found) <= 4
    assert sum(f.coactivating > 0 for f in found) <= 4
    assert sum(f.exclusive + f.coactivating for f in found) <= 12
    assert all(abs(f.var_l0_ratio - 1) < 0.1 for f in found)
    assert found[0].pairs == F * (F - 1) // 2


def test_planted_pairs_are_found():
    rng = np.random.default_rng(0)
    codes = independent(1)
    codes[:, [0, 1]] = rng.random((T, 2)) < 0.08
    codes[:, 1] *= codes[:, 0] == 0
    codes[:, 3] = np.where(rng.random(T) < 0.5, codes[:, 2], codes[:, 3])
    found = coactivation(codes)
    assert {(p.i, p.j, p.kind) for p in found.top} >= {
        (0, 1, "exclusive"),
        (2, 3, "coactivating"),
    }
    assert found.exclusive + found.coactivating <= 4
    apart = next(p for p in found.top if p.kind == "exclusive")
    assert apart.observed == 0
    assert apart.expected == pytest.approx(codes[:, 0].sum() * codes[:, 1].sum() / T, rel=0.2)
    assert apart.log_ratio < -3
    assert apart.z < -5
    assert apart.low is None
    assert apart.high < -1.5
    assert apart.q < 1e-6


def test_rates_that_vary_over_tokens_are_not_coactivation():
    rng = np.random.default_rng(0)
    rates = rng.uniform(0.005, 0.08, F)
    loud = rng.lognormal(0, 0.8, T)[:, None]
    codes = (rng.random((T, F)) < 1 - np.exp(-rates * loud)).astype(float)
    assert coactivation(codes).coactivating <= 5
    assert coactivation(codes, rates="equal").coactivating > 1000
    assert coactivation(codes).var_l0_ratio > 3


def test_a_shared_budget_alone_is_not_exclusion():
    rng = np.random.default_rng(0)
    keys = rng.gumbel(size=(T, 40)) + rng.normal(0, 0.5, 40)
    codes = (np.argsort(np.argsort(-keys, axis=1), axis=1) < 5).astype(float)  # exactly five fire
    assert coactivation(codes).exclusive <= 2
    assert coactivation(codes, rates="equal").exclusive > 300
    assert coactivation(codes).var_l0_ratio == pytest.approx(0, abs=1e-12)


def test_topk_manufactures_exclusivity_on_a_random_dictionary():
    x = np.random.default_rng(0).standard_normal((5_000, 32))
    assert coactivation(random_dictionary(x, 100, top_k=5)).exclusive > 500


def test_margins_are_matched():
    codes = independent(3, features=300) > 0
    counts, per_token = codes.sum(axis=0), codes.sum(axis=1)
    null = token_rates(counts, per_token)
    np.testing.assert_allclose(null.p @ null.m, counts, rtol=1e-5)
    levels, tokens = np.unique(per_token[per_token > 0], return_counts=True)
    np.testing.assert_allclose(null.p.sum(axis=0), levels, rtol=1e-5)
    np.testing.assert_array_equal(null.m, tokens)
    mean, _ = null.moments(slice(0, 300), slice(0, 300))
    total = mean[np.triu_indices(300, 1)].sum()
    assert total == pytest.approx((per_token * (per_token - 1)).sum() / 2, rel=0.01)


def test_tails_are_those_of_the_hypergeometric_law():
    law = stats.hypergeom(1000, 60, 80)
    k = np.arange(1, 14.0)
    mean, variance = np.full(13, law.mean()), np.full(13, law.var())
    np.testing.assert_allclose(log_lower_tail(k, mean, variance), law.logcdf(k), atol=0.02)
    np.testing.assert_allclose(log_upper_tail(k, mean, variance), law.logsf(k - 1), atol=0.05)
    assert log_none(mean, variance)[0] == pytest.approx(law.logpmf(0), abs=0.02)


def test_tails_are_poisson_where_variance_is_mean():
    law, k = stats.poisson(3.0), np.arange(1, 10.0)
    three = np.full(9, 3.0)
    np.testing.assert_allclose(log_lower_tail(k, three, three), law.logcdf(k), atol=1e-9)
    np.testing.assert_allclose(log_upper_tail(k, three, three), law.logsf(k - 1), atol=1e-9)
    assert log_none(three, three)[0] == pytest.approx(-3)


def test_discoveries_are_benjamini_hochbergs():
    rng = np.random.default_rng(0)
    p = np.concatenate([rng.random(900), rng.random(100) ** 8])
    ours = Discoveries()
    ours.add(np.log(p[p < 0.5]), len(p))
    q = stats.false_discovery_control(p)
    assert abs(ours.rejected(0.05) - (q <= 0.05).sum()) <= 1
    assert ours.rejected(0.05) <= (q <= 0.05).sum()
    low = p < 0.2  # what was not added counts as p = 1
    np.testing.assert_allclose(ours.q(np.log(p[low])), q[low], rtol=0.02)


def test_pairs_that_could_not_show_exclusion_are_not_testable():
    codes = np.zeros((2_000, 12))
    for feature in range(12):
        codes[feature * 20 : feature * 20 + 20, feature] = 1.0  # never together, 0.2 expected
    found = coactivation(codes, rates="equal")
    assert found.never_together == found.never_together_untestable == found.pairs == 66
    assert found.testable == found.exclusive == 0


def test_blocks_do_not_change_the_answer(monkeypatch):
    codes = independent(5)
    whole = coactivation(codes)
    monkeypatch.setattr(pairs, "BLOCK", 700)
    assert coactivation(codes).to_json() == whole.to_json()


def test_one_token_of_each_sequence():
    codes = np.repeat(independent(0, tokens=1_000), 10, axis=0)  # tokens of a sequence are equal
    sequence = np.repeat(np.arange(1_000), 10)
    assert coactivation(codes).coactivating > 20
    found = coactivation(codes, sequence=sequence, min_count=5)
    assert found.tokens == 1_000
    assert found.coactivating + found.exclusive <= 2


def bursty(seed, features=40, tokens=6_000):
    """Features with runs of about 20 tokens, independent of each other."""
    rng = np.random.default_rng(seed)
    on, state = np.zeros((tokens, features), bool), rng.random(features) < 0.08
    for token in range(tokens):
        change = rng.random(features)
        state = np.where(state, change > 0.05, change < 0.05 * 0.08 / 0.92)
        on[token] = state & (rng.random(features) < 0.5)
    return on.astype(float)


def test_dependent_tokens_are_not_evidence():
    codes = bursty(0)
    naive, aware = coactivation(codes), coactivation(codes, lags=64)
    assert naive.exclusive + naive.coactivating > 50
    assert aware.exclusive + aware.coactivating <= 1
    assert aware.mean_dependence > 2
    assert aware.testable < naive.testable
    still = independent(1)
    assert coactivation(still, lags=20).mean_dependence == pytest.approx(1, abs=0.02)


def test_inflation_is_the_variance_over_circular_shifts():
    codes = bursty(1, features=12)
    fired = sparse.csc_array(codes)
    rho = autocorrelations(fired, 100)
    ratios = []
    for i, j in ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11)):
        rows = [fired.indices[fired.indptr[k] : fired.indptr[k + 1]] for k in (i, j)]
        drawn = circular_shifts(*rows, len(codes), 4_000)
        p, q = (len(r) / len(codes) for r in rows)
        plain = len(codes) * p * q * (1 - p) * (1 - q)
        ratios.append(drawn.var() / (plain * inflation(rho[[i]], rho[[j]])[0, 0]))
        assert drawn.mean() == pytest.approx(len(codes) * p * q, rel=0.1)
    assert np.mean(ratios) == pytest.approx(1, abs=0.25)


def test_lags_end_with_their_sequence():
    codes = np.zeros((40, 3))
    codes[9:11] = 1  # one run across the boundary of two sequences
    fired, sequence = sparse.csc_array(codes), np.repeat([0, 1, 2, 3], 10)
    assert autocorrelations(fired, 1)[0, 0] > 0.4
    assert autocorrelations(fired, 1, sequence)[0, 0] < 0


def test_rates_of_sequences_are_not_coactivation():
    rng = np.random.default_rng(0)
    level = np.repeat(rng.choice([0.3, 3.0], 100), 60)[:, None]
    codes = (rng.random((6_000, 40)) < 0.02 * level).astype(float)
    sequence = np.repeat(np.arange(100), 60)
    assert coactivation(codes, rates="equal").coactivating > 100
    assert coactivation(codes, rates="sequence", sequence=sequence).coactivating <= 2
    null = sequence_rates(sparse.csc_array(codes), sequence)
    mean, variance = null.moments(slice(0, 2), slice(0, 2))
    laws = [stats.hypergeom(60, int(n[0]), int(n[1])) for n in
            codes.reshape(100, 60, 40).sum(axis=1)[:, :2]]  # fmt: skip
    assert mean[0, 1] == pytest.approx(sum(law.mean() for law in laws))
    assert variance[0, 1] == pytest.approx(sum(law.var() for law in laws))


def test_intervals_cover_the_ratio():
    covered = 0
    rng = np.random.default_rng(0)
    for count in rng.poisson(0.4 * 12, 2_000):
        low, high = ratio_interval(float(count), 12.0)
        covered += (-np.inf if low is None else low) <= np.log(0.4) <= high
    assert covered / 2_000 > 0.94
    assert ratio_interval(0.0, 5.0)[0] is None


def test_spread_of_l0_has_a_null():
    rng = np.random.default_rng(0)
    rates = rng.uniform(0.01, 0.3, 50)
    found = [l0_spread((rng.random((800, 50)) < rates).sum(axis=1), rates) for _ in range(300)]
    assert np.std([f.z for f in found]) == pytest.approx(1, abs=0.12)
    assert abs(np.mean([f.z for f in found])) < 0.2
    assert l0_spread(np.full(800, 5), rates).z < -5


def test_sizes_of_features_that_fire_together():
    rng = np.random.default_rng(0)
    shared = rng.exponential(size=5_000)
    codes = rng.exponential(size=(5_000, 4)) * (rng.random((5_000, 4)) < 0.3)
    codes[:, 0] *= shared
    codes[:, 1] *= shared
    table = magnitude_dependence(codes, [(0, 1), (2, 3)])
    assert table["rho"][0] > 0.2
    assert table["q"][0] < 1e-4
    assert table["low"][1] < 0 < table["high"][1]
    drawn = magnitude_dependence(codes)
    assert set(zip(drawn["i"], drawn["j"], strict=True)) == {
        (i, j) for i in range(4) for j in range(i + 1, 4)
    }
    with pytest.raises(InputError, match="no pair"):
        magnitude_dependence(codes, [(1, 1)])
    with pytest.raises(InputError, match="at least 8"):
        magnitude_dependence(codes, min_together=3)


def test_json_document():
    document = json.loads(json.dumps(coactivation(sparse.csr_array(independent(0))).to_json()))
    assert document["schema"] == "neglog.coactivation/1"
    required = {"pairs", "testable", "exclusive", "coactivating", "var_l0_ratio", "top"}
    assert required <= document.keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.5}, "alpha is 0.5"),
        ({"rates": "none"}, "'token', 'sequence' or 'equal'"),
        ({"min_count": 100_000}, "coactivation needs two"),
        ({"sequence": np.zeros(3)}, "sequence has shape"),
        ({"top": -1}, "top is -1"),
        ({"lags": -1}, "lags is -1"),
        ({"rates": "sequence"}, "needs sequence"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        coactivation(independent(0, features=10), **arguments)
