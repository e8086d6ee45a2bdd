"""Activation functions: which latents are active, and the code they carry.

An activation is a module that takes the pre-activations [batch, m] to a code [batch, m] ≥ 0 in
two moves: `active` picks the entries, `value` is the code there as a function of the
pre-activation alone. Where the code is 0 so is its gradient, so training needs the picked
entries only.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from neglog.priors.errors import InputError
from neglog.sae.pattern import Pattern


class ReLU(nn.Module):
    """a = max(z, 0)."""

    name = "relu"

    def settings(self) -> dict[str, Any]:
        """What `make_activation` needs to build this again."""
        return {"name": self.name}

    def active(self, z: Tensor) -> Pattern:
        """The entries of z [batch, m] that can be non-zero."""
        return Pattern.from_mask(z > 0)

    def value(self, z: Tensor) -> Tensor:
        """The code at active entries, elementwise."""
        return torch.relu(z)

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        return torch.relu(z)


class TopK(nn.Module):
    """a = max(z, 0) on the k largest entries of each row, 0 elsewhere."""

    name = "topk"

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def settings(self) -> dict[str, Any]:
        """What `make_activation` needs to build this again."""
        return {"name": self.name, "k": self.k}

    def active(self, z: Tensor) -> Pattern:
        """The k largest entries of each row."""
        return Pattern.from_columns(z.topk(self.k, dim=-1, sorted=False).indices, z.shape[-1])

    def value(self, z: Tensor) -> Tensor:
        """The code at active entries, elementwise."""
        return torch.relu(z)

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        top = z.topk(self.k, dim=-1, sorted=False)
        return torch.zeros_like(z).scatter(-1, top.indices, torch.relu(top.values))


class BatchTopK(nn.Module):
    """In training: max(z, 0) on the k·batch largest entries of the batch, 0 elsewhere.

    In use: max(z, 0) where z > threshold, the running mean of the smallest entry kept, so that
    a token's code does not depend on the tokens beside it.
    """

    name = "batchtopk"
    threshold: Tensor

    def __init__(self, k: int, momentum: float = 0.99) -> None:
        super().__init__()
        self.k = k
        self.momentum = momentum
        # Negative until the first batch has been seen.
        self.register_buffer("threshold", torch.tensor(-1.0))

    def settings(self) -> dict[str, Any]:
        """What `make_activation` needs to build this again."""
        return {"name": self.name, "k": self.k}

    def active(self, z: Tensor) -> Pattern:
        """The entries kept; in training this also updates the running threshold."""
        return Pattern.from_mask(z > self._cut(z.detach()))

    def value(self, z: Tensor) -> Tensor:
        """The code at active entries, elementwise."""
        return torch.relu(z)

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        kept = z > self._cut(z.detach())
        # where, not a product: its gradient at what is left out is 0 even if it arrives infinite.
        return torch.where(kept, torch.relu(z), 0.0)

    def _cut(self, z: Tensor) -> Tensor:
        if not self.training:
            return self.threshold.clamp_min(0.0)
        entries = min(self.k * z.shape[0] + 1, z.numel())
        # Entries well below the cut of the batches before are hardly ever needed, and selecting
        # among the others is several times faster; the result is the same.
        near = z[z > 0.8 * self.threshold] if self.threshold > 0 else z.flatten()
        if len(near) < entries:
            near = z.flatten()
        # The largest entry that is left out: keeping what exceeds it keeps k·batch.
        cut = near.topk(entries, sorted=False).values.min().clamp_min(0.0)
        old, new = self.threshold, cut.to(self.threshold.dtype)
        self.threshold.copy_(torch.where(old < 0, new, torch.lerp(new, old, self.momentum)))
        return cut


class Elementwise(nn.Module):
    """a = f(z) for any function f of one entry, such as a proximal map; active where f(z) ≠ 0."""

    def __init__(self, f: Callable[[Tensor], Tensor], name: str = "elementwise") -> None:
        super().__init__()
        self.f = f
        self.name = name

    def settings(self) -> dict[str, Any]:
        """The name alone: a function is not written to disk, so `load` must be given it again."""
        return {"name": self.name}

    def active(self, z: Tensor) -> Pattern:
        """The entries of z [batch, m] where f is not 0."""
        with torch.no_grad():
            return Pattern.from_mask(self.f(z) != 0)

    def value(self, z: Tensor) -> Tensor:
        """The code at active entries, elementwise."""
        return self.f(z)

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        return self.f(z)


#: Activation by name; those with a k need one.
ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": ReLU, "topk": TopK, "batchtopk": BatchTopK}


def make_activation(name: str, k: int | None = None) -> nn.Module:
    """The activation called `name`; InputError if there is none, or k is missing or in vain."""
    if name not in ACTIVATIONS:
        raise InputError(
            f"There is no activation {name!r}: choose one of {', '.join(ACTIVATIONS)}."
        )
    if name == "relu":
        if k is not None:
            raise InputError("k goes with topk and batchtopk; for relu give a target L0 instead.")
        return ReLU()
    if k is None or k < 1:
        raise InputError(f"{name} needs k, the number of active features, at least 1.")
    return ACTIVATIONS[name](k)
