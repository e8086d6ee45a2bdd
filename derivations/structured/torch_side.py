"""Structured penalties as torch modules; the backward pass is the closed slope."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neglog.derivations.compile.arguments import positive
from neglog.derivations.structured.formulas import Ops, value_and_slope
from neglog.priors.errors import InputError
from neglog.priors.structured.base import Structured


def _index(labels: Any, like: Tensor) -> Tensor:
    return torch.as_tensor(labels, device=like.device, dtype=torch.long)


def _group_sum(x: Tensor, labels: Any, count: int) -> Tensor:
    out = torch.zeros((*x.shape[:-1], count), dtype=x.dtype, device=x.device)
    return out.index_add(-1, _index(labels, x), x)


OPS = Ops(
    exp=torch.exp,
    log=torch.log,
    sqrt=torch.sqrt,
    logaddexp=torch.logaddexp,
    sigmoid=torch.sigmoid,
    where=torch.where,
    largest=lambda x: x.amax(-1, keepdim=True),
    total=lambda x: x.sum(-1),
    logsumexp=lambda x: x.logsumexp(-1),
    group_sum=_group_sum,
    take=lambda x, index: x.index_select(-1, _index(index, x)),
    constant=lambda value, like: torch.as_tensor(value, dtype=like.dtype, device=like.device),
)


class _Apply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, penalty: Structured, a: Tensor, scale: float) -> Tensor:
        # sums over many features in float64, as the other joint penalties take them
        x = a.double() / scale
        if penalty.domain == "positive":
            value, slope = value_and_slope(penalty, x.clamp(min=0), OPS)
            slope = torch.where(a >= 0, slope, torch.zeros_like(slope))
        else:
            value, slope = value_and_slope(penalty, x.abs(), OPS)
            slope = slope * x.sign()
        ctx.save_for_backward((slope / scale).to(a.dtype))
        return value.to(a.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, None]:
        (slope,) = ctx.saved_tensors
        return None, gradient[..., None] * slope, None


class CompiledStructured(nn.Module):
    """strength·(φ(a/scale) − φ(0)) of codes [..., d]: [...]; ``strength`` can be set."""

    joint = True

    def __init__(self, penalty: Structured, strength: float, scale: float) -> None:
        super().__init__()
        self.penalty, self._strength, self.scale = penalty, strength, scale

    @property
    def strength(self) -> float:
        """c > 0."""
        return self._strength

    @strength.setter
    def strength(self, value: float) -> None:
        self._strength = positive("strength", value)

    def forward(self, a: Tensor) -> Tensor:
        """The penalty of each code."""
        if a.ndim == 0 or a.shape[-1] != self.penalty.features:
            wanted = self.penalty.features
            raise InputError(f"codes of {wanted} features are wanted, not shape {tuple(a.shape)}.")
        return self.strength * _Apply.apply(self.penalty, a, self.scale)

    def extra_repr(self) -> str:
        return f"{self.penalty}, strength={self.strength:g}, scale={self.scale:g}"


def build(penalty: Structured, strength: float, scale: float) -> CompiledStructured:
    """The module for a structured penalty."""
    return CompiledStructured(penalty, strength, scale)
