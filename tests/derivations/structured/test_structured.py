"""Structured penalties: formulas, gradients, normalisers and draws against brute force."""

import numpy as np
import pytest
import torch
from scipy.integrate import nquad

from neglog.derivations.joint.diagnostics import r_hat
from neglog.derivations.structured.facts import support_law
from neglog.derivations.structured.sampling import gibbs
from neglog.priors.errors import InputError
from neglog.priors.structured import (
    ExclusiveGroups,
    FixedSupport,
    GroupNorm,
    OneActive,
    PairwiseSupport,
    SharedThreshold,
)

from .table import coupled, penalties

EVERY = pytest.mark.parametrize(("name", "phi"), penalties(), ids=lambda v: str(v)[:40])
POSITIVE = pytest.mark.parametrize(
    ("name", "phi"), [row for row in penalties() if row[1].domain == "positive"], ids=str
)


def codes(domain, rows=6, d=3):
    rng = np.random.default_rng(1)
    x = rng.exponential(0.4, (rows, d)) * (rng.random((rows, d)) < 0.6)
    x[-1] = 0
    return x * rng.choice([-1, 1], x.shape) if domain == "real" else x


def density(phi, x):
    """The mixture itself, by listing supports, at λ = 1 on [0, ∞)."""
    h, k = (np.exp(-x / w) / w for w in (phi.slab, phi.spike))
    labels = phi.groups.array
    parts = [(1 - phi.active) * np.prod(k)]
    parts += [w * np.prod(np.where(labels == g, h, k)) for g, w in enumerate(phi.weights)]
    return sum(parts)


@EVERY
def test_gradients_are_those_of_the_values(name, phi):
    x = codes(phi.domain)
    f = phi.compile("numpy", strength=1.3, scale=0.7)
    slope, step = f.grad(x), 1e-6
    whole = (x != 0) | (phi.domain == "positive")
    if isinstance(phi, GroupNorm):  # at a group's zero vector the subgradient of least norm is 0
        whole = x != 0
    for i in range(x.shape[1]):
        e = np.eye(x.shape[1])[i] * step
        at_zero = x[:, i] == 0
        central = (f(x + e) - f(np.where(at_zero[:, None], x, x - e))) / step
        central = np.where(at_zero, central, central / 2)
        np.testing.assert_allclose(slope[whole[:, i], i], central[whole[:, i]], atol=2e-4)
    if phi.domain == "real":
        assert (slope[x == 0] == 0).all()


