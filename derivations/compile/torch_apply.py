"""Specs as torch functions: differentiable to any order, chunked on a CPU; joint reductions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
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
        value = pure(spec)(a, *theta)
        return value if gradient is None else _product(spec, gradient, value)
    out = torch.empty_like(a)
    value_of = pure(spec)
    # An expanded gradient (of a sum) has no memory of its own; reading it flat would make some.
    constant = gradient is not None and not any(gradient.stride())
    other = None if gradient is None or constant else gradient.reshape(-1)
    one = gradient.reshape(-1)[0] if gradient is not None and constant else None
    x, to = a.detach().view(-1), out.view(-1)

    def work(piece: slice, _: Buffers) -> None:
        value = value_of(x[piece], *theta)
        if gradient is not None:
            factor = one if other is None else other[piece]
            assert factor is not None
            value = _product(spec, factor, value)
        to[piece].copy_(value)

    in_threads(a.numel(), a.dtype, work)
    return out


def narrow_enough(spec: Elementwise) -> bool:
    """Whether float32 keeps its digits with torch's functions, so that no float64 is needed."""
    known = _NARROW.get(spec)
    if known is None:
        known = _NARROW[spec] = all(
            side.chosen.keeps(TABLE, np.float32) for side in (spec.right, spec.left or spec.right)
        )
    return known


_NARROW: WeakKeyDictionary[Elementwise, bool] = WeakKeyDictionary()


def _shaped(value: Any, like: Tensor) -> Tensor:
    return value.expand_as(like) if isinstance(value, Tensor) else torch.full_like(like, value)


_PURE: WeakKeyDictionary[Elementwise | Outer, Callable[..., Tensor]] = WeakKeyDictionary()


def pure(spec: Elementwise | Outer) -> Callable[..., Tensor]:
    """``spec`` as a function of tensors (a, θ…) that a tracer can follow, made once.

    It computes in a's dtype; float64 inside where float32 would lose digits, float32 for halves.
    """
    if spec not in _PURE:
        _PURE[spec] = _elementwise(spec) if isinstance(spec, Elementwise) else _outer(spec)
    return _PURE[spec]


def _outer(spec: Outer) -> Callable[..., Tensor]:
    run = spec.program.bind(TABLE)

    def value(*inputs: Tensor) -> Tensor:
        return _shaped(run(*inputs)[0], inputs[0])

    return value


def _elementwise(spec: Elementwise) -> Callable[..., Tensor]:
    narrow, lost, folded = narrow_enough(spec), spec.lost, spec.folded
    plain = spec.bind(TABLE, False)
    exact = spec.bind(TABLE, True) if folded or lost else plain
    positive, order, odd, even = spec.left is None, spec.order, spec.odd_order, spec.even
    middle = spec.at_zero if spec.unbounded or not spec.even else None

    def value(a: Tensor, *theta: Tensor) -> Tensor:
        wide = a.dtype == torch.float32 and not narrow
        inner = torch.float64 if wide else torch.float32 if a.dtype in HALF else a.dtype
        x = a.to(inner)
        y = x.clamp_min(0).abs() if positive else x.abs()  # abs: −0 is 0
        run = exact if (lost if wide else folded and inner == torch.float64) else plain
        outputs = run(y, *[t.to(inner) for t in theta])
        result = _shaped(outputs[0], x)
        if positive:
            return (torch.where(x < 0, 0.0, result) if order else result).to(a.dtype)
        if len(outputs) > 1:
            result = torch.where(x < 0, _shaped(outputs[1], x), result)
        if odd:
            result = result * x.sign() if even else torch.where(x < 0, -result, result)
        if middle is not None:
            result = torch.where(x == 0, middle, result)
        return result.to(a.dtype)

    return value


def _product(spec: Elementwise | Outer, gradient: Tensor, slope: Tensor) -> Tensor:
    """gradient·slope; where either may be infinite a zero on the other side is an exact zero."""
    return guarded_product(spec.unbounded, gradient, slope)


def guarded_product(guarded: bool, gradient: Tensor, slope: Tensor) -> Tensor:
    """gradient·slope; if ``guarded``, 0·∞ = 0."""
    if not guarded:
        return gradient * slope
    return torch.where((gradient == 0) | (slope == 0), 0.0, gradient * slope)


def _tangent(call: Any, ctx: Any, tangents: tuple[Tensor | None, ...]) -> Tensor:
    """Σᵢ ∂spec/∂inputᵢ·tangentᵢ."""
    inputs, whole = ctx.saved_tensors, None
    for i, tangent in enumerate(tangents):
        if tangent is not None:
            spec = ctx.spec.partial(i)
            term = _product(spec, tangent, call.apply(spec, *inputs))
            whole = term if whole is None else whole + term
    return torch.zeros_like(inputs[0]) if whole is None else whole


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
        ctx.save_for_forward(*tensors)

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        return _tangent(Apply, ctx, tangents)

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
        return pure(spec)(*inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.spec, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def jvp(ctx: Any, _: None, *tangents: Tensor | None) -> Tensor:
        return _tangent(ApplyOuter, ctx, tangents)

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


Calls = Sequence[Callable[..., Tensor]]


def parts(body: Elementwise | Joint) -> list[Elementwise | Outer]:
    """The specs a penalty is made of: one; or those of the reductions and the outer function."""
    if isinstance(body, Elementwise):
        return [body]
    return [*[r.of for r in body.reductions if r.of is not None], body.outer]


def eager_calls(body: Elementwise | Joint) -> Calls:
    """A differentiable function for each of :func:`parts`."""
    return [
        partial((ApplyOuter if isinstance(spec, Outer) else Apply).apply, spec)
        for spec in parts(body)
    ]


def joint(form: Joint, a: Tensor, theta: list[Tensor], calls: Calls) -> Tensor:
    """The reductions in float64 where a is float32, then the outer function."""
    if a.ndim == 0:
        raise InputError("a joint penalty takes activations with a last axis of features.")
    inner = torch.float32 if a.dtype in HALF else torch.float64
    x = a.to(inner)
    d = torch.tensor(float(a.shape[-1]), dtype=inner, device=a.device)
    theta = [*[t.to(inner) for t in theta], d]
    reduced, left = [], list(calls)
    for r in form.reductions:
        reduced.append(_norm(x) if r.of is None else _reduce(r.kind, left.pop(0)(x, *theta)))
    return left[0](*reduced, *theta).to(a.dtype)


def _reduce(kind: str, values: Tensor) -> Tensor:
    if kind == "sum":
        return values.sum(-1)
    if kind == "log-mean":
        return values.logsumexp(-1) - math.log(values.shape[-1])
    return values.prod(-1) if kind == "product" else values.amax(-1)


def _norm(x: Tensor) -> Tensor:
    """‖x‖₂ over the last axis without overflow or underflow; gradient 0 at the zero vector."""
    top = x.detach().abs().amax(-1, keepdim=True)
    top = torch.where((top == 0) | torch.isinf(top), torch.ones_like(top), top)
    squares = (x / top).square().sum(-1)
    # sqrt has an infinite slope at 0; the inner where keeps it out of the backward pass.
    safe = torch.where(squares == 0, torch.ones_like(squares), squares)
    return torch.where(squares == 0, torch.zeros_like(squares), safe.sqrt()) * top.squeeze(-1)
