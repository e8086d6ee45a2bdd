"""How good an SAE is on held-out data."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from neglog.sae.data import Activations, Index
from neglog.sae.model import SAE

#: A latent active on more than this fraction of rows is called dense.
DENSE = 0.1


@torch.no_grad()
def evaluate(
    sae: SAE,
    data: Activations,
    index: Index,
    target: Activations | None = None,
    batch: int = 4096,
) -> dict[str, float]:
    """How well the rows at `index` are reconstructed, and by how many latents.

    * fvu = Σ‖x − x̂‖² / Σ‖x − x̄‖², both sums over all the rows and x̄ their mean: 0 is perfect, 1 is
      what the constant x̄ scores. Not a mean over batches, not about zero.
    * l0: mean active latents; never_active, dense: fractions of latents active on no row, and on
      more than a tenth of them.
    * slope, intercept: x̂ regressed on x over all entries, both about the training mean. A slope
      below 1 is shrinkage.
    * cosine: mean over rows of the cosine of x and x̂, both about the training mean.
    """
    was = sae.training
    sae.eval()
    device = sae.W_enc.device
    origin = sae.out_mean.double()
    error = active = cosine = 0.0
    moments = Moments()
    total, square = torch.zeros_like(origin), 0.0
    fired = torch.zeros(sae.width, dtype=torch.long, device=device)
    for part in np.array_split(index, -(-len(index) // batch)):
        x = data.rows(part).to(device)
        y = x if target is None else target.rows(part).to(device)
        code = sae.encode(x)
        on = code > 0
        active += float(on.sum())
        fired += on.sum(0)
        # About a point near the mean, so that the subtractions below lose nothing.
        y, found = y.double() - origin, sae.decode(code, x).double() - origin
        error += float((y - found).square().sum())
        square += float(y.square().sum())
        total += y.sum(0)
        cosine += float(cosine_similarity(y, found, dim=1).sum())
        moments.add(y, found)
    sae.train(was)
    slope, intercept = moments.line()
    return {
        "fvu": error / (square - float(total.square().sum()) / len(index)),
        "l0": active / len(index),
        "never_active": float((fired == 0).double().mean()),
        "dense": float((fired > DENSE * len(index)).double().mean()),
        "slope": slope,
        "intercept": intercept,
        "cosine": cosine / len(index),
    }


class Moments:
    """Sums for the least-squares line of y on x, gathered part by part."""

    def __init__(self) -> None:
        self.n = self.x = self.y = self.xx = self.xy = 0.0

    def add(self, x: Tensor, y: Tensor) -> None:
        """More points, tensors of one shape."""
        self.n += x.numel()
        self.x += float(x.sum())
        self.y += float(y.sum())
        self.xx += float(x.square().sum())
        self.xy += float((x * y).sum())

    def line(self) -> tuple[float, float]:
        """(slope, intercept); (nan, nan) where there are fewer than two different x."""
        spread = self.n * self.xx - self.x**2
        if not spread > 0:
            return float("nan"), float("nan")
        slope = (self.n * self.xy - self.x * self.y) / spread
        return slope, (self.y - slope * self.x) / self.n


def shrinkage(codes: Tensor, truth: Tensor) -> tuple[float, float]:
    """(slope, intercept) of codes â on the true a, over entries where both are active.

    Both [n, m], features in the same order and units; L1 at strength c on unit-norm orthogonal
    columns has slope 1 and intercept −c/2.
    """
    both = (codes > 0) & (truth > 0)
    moments = Moments()
    moments.add(truth[both].double(), codes[both].double())
    return moments.line()


@torch.no_grad()
def mean_active(sae: SAE, x: torch.Tensor) -> float:
    """L0: the mean number of active latents of raw activations x [batch, d_in], in use."""
    was = sae.training
    sae.eval()
    l0 = float((sae.encode(x) > 0).sum()) / len(x)
    sae.train(was)
    return l0