@EVERY
def test_backends_agree(name, phi):
    import jax
    import jax.numpy as jnp

    x = codes(phi.domain)
    f = phi.compile("numpy", strength=1.3)
    t = torch.tensor(x, requires_grad=True)
    value = phi.compile("torch", strength=1.3)(t)
    value.sum().backward()
    np.testing.assert_allclose(value.detach(), f(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(t.grad, f.grad(x), rtol=1e-12, atol=1e-12)
    g = phi.compile("jax", strength=1.3)
    np.testing.assert_allclose(g(x), f(x), rtol=1e-4, atol=1e-4)
    slope = jax.grad(lambda z: g(z).sum())(jnp.asarray(x))
    np.testing.assert_allclose(slope, f.grad(x), rtol=1e-3, atol=1e-3)


@EVERY
def test_zero_is_zero_and_far_out_is_finite(name, phi):
    f = phi.compile("torch")
    far = torch.full((1, 3), 1e6, requires_grad=True)
    value = f(far)
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert torch.isfinite(far.grad).all()
    assert float(f(torch.zeros(1, 3))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("make", ["at most one", "one group"])
def test_the_penalty_is_minus_the_log_of_the_mixture(make):
    from .table import ROWS

    phi = ROWS[make]("positive")
    f = phi.compile("numpy")
    for x in codes("positive"):
        want = -np.log(density(phi, x)) + np.log(density(phi, np.zeros(3)))
        assert f(x) == pytest.approx(want, rel=1e-10, abs=1e-10)
    assert phi.derive()["log_normalizer"] == pytest.approx(-np.log(density(phi, np.zeros(3))))


def test_the_pairwise_penalty_is_jensens_bound():
    """Above the exact mixture over supports; near it where it is clear which are active."""
    j = coupled(3, (0, 1, 2.0), (1, 2, -1.0))
    phi = PairwiseSupport([0.3, 0.2, 0.4], j, spike=0.05)
    plain = PairwiseSupport([0.3, 0.2, 0.4], np.zeros((3, 3)), spike=0.05)
    z, _ = support_law(plain)
    energy = 0.5 * np.einsum("si,ij,sj->s", z, j, z)
    prior = np.prod(np.where(z > 0, phi.rates, 1 - phi.rates), axis=1)

    def exact(x):
        h, k = (np.exp(-x / w) / w for w in (phi.slab, phi.spike))
        each = np.prod(np.where(z > 0, h, k), axis=1) * prior
        return -np.log((each * np.exp(-energy)).sum()), -np.log(each.sum())

    def smooth(x):
        zero = np.zeros(3)
        return phi.compile("numpy")(x) - plain.compile("numpy")(x) + _start(phi, zero)

    def _start(phi, x):
        start = np.log(phi.rates / (1 - phi.rates)) + np.log(phi.spike / phi.slab)
        p = 1 / (1 + np.exp(-start))
        return 0.5 * p @ j @ p

    for x in codes("positive"):
        with_j, without = exact(x)
        assert smooth(x) >= with_j - without - 1e-9
    clear = np.array([2.0, 2.0, 0.0])
    with_j, without = exact(clear)
    assert smooth(clear) == pytest.approx(with_j - without, abs=0.03)


@pytest.mark.parametrize(
    ("phi", "d"),
    [
        (GroupNorm([0, 0]), 2),
        pytest.param(ExclusiveGroups([0, 0]), 2, marks=pytest.mark.slow),
        pytest.param(ExclusiveGroups([0, 1], "real"), 2, marks=pytest.mark.slow),
        pytest.param(OneActive(2, spike=0.2), 2, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_normalisers_equal_integrals(phi, d):
    f = phi.compile("numpy")
    low = 0 if phi.domain == "positive" else -9
    found, _ = nquad(
        lambda *x: np.exp(-f(np.array(x))),
        [(low, 30 if phi.domain == "positive" else 9)] * d,
        opts={"epsabs": 1e-9, "limit": 200, "points": [0.0, 0.5, 2.0]},
    )
    assert np.exp(phi.derive()["log_normalizer"]) == pytest.approx(found, rel=1e-5)


@POSITIVE
def test_draws_have_the_moments_of_the_density(name, phi):
    """E of the penalty's own slope: integration by parts gives E[aᵢ ∂φ/∂aᵢ] = 1 for any prior."""
    if isinstance(phi, PairwiseSupport):
        return  # its draws are of the exact mixture, not of Jensen's bound
    x = phi.sample(200_000, seed=0)
    terms = x * phi.compile("numpy").grad(x)
    error = terms.std(axis=0) / np.sqrt(len(x))
    assert (np.abs(terms.mean(axis=0) - 1) < 5 * error).all()


def test_supports_of_the_pairwise_prior_follow_the_ising_law():
    phi = PairwiseSupport([0.3, 0.2, 0.4], coupled(3, (0, 1, 2.0), (1, 2, -1.0)))
    _, p = support_law(phi)
    active = phi.sample(100_000, seed=1, zeros=True) > 0
    counts = np.bincount(active @ [4, 2, 1], minlength=8)
    assert (np.abs(counts / 1e5 - p) < 5 * np.sqrt(p * (1 - p) / 1e5)).all()
    by_gibbs = gibbs(phi, 100_000, 60, np.random.default_rng(2))
    counts = np.bincount(by_gibbs @ [4, 2, 1], minlength=8)
    assert (np.abs(counts / 1e5 - p) < 5 * np.sqrt(p * (1 - p) / 1e5)).all()


def test_topk_supports_are_fixed_and_batchtopk_nearly_binomial():
    fixed = FixedSupport(12, 3)
    x = fixed.sample(20_000, seed=0) > 0
    assert (x.sum(1) == 3).all()
    assert np.corrcoef(x[:, 0], x[:, 1])[0, 1] == pytest.approx(-1 / 11, abs=0.03)
    shared = SharedThreshold(12, 3, batch=512)
    l0 = (shared.sample(51_200, seed=0) > 0).sum(1)
    assert l0.mean() == pytest.approx(3)
    assert l0.var() == pytest.approx(shared.derive()["var_l0"], rel=0.05)
    with pytest.raises(InputError, match="hard constraint"):
        fixed.compile("numpy")


def test_chains_that_disagree_are_seen():
    rng = np.random.default_rng(0)
    assert r_hat(rng.standard_normal((8, 400))) < 1.02
    assert r_hat(rng.standard_normal((8, 400)) + np.arange(8)[:, None]) > 1.5


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: GroupNorm([[0, 1], [1, 2]]), "once and only once"),
        (lambda: OneActive(), "exactly one"),
        (lambda: OneActive(3, spike=2.0), "0 < spike < slab"),
        (lambda: OneActive(3, weights=[1, 2]), "3 positive numbers"),
        (lambda: PairwiseSupport([0.1, 0.2], np.ones((2, 2))), "diagonal"),
        (lambda: PairwiseSupport([0.1, 2], np.zeros((2, 2))), "probabilities"),
        (lambda: FixedSupport(3, 3), "0 < k < features"),
        (lambda: OneActive(3).compile("numpy")([1.0]), "3 features"),
        (lambda: OneActive(3).compile("tensorflow"), "backend"),
        (lambda: OneActive(3).sample(10, lam=2.0), "lam = 1"),
        (lambda: GroupNorm([0, 0]).derive(lam=-1), "positive finite"),
    ],
)
def test_bad_input_says_why(make, says):
    with pytest.raises(InputError, match=says):
        make()
