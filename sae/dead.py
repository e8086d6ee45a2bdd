"""Latents that no longer fire, and two ways to bring them back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import linear, normalize

from neglog.sae.activations import TopK
from neglog.sae.batchtopk import BatchTopK
from neglog.sae.model import SAE

if TYPE_CHECKING:
    from neglog.sae.trainer import Trainer

#: A latent silent for this many tokens counts as dead.
DEAD_AFTER = 100_000


@dataclass(frozen=True)
class AuxK:
    """Dead latents are trained to explain what the others leave over.

        weight · ‖e − ê‖²,   e = y − ŷ (no gradient),   ê = Σ zⱼ dⱼ

    over the `k` dead latents j of largest pre-activation zⱼ on the sample (Gao et al. 2024,
    "Scaling and evaluating sparse autoencoders": k about half of d, weight 1/32). zⱼ is taken as
    it is, without the activation, or a latent that is dead on every sample would get no gradient.
    """

    k: int
    weight: float = 1 / 32

    def loss(self, sae: SAE, u: Tensor, error: Tensor, dead: Tensor) -> Tensor:
        """weight · ‖e − ê‖² for scaled input u [batch, d_in], e [batch, d_out], dead [n]."""
        z = linear(u, sae.W_enc[dead], sae.b_enc[dead])
        top = z.topk(min(self.k, len(dead)), dim=1, sorted=False)
        code = torch.zeros_like(z).scatter(1, top.indices, top.values)
        return self.weight * (error - code @ sae.W_dec[dead]).square().sum() / len(error)


@torch.no_grad()
def resample(trainer: "Trainer", u: Tensor, error: Tensor, dead: Tensor) -> int:
    """Start dead latents anew where the reconstruction is worst; returns how many.

    Each takes a different sample of the batch, drawn with probability ∝ ‖e‖² (Bricken et al. 2023,
    "Towards Monosemanticity"), and points at its residual e; a transcoder's encoder points at the
    input. The bias makes it active where the projection exceeds half that of its own sample. The
    draw depends on seed and step only. u [batch, d_in] and error [batch, d_out] are scaled.
    """
    sae, group = trainer.sae, trainer.processes
    weight = group.gather(error.double().square().sum(1)).cpu()
    count = min(len(dead), int((weight > 0).sum()))
    if count == 0:
        return 0
    generator = torch.Generator().manual_seed(trainer.seed * 1_000_003 + trainer.step_number)
    chosen = torch.multinomial(weight, count, generator=generator).to(u.device)
    dead = dead[:count]
    residual = normalize(_rows(trainer, error, chosen), dim=1)
    inputs = _rows(trainer, u, chosen)
    direction = residual if sae.d_in == sae.d_out else normalize(inputs, dim=1)
    alive = torch.ones(sae.width, dtype=torch.bool, device=u.device)
    alive[dead] = False
    size = sae.W_enc[alive].norm(dim=1).mean() if alive.any() else sae.W_enc.new_ones(())
    by_k = isinstance(sae.activation, (TopK, BatchTopK))
    half = 0.5 * size * (direction * inputs).sum(1).clamp_min(0)
    floor = sae.activation.floor(sae.width)  # type: ignore[operator]
    bias = torch.zeros_like(half) if by_k else -half
    bias = bias + (floor[dead] if isinstance(floor, Tensor) else floor)
    masters = trainer.adam.masters
    for name, value in (("W_enc", size * direction), ("W_dec", residual), ("b_enc", bias)):
        masters[name][dead] = value.to(masters[name].dtype)
        trainer.adam.forget(name, dead)
    trainer.adam.publish()
    trainer.silent[dead] = 0
    return count


def _rows(trainer: "Trainer", mine: Tensor, chosen: Tensor) -> Tensor:
    """The rows numbered `chosen` of the batch of all processes; `mine` are this one's."""
    here = chosen - trainer.processes.rank * len(mine)
    inside = (here >= 0) & (here < len(mine))
    rows = mine.new_zeros(len(chosen), mine.shape[1])
    rows[inside] = mine[here[inside]]
    return trainer.processes.sum_(rows)
