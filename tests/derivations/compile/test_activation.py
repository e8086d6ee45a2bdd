"""Activations: the maps they are known as, thresholds, gradients and the surrogate at a jump."""

import copy

import numpy as np
import pytest

from neglog import penalty
from neglog.priors.errors import InputError

torch = pytest.importorskip("torch")
X = torch.tensor([-2.0, -0.3, 0.0, 0.2, 0.9, 1.1, 1.9, 2.5, 4.0], dtype=torch.float64)
ROWS = [  # expression, domain, strength, the map, its threshold, where it lands
    ("a", "positive", 0.5, lambda x: (x - 0.5).clamp_min(0), 0.5, 0.0),
    ("abs(a)", "real", 0.5, lambda x: x.sign() * (x.abs() - 0.5).clamp_min(0), 0.5, 0.0),
    ("indicator(a != 0)", "real", 0.5, lambda x: torch.where(x.abs() > 1, x, 0.0), 1.0, 1.0),
    ("a**2", "positive", 0.5, lambda x: x.clamp_min(0) / 2, 0.0, 0.0),
    ("log(1+a)", "positive", 0.8, None, 0.8, 0.0),
    ("sqrt(a)", "positive", 1.0, None, 1.5, 1.0),  # t = 3/2·c^(2/3), J = c^(2/3)
]


@pytest.mark.parametrize(("text", "domain", "strength", "known", "at", "landing"), ROWS)
def test_known_maps(text, domain, strength, known, at, landing) -> None:
    f = penalty(text, domain).activation(strength=strength)
    if known is not None:
        torch.testing.assert_close(f(X), known(X), rtol=1e-6, atol=1e-6)
    assert float(f.threshold) == pytest.approx(at, rel=1e-5, abs=1e-8)
    around = torch.tensor([at * (1 - 1e-4), at * (1 + 1e-4)], dtype=torch.float64)
    below, above = f(around).tolist()
    assert below == 0
    assert above == pytest.approx(landing, rel=1e-2, abs=1e-3)


@pytest.mark.parametrize("text", ["a", "log(1+a)", "sqrt(a)", "a/(1+a)", "indicator(a != 0)"])
@pytest.mark.parametrize("learn", ["strength", "threshold"])
def test_gradients_off_the_jump(text: str, learn: str) -> None:
    f = penalty(text, "positive").activation(strength=1.5, learn=(learn,)).double()
    x = torch.tensor([0.1, 3.0, 4.5], dtype=torch.float64, requires_grad=True)
    log = next(f.parameters())
    f(x).sum().backward()
    step = 1e-5
    with torch.no_grad():
        sides = []
        for sign in (1, -1):
            log.add_(sign * step)
            sides.append(f(x).sum())
            log.sub_(sign * step)
        rate = (sides[0] - sides[1]) / (2 * step)
        slope = (f(x + step) - f(x - step)) / (2 * step)
    torch.testing.assert_close(log.grad, rate, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(x.grad, slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("text", ["log(1+a)", "sqrt(a)", "indicator(a != 0)"])
def test_surrogate_is_the_derivative_of_the_mean(text: str) -> None:
    """Averaged over inputs of density 1, the gradient in c is that of E f(x)."""
    c, width = 2.0, 0.05
    x = torch.linspace(0, 5, 20_001, dtype=torch.float64)
    mean = [
        penalty(text, "positive").activation(strength=k)(x).detach().mean()
        for k in (c * 0.99, c * 1.01)
    ]
    f = penalty(text, "positive").activation(strength=c, bandwidth=width)
    f(x).mean().backward()
    exact = (mean[1] - mean[0]) / (0.02)  # in log c
    assert f.log_strength.grad.item() == pytest.approx(exact.item(), rel=2e-2)


def test_one_number_a_feature_and_copies() -> None:
    f = penalty("a", "positive").activation(strength=0.5, learn=("threshold",), features=3)
    other = copy.deepcopy(f)
    x = torch.ones(4, 3)
    f(x).sum().backward()
    torch.testing.assert_close(f.log_threshold.grad, torch.full((3,), -2.0), rtol=1e-5, atol=0)
    assert other.log_threshold.grad is None
    assert other(x.bfloat16()).dtype == torch.bfloat16
    assert not list(penalty("a", "positive").activation(learn=()).parameters())
    assert np.allclose(f.threshold, 0.5)


def test_refused() -> None:
    with pytest.raises(InputError, match="joint"):
        penalty("prod(1+abs(a))").activation()
    with pytest.raises(InputError, match="even"):
        penalty("a+exp(-a)").activation()
    with pytest.raises(InputError, match="learns"):
        penalty("abs(a)").activation(learn=("scale",))
    with pytest.raises(InputError, match="no threshold"):
        penalty("a**2").activation(learn=("threshold",))
    with pytest.raises(InputError, match="features"):
        penalty("abs(a)").activation(features=0)
