"""Specs as torch functions: differentiable to any order, chunked on a CPU; joint reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.joint import Joint
from neglog.derivations.compile.outer import Outer
from neglog.derivations.compile.torch_backend import TABLE
from neglog.derivations.compile.torch_chunks import PIECE, Buffers, in_threads
from neglog.priors.errors import InputError

HALF = (torch.float16, torch.bfloat16)
Run = Callable[..., tuple[Any, ...]]


def _evaluate(
    spec: Elementwise, a: Tensor, theta: tuple[Tensor, ...], gradient: Tensor | None = None
) -> Tensor:
    """``spec`` at a (times ``gradient`` where given), in a's dtype, piece by piece on a CPU."""
    plain = type(a) is Tensor and a.device.type == "cpu" and a.is_contiguous()
    if not plain or a.numel() < 4 * PIECE or torch.compiler.is_compiling():
        value = _values(spec, a, theta)
        return value if gradient is None else _product(spec, gradient, value)
    out = torch.empty_like(a)
    _bound(spec)
    # An expanded gradient (of a sum) has no memory of its own; reading it flat would make some.
    constant = gradient is not None and not any(gradient.stride())
    other = None if gradient is None or constant else gradient.reshape(-1)
    one = gradient.reshape(-1)[0] if gradient is not None and constant else None
    x, to = a.detach().view(-1), out.view(-1)

    def work(piece: slice, _: Buffers) -> None:
        value = _values(spec, x[piece], theta)
        if gradient is not None:
            value = _product(spec, one if other is None else other[piece], value)
        to[piece].copy_(value)

    in_threads(a.numel(), a.dtype, work)
    return out


def narrow_enough(spec: Elementwise) -> bool:
    """Whether float32 keeps its digits with torch's functions, so that no float64 is needed."""
    if not spec.wide or spec.symbols:
        return not spec.wide
    known = _NARROW.get(spec)
    if known is None:
        known = _NARROW[spec] = all(
            side.chosen.keeps(TABLE, np.float32) for side in (spec.right, spec.left or spec.right)
        )
    return known


_NARROW: WeakKeyDictionary[Elementwise, bool] = WeakKeyDictionary()


def _values(spec: Elementwise, a: Tensor, theta: tuple[Tensor, ...]) -> Tensor:
    """``spec`` at a in a's dtype; float64 inside where float32 would lose digits."""
    wide = a.dtype == torch.float32 and not narrow_enough(spec)
    inner = torch.float64 if wide else torch.float32 if a.dtype in HALF else a.dtype
    x = a.to(inner)
    y = x.clamp_min(0).abs() if spec.left is None else x.abs()  # abs: −0 is 0
    folded = spec.lost if wide else spec.folded and inner == torch.float64
    outputs = _bound(spec, folded)(y, *[t.to(inner) for t in theta])
    value = _shaped(outputs[0], x)
    if spec.left is None:
        return (torch.where(x < 0, 0.0, value) if spec.order else value).to(a.dtype)
    if len(outputs) > 1:
        value = torch.where(x < 0, _shaped(outputs[1], x), value)
    if spec.odd_order:
        value = value * x.sign() if spec.even else torch.where(x < 0, -value, value)
    if spec.at_zero is not None and (spec.unbounded or not spec.even):
        value = torch.where(x == 0, spec.at_zero, value)
    return value.to(a.dtype)


def _shaped(value: Any, like: Tensor) -> Tensor:
    return value.expand_as(like) if isinstance(value, Tensor) else torch.full_like(like, value)


_RUNS: WeakKeyDictionary[Elementwise | Outer, dict[bool, Run]] = WeakKeyDictionary()


def _bound(spec: Elementwise | Outer, folded: bool = False) -> Run:
    """The spec's program with torch's primitives, bound once (and outside it: specs pickle)."""
    runs = _RUNS.setdefault(spec, {})
    if folded not in runs:
        runs[folded] = (
            spec.bind(TABLE, folded)
            if isinstance(spec, Elementwise)
            else spec.program.bind(TABLE)
        )
    return runs[folded]


def _product(spec: Elementwise | Outer, gradient: Tensor, slope: Tensor) -> Tensor:
    """gradient·slope; where either may be infinite a zero on the other side is an exact zero."""
    if not spec.unbounded:
        return gradient * slope
    return torch.where((gradient == 0) | (slope == 0), 0.0, gradient * slope)


class Apply(torch.autograd.Function):
    """spec(a, θ) whose derivative is again such a function, so any order exists."""

    generate_vmap_rule = True

    @staticmethod
    def forward(spec: Elementwise, a: Tensor, *theta: Tensor) -> Tensor:
        return _evaluate(spec, a, theta)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.spec, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs = ctx.saved_tensors
        out: list[Tensor | None] = [None]
        for i in range(len(inputs)):
            if not ctx.needs_input_grad[i + 1]:
                out.append(None)
                continue
            spec = ctx.spec.partial(i)
            if torch.is_grad_enabled():
                slope = _product(spec, gradient, Apply.apply(spec, *inputs))
            else:  # no second derivative is wanted: one pass, no graph
                slope = _evaluate(spec, inputs[0], inputs[1:], gradient)
            out.append(slope if i == 0 else slope.sum().reshape(inputs[i].shape))
        return tuple(out)


class ApplyOuter(torch.autograd.Function):
    """outer(R, θ), as :class:`Apply`."""

    generate_vmap_rule = True

    @staticmethod
    def forward(spec: Outer, *inputs: Tensor) -> Tensor:
        (value,) = _bound(spec)(*inputs)
        return _shaped(value, inputs[0])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.spec, *tensors = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs = ctx.saved_tensors
        out: list[Tensor | None] = [None]
        for i in range(len(inputs)):
            if not ctx.needs_input_grad[i + 1]:
                out.append(None)
                continue
            spec = ctx.spec.partial(i)
            slope = _product(spec, gradient, ApplyOuter.apply(spec, *inputs))
            out.append(slope if slope.shape == inputs[i].shape else slope.sum())
        return tuple(out)


def joint(form: Joint, a: Tensor, theta: list[Tensor]) -> Tensor:
    """The reductions in float64 where a is float32, then the outer function."""
    if a.ndim == 0:
        raise InputError("a joint penalty takes activations with a last axis of features.")
    inner = torch.float32 if a.dtype in HALF else torch.float64
    x = a.to(inner)
    d = torch.tensor(float(a.shape[-1]), dtype=inner, device=a.device)
    theta = [*[t.to(inner) for t in theta], d]
    reduced = [_reduce(r.kind, r.of, x, theta) for r in form.reductions]
    return ApplyOuter.apply(form.outer, *reduced, *theta).to(a.dtype)


def _reduce(kind: str, of: Elementwise | None, x: Tensor, theta: list[Tensor]) -> Tensor:
    if of is None:
        return _norm(x)
    values = Apply.apply(of, x, *theta)
    if kind == "sum":
        return values.sum(-1)
    return values.prod(-1) if kind == "product" else values.amax(-1)


def _norm(x: Tensor) -> Tensor:
    """‖x‖₂ over the last axis without overflow or underflow; gradient 0 at the zero vector."""
    top = x.detach().abs().amax(-1, keepdim=True)
    top = torch.where((top == 0) | torch.isinf(top), torch.ones_like(top), top)
    squares = (x / top).square().sum(-1)
    # sqrt has an infinite slope at 0; the inner where keeps it out of the backward pass.
    safe = torch.where(squares == 0, torch.ones_like(squares), squares)
    return torch.where(squares == 0, torch.zeros_like(squares), safe.sqrt()) * top.squeeze(-1)
