"""Activation functions: which latents are active, and the code they carry.

An activation is a module that takes the pre-activations [batch, m] to a code [batch, m] ≥ 0. For a
step on active latents it does the same in three moves: `pick` finds the entries of a block of rows
that can be active, `settle` keeps those of the whole batch that are, and `value` is the code there
as a function of the pre-activation alone. Where the code is 0 so is its gradient, so training
needs these entries only.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from neglog.priors.errors import InputError
from neglog.sae.pattern import Pattern
from neglog.sae.selection import above, largest, places, top_candidates


class Activation(nn.Module):
    """max(z, 0) at the entries kept; what the activations below share."""

    name = ""

    def settings(self) -> dict[str, Any]:
        """What `make_activation` needs to build this again."""
        return {"name": self.name}

    def density(self, m: int) -> float:
        """The fraction of m latents active as far as that is known before a step; 1 if not."""
        return 1.0

    def floor(self, m: int) -> Tensor | float:
        """The pre-activation [m] or number above which an entry is active; for set_bias."""
        return 0.0

    def pick(self, z: Tensor, start_over: bool = False) -> Tensor:
        """Places in the flattened block z [n, m] of entries that can be active, ascending.

        `start_over` asks for more, after `settle` has found them to be too few.
        """
        return above(z, 0.0)

    def settle(self, pattern: Pattern, z: Tensor) -> Tensor | None:
        """Which of the picked entries [n] of the batch, with pre-activations z [n], are active.

        Numbers in ascending order; None if too few were picked to tell.
        """
        return torch.arange(len(z), device=z.device)

    def value(self, z: Tensor, columns: Tensor | None = None) -> Tensor:
        """The code at entries that are active, elementwise; `columns` [n] are their latents.

        Without columns z is [batch, m].
        """
        return torch.relu(z)

    def active(self, z: Tensor) -> Pattern:
        """The active entries of z [batch, m]."""
        pattern = self._picked(z, False)
        keep = self.settle(pattern, pattern.take(z))
        if keep is None:
            pattern = self._picked(z, True)
            keep = self.settle(pattern, pattern.take(z))
            assert keep is not None
        return pattern.only(keep)

    def _picked(self, z: Tensor, start_over: bool) -> Pattern:
        at = self.pick(z.detach().contiguous(), start_over)
        return Pattern.from_flat(at, (z.shape[0], z.shape[1]))

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        return torch.relu(z)


class ReLU(Activation):
    """a = max(z, 0)."""

    name = "relu"


class TopK(Activation):
    """a = max(z, 0) on the k largest entries of each row, 0 elsewhere."""

    name = "topk"

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def settings(self) -> dict[str, Any]:
        """What `make_activation` needs to build this again."""
        return {"name": self.name, "k": self.k}

    def density(self, m: int) -> float:
        """k/m."""
        return self.k / m

    def pick(self, z: Tensor, start_over: bool = False) -> Tensor:
        """The k largest entries of each row and a few others."""
        return top_candidates(z, self.k)

    def settle(self, pattern: Pattern, z: Tensor) -> Tensor | None:
        """The k largest entries of each row."""
        return largest(z, pattern, self.k)

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        top = z.topk(self.k, dim=-1, sorted=False)
        return torch.zeros_like(z).scatter(-1, top.indices, torch.relu(top.values))


class Elementwise(Activation):
    """a = f(z) for any function f of one entry; active where f(z) ≠ 0."""

    def __init__(self, f: Callable[[Tensor], Tensor], name: str = "elementwise") -> None:
        super().__init__()
        self.f = f
        self.name = name

    def settings(self) -> dict[str, Any]:
        """The name alone: a function is not written to disk, so `load` must be given it again."""
        return {"name": self.name}

    def pick(self, z: Tensor, start_over: bool = False) -> Tensor:
        """The entries of z where f is not 0."""
        return places(self.f(z) != 0)

    def value(self, z: Tensor, columns: Tensor | None = None) -> Tensor:
        """The code at active entries, elementwise."""
        return self.f(z)

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        return self.f(z)


#: The activations by name; with `k` those that need one.
NAMES = ("relu", "jumprelu", "topk", "batchtopk", "prox")


def make_activation(
    name: str, k: int | None = None, width: int = 0, penalty: Any = None
) -> Activation:
    """The activation called `name` for `width` latents.

    topk and batchtopk take k; prox takes the `penalty` (an expression or a `Penalty`) whose
    proximal map it is.

    Raises InputError if there is no such name, or k or the penalty is missing or in vain.
    """
    from neglog.sae.batchtopk import BatchTopK
    from neglog.sae.jumprelu import JumpReLU
    from neglog.sae.proximal import Prox

    if name not in NAMES:
        raise InputError(f"There is no activation {name!r}: choose one of {', '.join(NAMES)}.")
    if name in ("topk", "batchtopk"):
        if k is None or k < 1:
            raise InputError(f"{name} needs k, the number of active features, at least 1.")
        return TopK(k) if name == "topk" else BatchTopK(k)
    if k is not None:
        raise InputError(f"k goes with topk and batchtopk; for {name} give a target L0 instead.")
    if name == "prox":
        return Prox(penalty)
    return JumpReLU(width) if name == "jumprelu" else ReLU()
