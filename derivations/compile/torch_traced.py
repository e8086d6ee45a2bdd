"""Specs as functions that torch.compile and torch.export follow, derivative included.

The autograd function that eager code uses takes the spec as an argument, which a tracer cannot
hold. Here each spec gets a class of its own over plain functions of tensors, made ahead of tracing;
its backward pass is the analytic derivative, so that a compiler fuses forward and backward each
into one loop. Second derivatives of compiled code do not exist in torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.joint import Joint
from neglog.derivations.compile.outer import Outer
from neglog.derivations.compile.torch_apply import guarded_product, parts, pure
from neglog.priors import symbols


def traced_calls(body: Elementwise | Joint) -> list[Callable[..., Tensor]]:
    """A traceable differentiable function for each spec of the penalty."""
    return [_traced(spec).apply for spec in parts(body)]


def _traced(spec: Elementwise | Outer) -> Any:
    value = pure(spec)
    used = [s != symbols.d for s in spec.inputs]  # d is no variable
    slopes = tuple(pure(spec.partial(i)) if use else None for i, use in enumerate(used))
    guards = tuple(spec.partial(i).unbounded if use else False for i, use in enumerate(used))

    class Traced(torch.autograd.Function):
        """One spec and its first derivatives."""

        generate_vmap_rule = True

        @staticmethod
        def forward(*inputs: Tensor) -> Tensor:
            return value(*inputs)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
            inputs = ctx.saved_tensors
            out: list[Tensor | None] = []
            for slope, guard, x in zip(slopes, guards, inputs, strict=True):
                if slope is None:
                    out.append(None)
                    continue
                part = guarded_product(guard, gradient, slope(*inputs))
                out.append(part if part.shape == x.shape else part.sum().reshape(x.shape))
            return tuple(out)

    return Traced
