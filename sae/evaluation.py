"""How good an SAE is on held-out data."""

import numpy as np
import torch

from neglog.sae.data import Activations, Index
from neglog.sae.model import SAE


@torch.no_grad()
def evaluate(
    sae: SAE,
    data: Activations,
    index: Index,
    target: Activations | None = None,
    batch: int = 4096,
) -> dict[str, float]:
    """FVU, L0 and the fraction of latents never active, over the rows at `index`.

    FVU = Σ‖x − x̂‖² / Σ‖x − x̄‖², both sums over all the rows and x̄ their mean: 0 is perfect,
    1 is what the constant x̄ scores. Not a mean over batches, not about zero.
    """
    was = sae.training
    sae.eval()
    device = sae.W_enc.device
    origin = sae.out_mean.double()
    error = active = square = 0.0
    total = torch.zeros_like(origin)
    fired = torch.zeros(sae.width, dtype=torch.bool, device=device)
    for part in np.array_split(index, -(-len(index) // batch)):
        x = data.rows(part).to(device)
        y = x if target is None else target.rows(part).to(device)
        code = sae.encode(x)
        on = code > 0
        active += float(on.sum())
        fired |= on.any(0)
        error += float((y - sae.decode(code, x)).double().square().sum())
        # About a point near the mean, so that the subtraction below loses nothing.
        from_origin = y.double() - origin
        square += float(from_origin.square().sum())
        total += from_origin.sum(0)
    sae.train(was)
    variation = square - float(total.square().sum()) / len(index)
    return {
        "fvu": error / variation,
        "l0": active / len(index),
        "never_active": float((~fired).double().mean()),
    }


@torch.no_grad()
def mean_active(sae: SAE, x: torch.Tensor) -> float:
    """L0: the mean number of active latents of raw activations x [batch, d_in], in use."""
    was = sae.training
    sae.eval()
    l0 = float((sae.encode(x) > 0).sum()) / len(x)
    sae.train(was)
    return l0
