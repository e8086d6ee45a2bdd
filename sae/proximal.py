"""The derived activation: a penalty's proximal map as the encoder's non-linearity."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neglog.priors.errors import InputError
from neglog.sae.activations import Activation
from neglog.sae.selection import above, places


class Prox(Activation):
    """a = argmin over a ≥ 0 of (z − a)² + c·φ(a): what the penalty φ at strength c makes of z.

    For a dictionary of orthonormal columns and z = Dᵀx this is the whole MAP estimate
    argmin ‖x − Da‖² + c·Σφ(aᵢ); for another it is one step of proximal gradient descent. There is
    no ½ in front of the square, so the map is prox of strength c/2 in the usual convention.
    For |a| it is max(z − c/2, 0), for log(1+|a|) the log threshold, for L0 the hard threshold.

    `strength` is c, a buffer saved with the weights. The trainer sets it to the strength of the
    penalty in the objective; at 0 the map is max(z, 0).
    """

    name = "prox"
    strength: Tensor

    def __init__(self, penalty: Any, strength: float = 0.0) -> None:
        super().__init__()
        if penalty is None:
            raise InputError("The activation prox needs the penalty whose proximal map it is.")
        if isinstance(penalty, str):
            import neglog

            penalty = neglog.penalty(penalty, domain="positive")
        if not hasattr(penalty, "prox"):
            raise InputError(
                "The activation prox needs an expression or a Penalty, not "
                f"{type(penalty).__name__}: a compiled one has no proximal map."
            )
        self.expression = str(getattr(penalty, "expr", penalty))
        self.map = penalty.prox("torch")
        self.register_buffer("strength", torch.tensor(strength, dtype=torch.float64))
        self._known: tuple[float, float] | None = None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        before = self.strength
        super()._apply(fn, recurse)
        self.strength = before.to(self.strength.device)  # whatever the model's precision
        return self

    def settings(self) -> dict[str, Any]:
        """What `make_activation` needs to build this again."""
        return {"name": self.name, "penalty": self.expression}

    def floor(self, m: int) -> Tensor | float:
        """The largest z that the map takes to 0, found by bisection."""
        c = float(self.strength)
        if c == 0:
            return 0.0
        if self._known is None or self._known[0] != c:
            self._known = (c, self._threshold())
        return self._known[1]

    def _threshold(self) -> float:
        low, high = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
        while float(self.value(high)) == 0 and high < 1e30:
            low, high = high, 2 * high
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if float(self.value(middle)) == 0 else (low, middle)
        return float(low)

    def pick(self, z: Tensor, start_over: bool = False) -> Tensor:
        """The entries of z whose code is not 0."""
        if z.dtype == torch.float64:
            return above(z, self.floor(z.shape[1]))
        # Just below, so that rounding of z's dtype loses nothing.
        return above(z, float(self.floor(z.shape[1])) * (1 - 1e-6))

    def value(self, z: Tensor, columns: Tensor | None = None) -> Tensor:
        """The code at entries, elementwise."""
        c = float(self.strength)
        if c == 0:
            return torch.relu(z)
        self.map.strength = c / 2
        code: Tensor = self.map(z)
        return code

    def forward(self, z: Tensor) -> Tensor:
        """The code [batch, m]."""
        if z.requires_grad or self.training:
            return self.value(z)
        # The map is costly and most entries are 0: apply it to the others.
        at = places(z > self.floor(z.shape[1]) * (1 - 1e-6))
        code = torch.zeros_like(z)
        code.view(-1)[at] = self.value(z.reshape(-1)[at])
        return code
