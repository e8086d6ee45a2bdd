"""The objective: ‖x − x̂‖² + strength · penalty(|aᵢ|·‖dᵢ‖), summed over entries, mean over samples.

No hidden ½. A penalty is a compiled callable, as `Penalty.compile("torch")` makes: elementwise
and 0 at 0, or, if its attribute `joint` is True, reducing the last axis.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neglog.sae.passes import Pass

CompiledPenalty = Callable[[Tensor], Tensor]


class _OnUnitColumns(torch.autograd.Function):
    """aᵢ·‖dᵢ‖ for a dense code; where aᵢ = 0 no gradient flows, however steep the penalty.

    A penalty such as √a has the slope +∞ at 0, and ∞ · 0 would be NaN in the norms' gradient.
    """

    @staticmethod
    def forward(ctx: Any, code: Tensor, norms: Tensor) -> Tensor:
        ctx.save_for_backward(code, norms)
        return code * norms

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        code, norms = ctx.saved_tensors
        g = torch.where(code == 0, 0.0, grads[0])
        return g * norms, (g * code).sum(0)


def reconstruction(output: Tensor, target: Tensor) -> Tensor:
    """‖target − output‖² summed over d, mean over the batch: a scalar."""
    return (target - output).square().sum() / len(target)


def is_joint(penalty: CompiledPenalty) -> bool:
    """Whether the penalty reduces over features instead of splitting into a sum over them."""
    return bool(getattr(penalty, "joint", False))


def penalty_value(penalty: CompiledPenalty, done: Pass, norms: Tensor | None = None) -> Tensor:
    """penalty(|aᵢ|·‖dᵢ‖) summed over features, mean over samples, without the strength: a scalar.

    `norms` [width] are ‖dᵢ‖; None says that they are 1.
    """
    if done.pattern is None:
        code = done.values
        if norms is not None:
            code = _OnUnitColumns.apply(code, norms)
        return penalty(code).sum() / done.batch
    values = done.values
    if norms is not None:
        values = values * norms[done.pattern.columns]
    if getattr(penalty, "on_entries", False):  # a joint penalty to which zeros add nothing
        rows, (batch, width) = done.pattern.rows, done.pattern.shape
        return penalty.of_entries(values, rows, batch, width).sum() / batch  # type: ignore[attr-defined]
    # Another joint penalty needs to see the zeros; an elementwise one is 0 there.
    seen = done.pattern.put(values) if is_joint(penalty) else values
    return penalty(seen).sum() / done.batch
