"""Debiased codes are the truth plus Gaussian noise of the stated size."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from neglog.priors.errors import InputError
from neglog.sae import SAE
from neglog.validation import debias, debias_blocks
from neglog.validation.debiased.linear import linear
from neglog.validation.debiased.message import Prior, denoise
from neglog.validation.planted.data import Design, plant

SMALL = Design(features=48, dimension=64, tokens=6_000, l0=3.0)


def lasso(planted, strength=0.25, steps=150):
    """argmin ½‖x − aD‖² + strength·Σa over a ≥ 0, by accelerated proximal gradient descent."""
    d, x = planted.dictionary, planted.x
    step = 1 / np.linalg.norm(d @ d.T, 2)
    a = ahead = np.zeros((len(x), len(d)), np.float32)
    for k in range(steps):
        new = np.maximum(ahead - step * ((ahead @ d - x) @ d.T + strength), 0)
        ahead, a = new + k / (k + 3) * (new - a), new
    return a


@pytest.fixture(scope="module")
def truth():
    return plant(SMALL, 1)


@pytest.mark.parametrize("method", ["one-step", "em"])
def test_bias_goes_and_tau_is_the_noise(truth, method):
    codes = lasso(truth)
    active = truth.codes > 0
    assert (codes - truth.codes)[active].mean() < -0.2
    found = debias(truth.dictionary, truth.x, codes, method=method)
    error = found.z - truth.codes
    assert abs(error[active].mean()) < 0.02
    scaled = error / (found.tau[:, None] * found.width)
    assert scaled[active].std() == pytest.approx(1, abs=0.1)
    assert scaled[~active].std() == pytest.approx(1, abs=0.1)
    assert stats.kurtosis(scaled[~active]) < 1.0


def test_em_leaves_less_noise_than_one_step(truth):
    codes = lasso(truth)
    one, em = (debias(truth.dictionary, truth.x, codes, method=m) for m in ("one-step", "em"))
    assert np.median(em.tau) < 0.85 * np.median(one.tau)
    assert np.median(em.tau) == pytest.approx(SMALL.noise, rel=0.15)


def test_a_columns_length_is_only_a_unit(truth):
    codes = lasso(truth)
    length = np.linspace(0.5, 2, 48, dtype=np.float32)
    one = debias(truth.dictionary, truth.x, codes)
    other = debias(truth.dictionary * length[:, None], truth.x, codes / length)
    np.testing.assert_allclose(other.z * length, one.z, atol=1e-3)
    np.testing.assert_allclose(other.width * length, one.width, rtol=1e-3)


@pytest.mark.parametrize("activation", ["relu", "topk", "jumprelu"])
def test_divergence_is_the_trace_of_the_encoders_jacobian(activation):
    torch.manual_seed(0)
    sae = SAE(12, 20, activation, 4 if activation == "topk" else None, transposed=False)
    x = torch.randn(6, 12)

    def decoded(row):
        return sae.encode(row[None])[0] @ sae.W_dec  # unit rows

    sae.eval()
    jacobians = [torch.autograd.functional.jacobian(decoded, row) for row in x]
    expected = [float(torch.trace(j)) * float(sae.scale) for j in jacobians]
    np.testing.assert_allclose(linear(sae, x, None).divergence, expected, atol=1e-5)


def test_an_sae_is_a_dictionary_with_an_encoder(truth):
    sae = SAE(64, 48)
    with torch.no_grad():
        sae.b_enc.fill_(-0.3)
    codes = sae.codes(truth.x)
    one = debias(sae, truth.x)
    two = debias(sae.W_dec, truth.x, codes, encoder=sae.W_enc)
    np.testing.assert_allclose(one.z, two.z, atol=1e-4)
    np.testing.assert_allclose(one.tau, two.tau, atol=1e-5)
    blocks = list(debias_blocks(sae, truth.x, block=2_500, empirical=False))
    whole = debias(sae, truth.x, empirical=False)
    np.testing.assert_allclose(np.concatenate([b.z for b in blocks]), whole.z, atol=1e-4)


def test_half_precision_and_derived_encoders(truth):
    sae = SAE(64, 48)
    one = debias(sae, truth.x[:200])
    two = debias(sae.to(torch.bfloat16), truth.x[:200])
    assert two.z.dtype == np.float32
    np.testing.assert_allclose(two.z, one.z, atol=0.3)
    derived = SAE(64, 48, "prox", penalty="abs(a)")
    derived.activation.strength.fill_(0.4)
    active = derived.codes(truth.x).toarray() > 0
    slopes = (derived.W_enc * derived.W_dec).sum(dim=1).detach().numpy()
    np.testing.assert_allclose(
        linear(derived, truth.x, None).divergence, active @ slopes, rtol=1e-4, atol=1e-4
    )  # |a|'s map is z − c/2: slope 1 where active


def test_the_denoiser_is_the_posterior_mean():
    prior, tau = Prior(np.array([0.1]), np.array([0.7])), 0.2
    for r in (0.25, 0.5, 1.5):

        def joint(a, r=r):
            return 0.1 * stats.expon.pdf(a, scale=0.7) * stats.norm.pdf(r, a, tau)

        slab = integrate.quad(joint, 0, 5)[0]
        total = slab + 0.9 * stats.norm.pdf(r, 0, tau)
        want = integrate.quad(lambda a: a * joint(a), 0, 5)[0] / total
        mean, variance, _ = denoise(np.array([[r]]), np.array([tau]), prior)
        assert mean[0, 0] == pytest.approx(want, rel=1e-6)
        up, down = (denoise(np.array([[r + e]]), np.array([tau]), prior)[0][0, 0]
                    for e in (1e-5, -1e-5))  # fmt: skip
        assert variance[0, 0] / tau**2 == pytest.approx((up - down) / 2e-5, rel=1e-4)


def test_tokens_without_residual_are_left_out():
    rng = np.random.default_rng(0)
    d = rng.standard_normal((10, 10))
    codes = np.ones((5, 10))
    codes[1:, 1:] = 0
    found = debias(d, codes @ d, codes)
    assert found.used.tolist() == [False, True, True, True, True]
    assert found.z.shape == (4, 10)
    with pytest.raises(InputError, match="no residual"):
        debias(d, codes[:1] @ d, codes[:1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "magic"}, "'one-step' or 'em'"),
        ({"x": np.ones((3, 5))}, "tokens × 64"),
        ({"x": np.full((6_000, 64), np.nan)}, "NaN"),
        ({"codes": np.ones((2, 48))}, "need"),
        ({"encoder": np.ones((2, 64))}, "encoder is"),
    ],
)
def test_bad_input(truth, change, message):
    arguments = {"x": truth.x, "codes": truth.codes, **change}
    with pytest.raises(InputError, match=message):
        debias(truth.dictionary, arguments.pop("x"), arguments.pop("codes"), **arguments)
