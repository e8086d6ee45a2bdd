"""Couplings learned from coactivation tests: what was planted is found again."""

import numpy as np
import pytest
from scipy import sparse

from neglog.priors.structured import PairwiseSupport
from neglog.validation import couplings, learned_support

PLANTED = [(0, 1, 2.5), (2, 3, 2.0), (4, 5, -1.5)]


def planted(d=10, tokens=40_000, rate=0.15):
    j = np.zeros((d, d))
    for i, k, c in PLANTED:
        j[i, k] = j[k, i] = c
    return PairwiseSupport([rate] * d, j, slab=2.0).sample(tokens, seed=3, zeros=True)


def test_planted_couplings_are_found_and_no_others():
    found = couplings(planted(), alpha=0.01)
    assert isinstance(found, sparse.csr_array)
    dense = found.toarray()
    np.testing.assert_array_equal(dense, dense.T)
    pairs = {(i, k) for i, k in zip(*np.nonzero(np.triu(dense)), strict=True)}
    assert pairs == {(i, k) for i, k, _ in PLANTED}
    for i, k, c in PLANTED:
        assert np.sign(dense[i, k]) == np.sign(c)
        assert dense[i, k] == pytest.approx(c, abs=0.25)


def test_independent_features_give_no_couplings():
    x = np.random.default_rng(0).exponential(1, (20_000, 12))
    x *= np.random.default_rng(1).random(x.shape) < 0.1
    assert couplings(x, alpha=0.01).nnz == 0


def test_the_learned_prior_charges_exclusive_pairs_more():
    prior = learned_support(planted(), alpha=0.01, spike=0.05)
    assert prior.slab == pytest.approx(2.0, rel=0.05)
    phi = prior.compile("numpy")
    one, two, both = np.zeros((3, 10))
    one[0], two[1], both[[0, 1]] = 2, 2, 2
    assert phi(both) - phi(one) - phi(two) == pytest.approx(2.4, abs=0.7)
    both = np.zeros(10)
    both[[4, 5]] = 2
    four, five = np.zeros((2, 10))
    four[4], five[5] = 2, 2
    assert phi(both) < phi(four) + phi(five)
