"""BatchTopK: a fixed number of active latents a batch, shared out among its samples."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neglog.sae.activations import Activation
from neglog.sae.pattern import Pattern
from neglog.sae.processes import SOLO, Processes
from neglog.sae.selection import above


class BatchTopK(Activation):
    """In training: max(z, 0) on the k·batch largest entries of the batch, 0 elsewhere.

    In use: max(z, 0) where z > threshold, the running mean of the smallest entry kept, so that
    a token's code does not depend on the tokens beside it. (Its memory is 20 batches: over a
    hundred it lagged behind, and the code in use had 11% less than k after 150 steps.) The
    threshold is saved with the weights, and stays float32 in a model of lower precision: a running
    mean needs its small steps.

    With several processes the batch is that of all of them.
    """

    name = "batchtopk"
    threshold: Tensor

    def __init__(self, k: int, momentum: float = 0.95) -> None:
        super().__init__()
        self.k = k
        self.momentum = momentum
        self.processes: Processes = SOLO
        # Negative until the first batch has been seen.
        self.register_buffer("threshold", torch.tensor(-1.0))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        before = self.threshold
        super()._apply(fn, recurse)
        if self.threshold.dtype in (torch.float16, torch.bfloat16):
            self.threshold = before.to(self.threshold.device)
        return self

    def settings(self) -> dict[str, Any]:
        """What `make_activation` needs to build this again."""
        return {"name": self.name, "k": self.k}

    def density(self, m: int) -> float:
        """k/m."""
        return self.k / m

    def pick(self, z: Tensor, start_over: bool = False) -> Tensor:
        """In training what is near the cut of the batches before or above it; else the active."""
        threshold = max(0.0, float(self.threshold))
        if not self.training:
            return above(z, threshold)
        # Entries well below the cut of the batches before are hardly ever needed.
        floor = 0.8 * threshold
        if self.threshold < 0:  # no batch before: the first rows tell about where it is
            if self._guess is None:
                most = min(2 * self.k * len(z), z.numel())
                self._guess = max(0.0, float(z.flatten().topk(most, sorted=False).values.min()))
            floor = self._guess
        return above(z, 0.0 if start_over else floor)

    def settle(self, pattern: Pattern, z: Tensor) -> Tensor | None:
        """The entries kept; in training this also updates the running threshold."""
        if not self.training:
            return torch.arange(len(z), device=z.device)
        rows, m = pattern.shape
        floor = self._guess if self._guess is not None else 0.8 * float(self.threshold)
        cut = self._cut(z.detach(), rows, rows * m)
        if cut is None:
            if floor > 0 and not self._retried:
                self._retried = True
                return None
            cut = z.new_zeros(())  # fewer than k·batch are positive: all of them are kept
        self._retried, self._guess = False, None
        self._learn(cut)
        return (z > cut).nonzero().squeeze(1)

    #: Whether entries are picked a second time; where the cut may be, in the first batch.
    _retried = False
    _guess: float | None = None

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        if self.training:
            every = z.detach().flatten()
            cut = self._cut(every[every > 0], len(z), z.numel())
            cut = z.new_zeros(()) if cut is None else cut
            self._learn(cut)
        else:
            cut = self.threshold.clamp_min(0.0).to(z.dtype)
        # where, not a product: its gradient at what is left out is 0 even if it arrives infinite.
        return torch.where(z > cut, torch.relu(z), 0.0)

    def _cut(self, z: Tensor, rows: int, size: int) -> Tensor | None:
        """The largest entry that is left out, given candidates z [n] of `size` entries in `rows`.

        Keeping what exceeds it keeps k·batch. None if there are too few candidates.
        """
        entries = self.k * rows * self.processes.count + 1
        if entries > size * self.processes.count:
            return z.new_zeros(())
        mine = z if len(z) <= entries else z.topk(entries, sorted=False).values
        candidates = self.processes.gather(mine)
        if len(candidates) < entries:
            return None
        return candidates.topk(entries, sorted=False).values.min().clamp_min(0.0)

    @torch.no_grad()
    def _learn(self, cut: Tensor) -> None:
        old, new = self.threshold, cut.to(self.threshold.dtype)
        self.threshold.copy_(torch.where(old < 0, new, torch.lerp(new, old, self.momentum)))
