"""A trainer in dictionary_learning's style (loss, update) with any neglog penalty.

    pip install neglog[torch] dictionary-learning
    python examples/dictionary_learning_loop.py

``AutoEncoder`` is dictionary_learning's where it is installed; the loop needs only ``encode`` and
``decode``.
"""

from __future__ import annotations

import torch
from torch import nn

import neglog


class PenaltyTrainer:
    """StandardTrainer with a penalty in place of L1: ‖x − x̂‖² + strength·Σφ(aᵢ), batch mean.

    Args:
        ae: an autoencoder with ``encode(x)`` and ``decode(f)``.
        penalty: an expression in ``a``.
        strength: multiplies the penalty.
        lr: Adam's learning rate.
    """

    def __init__(
        self, ae: nn.Module, penalty: str, strength: float = 0.1, lr: float = 3e-3
    ) -> None:
        self.ae = ae
        self.penalty = neglog.penalty(penalty, "positive").compile("torch", strength=strength)
        self.optimizer = torch.optim.Adam(ae.parameters(), lr=lr)

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """The loss on a batch x [batch, d]."""
        f = self.ae.encode(x)  # type: ignore[operator]
        guess = self.ae.decode(f)  # type: ignore[operator]
        return (x - guess).square().sum(-1).mean() + self.penalty.total(f) / len(x)

    def update(self, step: int, x: torch.Tensor) -> float:
        """One step of Adam; the loss before it."""
        self.optimizer.zero_grad()
        loss = self.loss(x)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())


def train(steps: int = 200) -> list[float]:
    """The losses of a short training on planted data."""
    from dictionary_learning.dictionary import AutoEncoder

    torch.manual_seed(0)
    directions = nn.functional.normalize(torch.randn(64, 32), dim=1)
    trainer = PenaltyTrainer(AutoEncoder(32, 64), "log(1+abs(a))")
    losses = []
    for step in range(steps):
        sizes = (torch.rand(256, 64) < 0.05) * torch.empty(256, 64).exponential_()
        losses.append(trainer.update(step, sizes @ directions))
    return losses


if __name__ == "__main__":
    losses = train()
    print(f"loss {losses[0]:.3f} → {losses[-1]:.3f}")
