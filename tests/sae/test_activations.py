"""JumpReLU's rule, the derived activation, and both in training."""

import math

import pytest
import torch

import neglog
from neglog.priors.errors import InputError
from neglog.sae.activations import make_activation
from neglog.sae.batchtopk import BatchTopK
from neglog.sae.checkpoint import load
from neglog.sae.jumprelu import JumpReLU
from neglog.sae.model import SAE
from neglog.sae.passes import sparse_pass
from neglog.sae.proximal import Prox
from neglog.sae.run import train
from neglog.sae.trainer import Trainer


def test_the_gradient_by_the_threshold_is_that_of_the_expected_loss() -> None:
    # E F(z·H(z − θ)) for z uniform on [0, 2]: its derivative by θ is −F(θ)/2.
    act = JumpReLU(1, threshold=0.8, bandwidth=0.1)
    z = torch.linspace(0, 2, 200_001).unsqueeze(1)
    for f in (torch.square, torch.log1p):
        act.zero_grad()
        (f(torch.relu(z)) * act.gate(z)).mean().backward()
        by_theta = act.log_threshold.grad / 0.8
        assert float(by_theta) == pytest.approx(-float(f(torch.tensor(0.8))) / 2, rel=0.01)


@pytest.mark.slow
def test_a_target_l0_is_reached_with_learned_thresholds(planted) -> None:
    sae = train(planted(), 64, None, "jumprelu", target_l0=4, steps=300, batch=256, progress=False)
    assert sae.metrics["l0"] == pytest.approx(4, rel=0.1)
    assert sae.metrics["fvu"] < 0.2
    theta = sae.activation.threshold.detach()
    assert float(theta.std()) > 0.01


def test_bfloat16_parameters_are_not_frozen(planted) -> None:
    x = planted(512)
    ends = []
    for dtype in (torch.float32, torch.bfloat16):
        sae = SAE(16, 64, "jumprelu").to(dtype)
        penalty = neglog.penalty("l0", "positive").compile("torch")
        trainer = Trainer(sae, penalty, strength=0.3, lr=2e-4, warmup=0)
        for _ in range(60):
            trainer.step(x)
        ends.append(sae.activation.log_threshold.detach().float() - math.log(0.5))
    full, half = ends
    assert float(full.abs().max()) > 5e-3
    # The steps are a tenth of the spacing of bfloat16 there, and yet they add up.
    torch.testing.assert_close(half, full, rtol=0, atol=5e-3)
    assert torch.corrcoef(torch.stack([half, full]))[0, 1] > 0.9


def test_mean_scale_and_threshold_keep_their_precision() -> None:
    sae = SAE(16, 64, "batchtopk", 4)
    sae.mean.fill_(1.2345678)
    sae.activation.threshold.fill_(1.2345678)
    sae = sae.to(torch.bfloat16)
    assert sae.mean.dtype == sae.activation.threshold.dtype == torch.float32
    assert float(sae.mean[0]) == float(sae.activation.threshold) == pytest.approx(1.2345678)
    assert sae.double().mean.dtype == torch.float64


@pytest.mark.parametrize("expression", ["abs(a)", "log(1+abs(a))", "sqrt(a)", "l0"])
@pytest.mark.parametrize("c", [0.5, 3.0])
def test_the_derived_activation_minimises_what_it_says(expression, c) -> None:
    penalty = neglog.penalty(expression, domain="positive")
    act, phi = Prox(penalty, strength=c), penalty.compile("torch")
    z = torch.linspace(-1, 6, 57, dtype=torch.float64)
    a = act(z)
    grid = torch.linspace(0, 8, 4001, dtype=torch.float64)

    def objective(a: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return (z - a).square() + c * phi(a)

    best = torch.stack([objective(grid, z_).min() for z_ in z])
    assert (objective(a, z) <= best + 1e-9).all()
    floor = act.floor(1)
    assert float(act.value(torch.tensor(floor, dtype=torch.float64))) == 0
    assert float(act.value(torch.tensor(floor + 1e-4, dtype=torch.float64))) > 0


def test_the_derived_activation_trains_is_saved_and_loaded(tmp_path, planted) -> None:
    sae = train(planted(), 64, "log(1+abs(a))", "prox", target_l0=4, steps=150, batch=256,
                out=tmp_path / "sae", progress=False)  # fmt: skip
    assert sae.metrics["l0"] == pytest.approx(4, rel=0.1)
    assert sae.metrics["fvu"] < 0.3
    assert float(sae.activation.strength) > 0
    loaded, x = load(tmp_path / "sae"), planted(100, seed=3)
    assert torch.equal(loaded.encode(x), sae.encode(x))


def test_in_use_as_in_training(planted) -> None:
    x = planted(100)
    for name in ("relu", "jumprelu", "prox", "topk"):
        sae = SAE(16, 64, name, 4 if name == "topk" else None, penalty="log(1+abs(a))")
        if name == "prox":
            sae.activation.strength.fill_(1.0)
        trained = sparse_pass(sae.train(), sae.scaled(x)).dense_code()
        torch.testing.assert_close(sae.eval().encode(x), trained.detach())


@pytest.mark.slow
def test_batchtopk_s_threshold_survives_saving(tmp_path, planted) -> None:
    sae = train(planted(), 64, None, "batchtopk", k=4, steps=250, batch=256, out=tmp_path / "sae",
                progress=False)  # fmt: skip
    loaded = load(tmp_path / "sae")
    assert isinstance(loaded.activation, BatchTopK)
    assert float(loaded.activation.threshold) == float(sae.activation.threshold) > 0
    assert sae.metrics["l0"] == pytest.approx(4, rel=0.3)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: make_activation("prox"), "needs the penalty"),
        (lambda: Prox(torch.nn.Identity()), "not Identity"),
        (lambda: Prox("sum(abs(a))**2"), "joint"),
        (lambda: make_activation("jumprelu", 3, 10), "k goes with topk"),
    ],
)
def test_what_has_no_proximal_map_is_refused(make, says) -> None:
    with pytest.raises(InputError, match=says):
        make()
