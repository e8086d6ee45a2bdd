"""Encoder and decoder products on active latents only, with exact gradients.

Where a code is 0 so is its gradient. Once the dense product z = x Wᵀ + b has shown which of the
m latents are active (a few in a hundred), everything else costs in proportion to them. The
gradients are the dense ones to rounding (tests/sae/test_kernels.py); CROSSOVER says from
which density on dense matrix products are faster.
"""

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from neglog.sae.pattern import Pattern

#: Density above which a dense step is faster. Measured at d = 384, one thread, log(1+|a|): a step
#: on active latents takes 0.32, 0.42, 0.58, 0.73, 0.98 and 1.43 times a dense one at densities
#: 0.02, 0.05, 0.1, 0.15, 0.2 and 0.3 of width 1,536 (batch 2,048), and 0.29, 0.38 and 0.53 at the
#: first three of width 6,144 (batch 1,024).
CROSSOVER = 0.2

with warnings.catch_warnings():
    # torch says once that CSR tensors are in beta; said here, nobody needs to read it.
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor([0, 0], [], [], (1, 1))


def rows_times(values: Tensor, pattern: Pattern, dense: Tensor) -> Tensor:
    """A @ dense, A [batch, m] sparse with `values` [n] at `pattern`; dense [m, d] → [batch, d]."""
    return embedding_bag(
        pattern.columns, dense, pattern.offsets[:-1], mode="sum", per_sample_weights=values
    )


def columns_times(values: Tensor, pattern: Pattern, dense: Tensor) -> Tensor:
    """Aᵀ @ dense, A as above; dense [batch, d] → [m, d]."""
    order = pattern.by_column
    return embedding_bag(
        pattern.rows[order],
        dense,
        pattern.column_offsets[:-1],
        mode="sum",
        per_sample_weights=values[order],
    )


def products(left: Tensor, right: Tensor, pattern: Pattern) -> Tensor:
    """⟨leftᵢ, rightⱼ⟩ for each active (i, j): [batch, d], [m, d] → [n]."""
    zeros = torch.sparse_csr_tensor(
        pattern.offsets,
        pattern.columns,
        left.new_zeros(len(pattern.columns)),
        pattern.shape,
        check_invariants=False,
    )
    return torch.sparse.sampled_addmm(zeros, left, right.T, beta=0.0).values()


class _Encode(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, z: Tensor, pattern: Pattern
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.pattern = pattern
        return z.view_as(z)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        (g,) = grads
        bias = g.new_zeros(ctx.pattern.shape[1]).index_add_(0, ctx.pattern.columns, g)
        return None, columns_times(g, ctx.pattern, x), bias, None, None


class _Decode(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, pattern: Pattern) -> Tensor:
        ctx.save_for_backward(values, weight)
        ctx.pattern = pattern
        return rows_times(values, pattern, weight)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        values, weight = ctx.saved_tensors
        g = grads[0].contiguous()
        on_values = products(g, weight, ctx.pattern)
        return on_values, columns_times(values, ctx.pattern, g), None


def encode_active(x: Tensor, weight: Tensor, bias: Tensor, z: Tensor, pattern: Pattern) -> Tensor:
    """The active entries [n] of z = x weightᵀ + bias, given their values z [n] without a graph.

    x [batch, d] gets no gradient; weight [m, d] and bias [m] get theirs.
    """
    out: Tensor = _Encode.apply(x, weight, bias, z, pattern)
    return out


def decode_active(values: Tensor, weight: Tensor, pattern: Pattern) -> Tensor:
    """A @ weight [batch, d] for A with `values` [n] at `pattern` and weight [m, d]."""
    out: Tensor = _Decode.apply(values, weight, pattern)
    return out
