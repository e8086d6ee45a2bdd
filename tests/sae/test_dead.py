"""Dead latents come back, each way switchable."""

import pytest
import torch

from neglog.sae.dead import AuxK
from neglog.sae.model import SAE
from neglog.sae.trainer import Trainer


def _half_dead(**settings) -> Trainer:
    sae = SAE(16, 64, "topk", 3)
    with torch.no_grad():
        sae.b_enc[:32] = -20.0
    return Trainer(sae, lr=5e-3, steps=200, dead_after=300, **settings)


def _run(trainer: Trainer, x: torch.Tensor, steps: int = 200) -> float:
    for i in range(steps):
        trainer.step(x[100 * (i % 40) : 100 * (i % 40 + 1)])
    return trainer.dead()


@pytest.mark.slow
def test_auxk_and_resampling_revive_what_stays_dead_without(planted) -> None:
    x = planted()
    without = _run(_half_dead(), x)
    assert without >= 0.5
    assert _run(_half_dead(resample_every=20), x) < 0.35
    aux = _half_dead(auxk=AuxK(8, weight=1.0))
    before = aux.sae.W_enc[:32].detach().clone()
    _run(aux, x)
    assert (aux.sae.W_enc[:32] - before).norm(dim=1).min() > 0.1
    assert float(aux.sae.b_enc[:32].detach().mean()) > -20.0


def test_auxk_is_the_error_left_over_and_trains_dead_latents_only(planted) -> None:
    x = planted(100)
    sae, aux = SAE(16, 64), AuxK(8, weight=0.5)
    dead = torch.arange(10, 30)
    error = torch.randn(100, 16)
    loss = aux.loss(sae, sae.scaled(x), error, dead)
    z = (sae.scaled(x) @ sae.W_enc.T)[:, dead]
    code = torch.zeros_like(z)
    for i, row in enumerate(z):
        best = row.argsort(descending=True)[:8]
        code[i, best] = row[best]
    expected = 0.5 * (error - code @ sae.W_dec[dead]).square().sum(1).mean()
    torch.testing.assert_close(loss, expected)
    loss.backward()
    moved = sae.W_dec.grad.norm(dim=1) > 0
    assert not moved[:10].any()
    assert not moved[30:].any()


def test_a_resampled_latent_points_at_a_residual_and_fires(planted) -> None:
    x = planted(4000)
    trainer = _half_dead(resample_every=5)
    _run(trainer, x, 4)
    dead = trainer.dead_latents()
    assert len(dead) >= 32
    trainer.step(x[400:500])
    torch.testing.assert_close(trainer.sae.W_dec.norm(dim=1), torch.ones(64))
    assert torch.equal(trainer.silent[dead], torch.zeros(len(dead), dtype=torch.long))
    assert (trainer.sae.b_enc[dead] == 0).all()
    for moment in ("exp_avg.W_enc", "exp_avg_sq.W_dec"):
        assert (trainer.adam.state()[moment][dead] == 0).all()


def test_the_last_quarter_is_left_alone(planted) -> None:
    trainer = _half_dead(resample_every=20)
    trainer.step_number = 159
    assert not trainer._resampling()
    trainer.step_number = 139
    assert trainer._resampling()
