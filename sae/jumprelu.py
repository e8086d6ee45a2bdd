"""JumpReLU: a learned threshold for each latent."""

from typing import Any

import torch
from torch import Tensor, nn

from neglog.sae.activations import Activation
from neglog.sae.selection import above


class _Gate(torch.autograd.Function):
    """H(z − θ), and what is taken for its derivative by θ."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        ctx.save_for_backward(z, threshold)
        ctx.bandwidth = bandwidth
        return (z > threshold).to(z.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor, None]:
        z, threshold = ctx.saved_tensors
        near = ((z - threshold).abs() < ctx.bandwidth / 2) & (z > 0)
        # where, not a product: a steep penalty may send an infinite gradient to what is not near.
        slope = torch.where(near, -grads[0] / ctx.bandwidth, 0.0)
        return None, slope.sum_to_size(threshold.shape), None


class JumpReLU(Activation):
    """a = max(z, 0)·H(z − θ), H the unit step and θ > 0 a threshold learned for each latent.

    H has no derivative that would move θ. Its straight-through rule (Rajamanoharan et al. 2024,
    "Jumping Ahead") is that of the expected loss, estimated with a rectangular kernel of width ε:

        ∂H(z − θ)/∂θ := −1/ε where |z − θ| < ε/2 and z > 0, else 0;   ∂H/∂z := 0

    A penalty with φ(0) = 0 is φ(a) = φ(max(z, 0))·H(z − θ), so the same rule gives θ the whole jump
    φ(θ) of the penalty: for φ = 1[a > 0] this is the usual L0 objective.

    θ = exp(log_threshold), so it stays positive. In a model of lower precision the trainer keeps
    float32 copies of all parameters, so that steps too small for bfloat16 still add up.
    """

    name = "jumprelu"

    def __init__(self, width: int, threshold: float = 0.5, bandwidth: float = 0.5) -> None:
        super().__init__()
        self.bandwidth = bandwidth
        self.log_threshold = nn.Parameter(torch.full((width,), threshold).log())

    def settings(self) -> dict[str, Any]:
        """What `make_activation` needs to build this again."""
        return {"name": self.name}

    @property
    def threshold(self) -> Tensor:
        """θ [width]."""
        return self.log_threshold.exp()

    def floor(self, m: int) -> Tensor | float:
        """θ."""
        return self.threshold.detach()

    def pick(self, z: Tensor, start_over: bool = False) -> Tensor:
        """The active entries and those whose distance to the threshold trains it."""
        low = self.threshold.detach()
        if self.training:
            low = low - self.bandwidth / 2
        return above(z, low.clamp_min(0.0).to(z.dtype))

    def gate(self, z: Tensor, columns: Tensor | None = None) -> Tensor:
        """H(z − θ), differentiable by θ as said above; z [batch, m], or [n] at `columns` [n]."""
        threshold = self.threshold.to(z.dtype)
        if columns is not None:
            threshold = threshold[columns.long()]
        gate: Tensor = _Gate.apply(z, threshold, self.bandwidth)
        return gate

    def value(self, z: Tensor, columns: Tensor | None = None) -> Tensor:
        """The code at entries, elementwise."""
        return torch.relu(z) * self.gate(z, columns)

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        return self.value(z)
