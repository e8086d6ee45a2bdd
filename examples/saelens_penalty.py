"""SAELens's StandardTrainingSAE with log(1+|a|) for its L1 penalty.

    pip install neglog[torch] sae-lens
    python examples/saelens_penalty.py

Everything but the penalty is SAELens's own: trainer, schedule, checkpoints, conversion.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.sae import TrainStepInput
from sae_lens.saes.standard_sae import StandardTrainingSAE, StandardTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer
from torch import Tensor

import neglog


class NeglogTrainingSAE(StandardTrainingSAE):
    """StandardTrainingSAE whose sparsity term is a neglog penalty of |aᵢ|·‖dᵢ‖.

    ``l1_coefficient`` and its warm-up multiply the penalty, ``lp_norm`` is not used.
    """

    penalty = neglog.penalty("log(1+abs(a))", domain="positive").compile("torch")

    def calculate_aux_loss(
        self,
        step_input: TrainStepInput,
        feature_acts: Tensor,
        hidden_pre: Tensor,
        sae_out: Tensor,
    ) -> dict[str, Tensor]:
        """Σᵢ φ(aᵢ·‖dᵢ‖), averaged over the batch."""
        sizes = feature_acts * self.W_dec.norm(dim=1)
        sparsity = self.penalty.total(sizes) / feature_acts[..., 0].numel()
        return {"l1_loss": step_input.coefficients["l1"] * sparsity}


def planted(d: int, features: int, batch: int, seed: int = 0) -> Iterator[Tensor]:
    """Batches of sparse combinations of a random dictionary."""
    draw = torch.Generator().manual_seed(seed)
    directions = torch.nn.functional.normalize(torch.randn(features, d, generator=draw), dim=1)
    while True:
        active = torch.rand(batch, features, generator=draw) < 3 / features
        sizes = 1 + torch.empty(batch, features).exponential_(generator=draw)
        yield (active * sizes) @ directions


def train(steps: int = 600, coefficient: float = 0.8, d: int = 32) -> NeglogTrainingSAE:
    """An SAE trained by SAELens's trainer."""
    torch.manual_seed(0)
    sae = NeglogTrainingSAE(
        StandardTrainingSAEConfig(
            d_in=d, d_sae=2 * d, l1_coefficient=coefficient, apply_b_dec_to_input=False
        )
    )
    settings = SAETrainerConfig(
        total_training_samples=256 * steps,
        train_batch_size_samples=256,
        lr=3e-3,
        lr_end=3e-4,
    )
    return SAETrainer(settings, sae, planted(d, 2 * d, 256)).fit()


def report(sae: NeglogTrainingSAE, d: int = 32) -> dict[str, float]:
    """Fraction of variance unexplained, and mean number of active features, on new data."""
    x = next(planted(d, 2 * d, 4_096))
    with torch.no_grad():
        codes = sae.encode(x)
        rest = (x - sae.decode(codes)).square().sum()
    return {
        "fvu": float(rest / (x - x.mean(0)).square().sum()),
        "l0": float((codes > 0).float().sum(-1).mean()),
    }


if __name__ == "__main__":
    print(report(train()))
