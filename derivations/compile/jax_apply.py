"""Specs as JAX functions: differentiable to any order, with reductions for joint ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.jax_backend import TABLE
from neglog.derivations.compile.joint import Joint
from neglog.derivations.compile.outer import Outer
from neglog.priors import symbols
from neglog.priors.errors import InputError

Array = Any


def wide_enabled() -> bool:
    """Whether JAX was told to use float64."""
    return bool(jax.config.read("jax_enable_x64"))


def _product(guarded: bool, tangent: Array, slope: Array) -> Array:
    """tangent·slope, linear in the tangent; if ``guarded``, 0 where the slope is 0.

    Only where ∞ may meet 0: the guard would hide the slope's own derivative at such a point.
    """
    if not guarded:
        return tangent * slope
    return jnp.where(slope == 0, jnp.zeros_like(tangent), tangent) * slope


def elementwise(spec: Elementwise) -> Callable[..., Array]:
    """spec as a function of (a, θ…) whose derivatives are again such functions."""
    if "_jax" in spec.__dict__:
        return spec.__dict__["_jax"]

    @jax.custom_jvp
    def apply(a: Array, *theta: Array) -> Array:
        return _evaluate(spec, a, theta)

    @apply.defjvp
    def jvp(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
        return apply(*primals), _tangent(spec, elementwise, primals, tangents)

    spec.__dict__["_jax"] = apply
    return apply


def outer(spec: Outer) -> Callable[..., Array]:
    """spec as a function of (R…, θ…), as :func:`elementwise`."""
    if "_jax" in spec.__dict__:
        return spec.__dict__["_jax"]
    run = spec.program.bind(TABLE)

    @jax.custom_jvp
    def apply(*inputs: Array) -> Array:
        (value,) = run(*inputs)
        return jnp.broadcast_to(jnp.asarray(value, inputs[0].dtype), inputs[0].shape)

    @apply.defjvp
    def jvp(primals: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
        return apply(*primals), _tangent(spec, outer, primals, tangents)

    spec.__dict__["_jax"] = apply
    return apply


def _tangent(spec: Any, make: Callable[..., Any], primals: Any, tangents: Any) -> Array:
    used = [i for i, s in enumerate(spec.inputs) if s != symbols.d]  # d is no variable
    parts = [(i, spec.partial(i)) for i in used]
    terms = [_product(p.unbounded, tangents[i], make(p)(*primals)) for i, p in parts]
    return sum(terms[1:], terms[0])


def _bound(spec: Elementwise, kind: type) -> Callable[..., tuple[Any, ...]]:
    """The program measured best with JAX's functions, found once, outside any trace."""
    runs = spec.__dict__.setdefault("_jax_runs", {})
    if kind not in runs:
        with jax.ensure_compile_time_eval():
            runs[kind] = spec.bind_measured(TABLE, kind)
    return runs[kind]


def _evaluate(spec: Elementwise, a: Array, theta: Any) -> Array:
    inner = a.dtype
    if inner in (jnp.float16, jnp.bfloat16):
        inner = jnp.dtype(jnp.float32)
    if inner == jnp.float32 and spec.wide and wide_enabled():
        inner = jnp.dtype(jnp.float64)
    run = _bound(spec, np.float32 if inner == jnp.float32 else np.float64)
    x = a.astype(inner)
    y = jnp.abs(jnp.maximum(x, 0)) if spec.left is None else jnp.abs(x)
    outputs = [
        jnp.broadcast_to(jnp.asarray(v, inner), x.shape)
        for v in run(y, *[jnp.asarray(t, inner) for t in theta])
    ]
    value = outputs[0]
    if spec.left is None:
        value = jnp.where(x < 0, 0.0, value) if spec.order else value
    else:
        if len(outputs) > 1:
            value = jnp.where(x < 0, outputs[1], value)
        if spec.odd_order:
            value = jnp.where(x < 0, -value, value)
        if spec.at_zero is not None:
            value = jnp.where(x == 0, spec.at_zero, value)
    return value.astype(a.dtype)


def joint(form: Joint, a: Array, theta: list[Array]) -> Array:
    if a.ndim == 0:
        raise InputError("a joint penalty takes activations with a last axis of features.")
    inner = jnp.result_type(a.dtype, jnp.float32)
    if wide_enabled():
        inner = jnp.dtype(jnp.float64)
    x = a.astype(inner)
    theta = [*[jnp.asarray(t, inner) for t in theta], jnp.asarray(float(a.shape[-1]), inner)]
    reduced = [_reduce(r.kind, r.of, x, theta) for r in form.reductions]
    return outer(form.outer)(*reduced, *theta).astype(a.dtype)


def _reduce(kind: str, of: Elementwise | None, x: Array, theta: list[Array]) -> Array:
    if of is None:
        return _norm(x)
    values = elementwise(of)(x, *theta)
    if kind == "log-mean":
        return jax.nn.logsumexp(values, axis=-1) - jnp.log(theta[-1])
    reduce: dict[str, Any] = {"sum": jnp.sum, "product": jnp.prod, "max": jnp.max}
    return reduce[kind](values, axis=-1)


def _norm(x: Array) -> Array:
    """‖x‖₂ over the last axis without overflow or underflow; gradient 0 at the zero vector."""
    top = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis=-1, keepdims=True))
    top = jnp.where((top == 0) | jnp.isinf(top), 1.0, top)
    squares = jnp.sum(jnp.square(x / top), axis=-1)
    # sqrt has an infinite slope at 0; the inner where keeps it out of the derivative.
    safe = jnp.where(squares == 0, 1.0, squares)
    return jnp.where(squares == 0, 0.0, jnp.sqrt(safe)) * top[..., 0]
