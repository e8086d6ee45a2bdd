import json

import numpy as np
import pytest
from scipy import sparse, stats

from neglog.priors.errors import InputError
from neglog.validation import coactivation, pairs, random_dictionary
from neglog.validation.discovery import Discoveries
from neglog.validation.firing import log_lower_tail, log_none, log_upper_tail, token_rates

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


def test_json_document():
    document = json.loads(json.dumps(coactivation(sparse.csr_array(independent(0))).to_json()))
    assert document["schema"] == "neglog.coactivation/1"
    required = {"pairs", "testable", "exclusive", "coactivating", "var_l0_ratio", "top"}
    assert required <= document.keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 0.5}, "alpha is 0.5"),
        ({"rates": "none"}, "'token' or 'equal'"),
        ({"min_count": 100_000}, "coactivation needs two"),
        ({"sequence": np.zeros(3)}, "sequence has shape"),
        ({"top": -1}, "top is -1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        coactivation(independent(0, features=10), **arguments)
