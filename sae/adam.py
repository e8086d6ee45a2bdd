"""Adam for a model of any precision."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class Adam:
    """Fused Adam (β = 0.9, 0.999); parameters of half precision have float32 copies.

    A step of the size of the learning rate is often smaller than the spacing of bfloat16 numbers;
    added to the parameter itself it would be lost, and the parameter frozen.
    """

    def __init__(self, parameters: dict[str, nn.Parameter]) -> None:
        self.parameters = parameters
        self.masters: dict[str, nn.Parameter] = {}
        for name, p in parameters.items():
            half = p.dtype in (torch.float16, torch.bfloat16)
            self.masters[name] = nn.Parameter(p.detach().float()) if half else p
        self._adam = torch.optim.Adam(
            list(self.masters.values()), lr=1.0, betas=(0.9, 0.999), fused=True
        )

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in [*self.parameters.values(), *self.masters.values()]:
            p.grad = None

    def collect(self) -> None:
        """Give the float32 copies the gradients of their parameters."""
        for name, master in self._copies():
            grad = self.parameters[name].grad
            master.grad = None if grad is None else grad.float()

    def step(self, lr: float) -> None:
        """Move the float32 copies; `publish` then brings the model up to date."""
        for group in self._adam.param_groups:
            group["lr"] = lr
        self._adam.step()

    @torch.no_grad()
    def publish(self) -> None:
        """Round the float32 copies into their parameters."""
        for name, master in self._copies():
            self.parameters[name].copy_(master)

    @torch.no_grad()
    def forget(self, name: str, rows: Tensor) -> None:
        """Set the moments of some rows of a parameter to 0."""
        for moment in ("exp_avg", "exp_avg_sq"):
            state = self._adam.state[self.masters[name]]
            if moment in state:
                state[moment][rows] = 0

    def state(self) -> dict[str, Tensor]:
        """The moments, and the float32 copies where there are any."""
        found = {f"master.{name}": p.detach() for name, p in self._copies()}
        for name, p in self.masters.items():
            for moment, value in self._adam.state.get(p, {}).items():
                found[f"{moment}.{name}"] = value
        return found

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Take a state back."""
        for name, p in self.masters.items():
            if f"master.{name}" in state:
                p.copy_(state[f"master.{name}"])
            moments = {m: state[f"{m}.{name}"] for m in _MOMENTS if f"{m}.{name}" in state}
            if moments:
                self._adam.state[p] = {m: v.to(p.device).clone() for m, v in moments.items()}

    def _copies(self) -> Iterator[tuple[str, nn.Parameter]]:
        for name, master in self.masters.items():
            if master is not self.parameters[name]:
                yield name, master
