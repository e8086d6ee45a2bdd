"""One training step: what it keeps, what it reports, dense or sparse alike."""

import pytest
import torch
from torch import nn

from neglog.priors.errors import InputError
from neglog.sae import trainer as trainer_module
from neglog.sae.control import TargetL0
from neglog.sae.data import check_and_scale, open_activations
from neglog.sae.model import SAE
from neglog.sae.start import EXCESS, set_bias
from neglog.sae.trainer import FLOOR, Trainer, learning_rate


def _trained(x, penalty, steps=20, dtype=torch.float64, **settings):
    sae = SAE(x.shape[1], 48, settings.pop("activation", "relu"), settings.pop("k", None))
    sae.set_scaling(check_and_scale(open_activations(x), torch.arange(len(x)).numpy()))
    trainer = Trainer(sae.to(dtype), penalty, lr=1e-2, **settings)
    x = x.to(dtype)
    for i in range(steps):
        done = trainer.step(x[64 * i : 64 * (i + 1)])
    return trainer, done


@pytest.mark.parametrize("activation", ["relu", "topk", "batchtopk"])
def test_sparse_and_dense_training_give_the_same_weights(planted, lomax, activation) -> None:
    given = {"strength": 0.5} if activation == "relu" else {"activation": activation, "k": 4}
    penalty = lomax if activation == "relu" else None
    (one, _), (other, _) = (
        _trained(planted(1280), penalty, sparse=sparse, **given) for sparse in (True, False)
    )
    for p, q in zip(one.sae.parameters(), other.sae.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-7, atol=1e-9)
    assert torch.equal(one.silent, other.silent)


def test_the_faster_pass_is_taken_by_the_density_of_the_step_before(
    planted, lomax, monkeypatch
) -> None:
    taken = []
    for kind in ("dense_pass", "sparse_pass"):
        real = getattr(trainer_module, kind)

        def spy(*args, kind=kind, real=real):
            taken.append(kind)
            return real(*args)

        monkeypatch.setattr(trainer_module, kind, spy)
    trainer = Trainer(SAE(16, 48), lomax, strength=1e-3, lr=1e-9)
    for bias in (0.0, -100.0, 0.0, 0.0):
        trainer.sae.b_enc.data.fill_(bias)
        trainer.step(planted(64))
    assert taken == ["dense_pass", "dense_pass", "sparse_pass", "dense_pass"]


def test_a_step_reports_its_loss_and_keeps_columns_at_norm_one(planted, penalty) -> None:
    trainer, done = _trained(planted(1280), penalty, strength=0.5, warmup=0)
    total = done["reconstruction"] + done["strength"] * done["penalty"]
    assert done["loss"] == pytest.approx(total)
    norms = trainer.sae.W_dec.detach().norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(48, dtype=torch.float64))
    assert all(torch.isfinite(p).all() for p in trainer.sae.parameters())


def test_the_first_gradient_is_that_of_the_loss_along_the_sphere(planted, lomax) -> None:
    x = planted(64).double()
    sae, twin = SAE(16, 48).double(), SAE(16, 48).double()
    for model in (sae, twin):
        model.W_dec.data.div_(model.W_dec.norm(dim=1, keepdim=True))  # to double precision
    trainer = Trainer(sae, lomax, strength=0.5, warmup=0)
    u = twin.scaled(x)
    code = torch.relu(u @ twin.W_enc.T + twin.b_enc)
    unit = nn.functional.normalize(twin.W_dec, dim=1)
    lengths = code * twin.W_dec.norm(dim=1)
    error = (u - code @ unit - twin.b_dec).square().sum(1)
    (error + 0.5 * torch.log1p(lengths).sum(1)).mean().backward()
    trainer.step(x)
    torch.testing.assert_close(sae.W_enc.grad, twin.W_enc.grad)
    parallel = (twin.W_dec.grad * twin.W_dec).sum(1, keepdim=True)
    torch.testing.assert_close(sae.W_dec.grad, twin.W_dec.grad - parallel * twin.W_dec)


def test_latents_that_stay_silent_are_counted_in_tokens(planted, lomax) -> None:
    x = planted(1280)
    sae = SAE(16, 48)
    with torch.no_grad():
        sae.b_enc[:12] = -100.0
    trainer = Trainer(sae, lomax, strength=1e-3, lr=1e-9)
    for i in range(20):
        trainer.step(x[64 * i : 64 * (i + 1)])
    assert trainer.tokens == 1280
    assert trainer.dead(1280) == 0.25
    assert trainer.dead(1281) == 0


def test_parameters_of_the_penalty_are_trained_too(planted) -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.s = nn.Parameter(torch.tensor(1.0))

        def forward(self, a):
            return torch.log1p(a / self.s)

    trainer, _ = _trained(planted(1280), Scaled(), strength=0.5)
    assert trainer.penalty.s.item() != 1.0


def test_a_transcoder_learns_another_target(planted, lomax) -> None:
    x = planted(4000)
    y = x @ torch.randn(16, 10, generator=torch.Generator().manual_seed(1))
    sae = SAE(16, 48, d_out=10, skip=True)
    trainer = Trainer(sae, lomax, strength=0.1, lr=1e-2)
    losses = [
        trainer.step(x[i : i + 100], y[i : i + 100])["reconstruction"] for i in range(0, 4000, 100)
    ]
    assert losses[-1] < 0.2 * losses[0]


def test_the_learning_rate_rises_stays_and_falls() -> None:
    factors = [learning_rate(i, steps=100, warmup=9, decay=0.2) for i in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9:80] == [1.0] * 71
    assert factors[-1] == FLOOR
    assert factors[80:] == sorted(factors[80:], reverse=True)
    assert learning_rate(10**6, steps=None, warmup=9, decay=0.2) == 1.0


def test_every_latent_starts_active_on_the_same_share(planted) -> None:
    sae, x = SAE(16, 48), planted(1000)
    set_bias(sae, x, TargetL0(3.0))
    active = (sae.encode(x) > 0).sum(0)
    assert abs(int(active.min()) - round(EXCESS * 3 / 48 * 1000)) <= 1
    assert int(active.max()) - int(active.min()) <= 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"strength": 0.0}, "strength must be positive"),
        ({"strength": float("nan")}, "strength must be positive"),
        ({"target_l0": -1.0}, "target L0 must be positive"),
        ({"target_l0": 48}, "below the width 48"),
        ({}, "either its strength or a target L0"),
        ({"strength": 1.0, "target_l0": 3.0}, "either its strength or a target L0"),
        ({"strength": 1.0, "lr": 0.0}, "learning rate"),
        ({"strength": 1.0, "penalty": None}, "Without a penalty"),
    ],
)
def test_settings_that_make_no_sense_are_refused(lomax, settings, says) -> None:
    with pytest.raises(InputError, match=says):
        Trainer(SAE(16, 48), **{"penalty": lomax, **settings})
