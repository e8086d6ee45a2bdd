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


class _WhereActive(torch.autograd.Function):
    """The code as it is; where it is 0 no gradient flows, however steep the penalty."""

    @staticmethod
    def forward(ctx: Any, code: Tensor) -> Tensor:
        ctx.save_for_backward(code)
        return code.view_as(code)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (code,) = ctx.saved_tensors
        return torch.where(code == 0, 0.0, grads[0])


def reconstruction(output: Tensor, target: Tensor) -> Tensor:
    """‖target − output‖² summed over d, mean over the batch: a scalar."""
    return (target - output).square().sum() / len(target)


def is_joint(penalty: CompiledPenalty) -> bool:
    """Whether the penalty reduces over features instead of splitting into a sum over them."""
    return bool(getattr(penalty, "joint", False))


def is_likelihood(penalty: CompiledPenalty) -> bool:
    """Whether it is a prior's −log p with its normaliser, as `Prior.compile("torch")` makes."""
    return hasattr(penalty, "body")


def penalty_value(penalty: CompiledPenalty, done: Pass, norms: Tensor | None = None) -> Tensor:
    """penalty(|aᵢ|·‖dᵢ‖) summed over features, mean over samples, without the strength: a scalar.

    `norms` [width] are ‖dᵢ‖; None says that they are 1.

    A prior's −log p, whose scale or shape is learned, is summed over the active features only: it
    is the law of what is not 0. Its normaliser is what keeps it from collapsing. Without it a
    larger scale s lowers φ(a/s) for every code, so s → ∞ and the penalty vanishes; with
    log Z + log s too large a scale costs as much as too small a one, and the best is the
    maximum-likelihood fit. Over all features it would fit the zeros, and run to a point mass there.
    """
    values = done.values
    if is_likelihood(penalty) and not is_joint(penalty):
        on = values > 0
        seen = torch.where(on, values, 1.0)
        if norms is not None:
            seen = seen * (norms if done.pattern is None else norms[done.pattern.columns])
        return torch.where(on, penalty(seen), 0.0).sum() / done.batch
    if done.gate is not None and done.pre is not None and not is_joint(penalty):
        # φ(max(z, 0))·gate; where z ≤ 0 the gate is 0 and a steep penalty is not asked.
        seen = torch.where(done.pre > 0, done.pre, 1.0)
        if norms is not None:
            seen = seen * (norms if done.pattern is None else norms[done.pattern.columns])
        return (penalty(seen) * done.gate).sum() / done.batch
    if done.gate is not None:
        # A joint penalty moves a threshold from the active side only.
        values = _WhereActive.apply(values)
    if done.pattern is not None and getattr(penalty, "on_entries", False):
        # A joint penalty to which zeros add nothing.
        on = values if norms is None else values * norms[done.pattern.columns]
        rows, (batch, width) = done.pattern.rows, done.pattern.shape
        return penalty.of_entries(on, rows, batch, width).sum() / done.batch  # type: ignore[attr-defined]
    if is_joint(penalty) and done.pattern is not None:
        values = done.pattern.put(values)  # another one needs to see the zeros
    elif done.pattern is not None:  # an elementwise penalty is 0 at them
        on = values if norms is None else values * norms[done.pattern.columns]
        return penalty(on).sum() / done.batch
    if norms is not None:
        values = _OnUnitColumns.apply(values, norms)
    return penalty(values).sum() / done.batch
