"""Held-out likelihood names the joint prior that the codes were drawn from."""

import numpy as np
import pytest

import neglog
from neglog.priors.errors import InputError
from neglog.validation import compare_joint
from neglog.validation.joints import _groups

PAIR = {"independent": "sum(log(1+abs(a)))", "shared": "log(1+sum(abs(a)))"}


def drawn(expression, lam, d=4, tokens=1_000, seed=0):
    law = neglog.penalty(expression, domain="positive").prior().at(lam=lam, dim=d)
    return law.rvs(tokens, random_state=seed)


@pytest.mark.parametrize(
    ("name", "lam"), [pytest.param("independent", 3.0, marks=pytest.mark.slow), ("shared", 7.0)]
)
def test_the_true_prior_wins(name, lam):
    table = compare_joint(drawn(PAIR[name], lam), priors=PAIR)
    assert table["prior"][0] == name
    assert table["behind"][0] == 0
    assert table["behind"][1] > 3 * table["se"][1] > 0
    assert table["lam"][0] == pytest.approx(lam, rel=0.25)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("expression", "lam", "best"),
    [
        ("prod(1+abs(a))", 0.7, "∏(1+|a|)"),
        ("log(1+sum(abs(a)))", 7.0, "log(1+Σ|a|)"),
        ("sum(abs(a))", 1.0, "independent, Laplace"),
    ],
)
def test_all_priors_together(expression, lam, best):
    table = compare_joint(drawn(expression, lam, tokens=4_000))
    near = table[table["behind"] <= 2 * table["se"] + 2e-3]["prior"].tolist()
    assert best in near


def test_groups_that_share_a_scale_are_found():
    rng = np.random.default_rng(0)
    on = np.repeat(rng.random((4_000, 3)) < 0.2, 2, axis=1) & (rng.random((4_000, 6)) < 0.8)
    assert sorted(sorted(g) for g in _groups(on, 2)) == [[0, 1], [2, 3], [4, 5]]


def test_exact_zeros_drive_the_scale_to_the_resolution():
    codes = drawn(PAIR["independent"], 3.0, tokens=400)
    whole = compare_joint(codes, priors={"Lomax": PAIR["independent"]})
    assert not whole["at_resolution"][0]
    codes[np.random.default_rng(0).random(codes.shape) < 0.9] = 0
    sparse = compare_joint(codes, priors={"Lomax": PAIR["independent"]}, resolution=0.05)
    assert sparse["at_resolution"][0]
    assert sparse["scale"][0] >= 0.05


def test_bad_input():
    codes = drawn(PAIR["independent"], 3.0, tokens=100)
    with pytest.raises(InputError, match="scalar"):
        compare_joint(codes, priors={"one": "abs(a)"})
    with pytest.raises(InputError, match="disjoint"):
        compare_joint(codes, groups=[[0, 1], [1, 2]])
    with pytest.raises(InputError, match="choose 2"):
        compare_joint(codes, features=[0])
    with pytest.raises(InputError, match="too few"):
        compare_joint(codes[:10])
    with pytest.raises(InputError, match="sequence must"):
        compare_joint(codes, sequence=np.zeros(3))
