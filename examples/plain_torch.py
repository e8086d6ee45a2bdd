"""A sparse autoencoder in plain torch with a neglog penalty whose scale is learned.

    pip install neglog[torch]
    python examples/plain_torch.py

−log p with its normaliser is the loss: without log Z the scale would run away.
"""

from __future__ import annotations

import torch
from torch import nn

import neglog


class SAE(nn.Module):
    """x̂ = W_dec·relu(W_enc·x + b) with unit columns in W_dec."""

    def __init__(self, d: int, width: int) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(d, width), nn.Linear(width, d, bias=False)
        with torch.no_grad():
            self.decoder.weight.copy_(nn.functional.normalize(self.encoder.weight.T, dim=0))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(reconstruction, code)."""
        code = torch.relu(self.encoder(x))
        return nn.functional.linear(code, nn.functional.normalize(self.decoder.weight, dim=0)), code


def train(steps: int = 200) -> tuple[list[float], float]:
    """(loss at each step, the learned scale)."""
    torch.manual_seed(0)
    directions = nn.functional.normalize(torch.randn(64, 32), dim=1)
    sae = SAE(32, 64)
    prior = neglog.prior("lomax").compile("torch", lam=4.0, scale=1.0, learn=("scale",))
    optimiser = torch.optim.Adam([*sae.parameters(), *prior.parameters()], lr=3e-3)
    losses = []
    for _ in range(steps):
        sizes = torch.rand(256, 64).bernoulli_(1.0) * torch.empty(256, 64).exponential_()
        x = (sizes * (torch.rand(256, 64) < 0.05)) @ directions
        guess, code = sae(x)
        loss = (x - guess).square().sum(-1).mean() + 0.01 * prior(code).sum(-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses, prior.body.scale.item()


if __name__ == "__main__":
    losses, scale = train()
    print(f"loss {losses[0]:.3f} → {losses[-1]:.3f}, scale {scale:.3f}")
