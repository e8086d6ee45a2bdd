import numpy as np
import pytest

from neglog.priors.errors import InputError
from neglog.validation import controls, fit, gaussian_noise, random_dictionary


def activations(tokens=4_000, d=24, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_t(5, (tokens, d)) @ rng.standard_normal((d, d)) + rng.normal(0, 3, d)


def test_rates_are_met():
    wanted = np.linspace(0.0, 0.3, 50)
    codes = random_dictionary(activations(), 50, rates=wanted)
    assert codes.shape == (4_000, 50)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(np.diff(codes.tocsc().indptr) / 4_000, wanted, atol=1e-3)
    assert codes.data.min() > 0


def test_l0_is_met():
    assert random_dictionary(activations(), 200, l0=12.0).nnz / 4_000 == pytest.approx(12, rel=0.02)


def test_top_k():
    codes = random_dictionary(activations(), 200, top_k=7)
    assert set(np.diff(codes.indptr)) == {7}


def test_seed_and_blocks(monkeypatch):
    x = activations(500)
    one = random_dictionary(x, 30, l0=3, seed=1)
    assert (one != random_dictionary(x, 30, l0=3, seed=2)).nnz
    noise = gaussian_noise(x)
    monkeypatch.setattr(controls, "BLOCK_BYTES", 4_000)
    other = random_dictionary(x, 30, l0=3, seed=1)
    np.testing.assert_allclose(other.toarray(), one.toarray(), atol=1e-4)
    np.testing.assert_allclose(gaussian_noise(x), noise, atol=1e-4)


def test_noise_has_the_mean_and_covariance():
    x = activations(20_000)
    noise = gaussian_noise(x)
    scale = np.sqrt(np.trace(np.cov(x.T)) / 24)
    np.testing.assert_allclose(noise.mean(axis=0), x.mean(axis=0), atol=0.05 * scale)
    np.testing.assert_allclose(np.cov(noise.T), np.cov(x.T), atol=0.08 * scale**2)


def test_gaussian_noise_already_looks_near_exponential():
    codes = random_dictionary(gaussian_noise(activations()), 20, rates=0.1)
    shape = fit(codes, ["generalised-pareto"])["c"]
    assert -0.4 < shape.mean() < 0.05  # an exponential has c = 0


@pytest.mark.parametrize(
    ("x", "arguments", "message"),
    [
        (np.ones(3), {"l0": 1}, "tokens × d"),
        (np.array([[1.0, np.nan]]), {"l0": 1}, "coordinate 1"),
        (np.ones((3, 2)), {}, "exactly one"),
        (np.ones((3, 2)), {"l0": 1, "rates": 0.1}, "exactly one"),
        (np.ones((3, 2)), {"l0": 9}, "between 0 and 1"),
        (np.ones((3, 2)), {"rates": [0.1]}, "one number or"),
        (np.ones((3, 2)), {"top_k": 5}, "top_k is 5"),
    ],
)
def test_bad_input(x, arguments, message):
    with pytest.raises(InputError, match=message):
        random_dictionary(x, 4, **arguments)
