"""Structured penalties as JAX functions; the derivative is the closed slope."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from neglog.derivations.compile.arguments import positive
from neglog.derivations.structured.formulas import Ops, value_and_slope
from neglog.priors.errors import InputError
from neglog.priors.structured.base import Structured

Array = Any


def _group_sum(x: Array, labels: Any, count: int) -> Array:
    return jnp.zeros((*x.shape[:-1], count), x.dtype).at[..., jnp.asarray(labels)].add(x)


OPS = Ops(
    exp=jnp.exp,
    log=jnp.log,
    sqrt=jnp.sqrt,
    logaddexp=jnp.logaddexp,
    sigmoid=jax.nn.sigmoid,
    where=jnp.where,
    largest=lambda x: x.max(-1, keepdims=True),
    total=lambda x: x.sum(-1),
    logsumexp=lambda x: jax.nn.logsumexp(x, axis=-1),
    group_sum=_group_sum,
    take=lambda x, index: x[..., jnp.asarray(index)],
    constant=lambda value, like: jnp.asarray(value, like.dtype),
)


class CompiledStructured:
    """strength·(φ(a/scale) − φ(0)) of codes [..., d]: [...], for jit, grad and vmap."""

    joint = True

    def __init__(self, penalty: Structured, strength: float, scale: float) -> None:
        self.penalty, self._strength, self.scale = penalty, strength, scale

        def both(a: Array) -> tuple[Array, Array]:
            x = a / scale
            if penalty.domain == "positive":
                value, slope = value_and_slope(penalty, jnp.maximum(x, 0), OPS)
                return value, jnp.where(a >= 0, slope, 0.0)
            value, slope = value_and_slope(penalty, jnp.abs(x), OPS)
            return value, slope * jnp.sign(x)

        @jax.custom_jvp
        def apply(a: Array) -> Array:
            return both(a)[0]

        @apply.defjvp
        def jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
            value, slope = both(*primals)
            return value, (tangents[0] * slope / scale).sum(-1)

        self._apply = apply

    @property
    def strength(self) -> float:
        """c > 0; setting it changes later traces."""
        return self._strength

    @strength.setter
    def strength(self, value: float) -> None:
        self._strength = positive("strength", value)

    def __call__(self, a: Array) -> Array:
        """The penalty of each code."""
        a = jnp.asarray(a)
        if not jnp.issubdtype(a.dtype, jnp.floating):
            a = a.astype(jnp.result_type(float))
        if a.ndim == 0 or a.shape[-1] != self.penalty.features:
            wanted = self.penalty.features
            raise InputError(f"codes of {wanted} features are wanted, not shape {a.shape}.")
        return self.strength * self._apply(a)


def build(penalty: Structured, strength: float, scale: float) -> CompiledStructured:
    """The callable for a structured penalty."""
    return CompiledStructured(penalty, strength, scale)
