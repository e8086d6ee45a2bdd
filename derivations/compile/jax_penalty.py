"""Compiled penalties, proximal maps and priors as JAX functions of arrays and a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neglog.derivations.compile.arguments import Arguments, positive
from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.jax_apply import elementwise, joint, outer
from neglog.derivations.compile.jax_backend import TABLE
from neglog.derivations.compile.joint import Joint
from neglog.derivations.compile.loops import Loops
from neglog.derivations.compile.outer import Outer
from neglog.derivations.compile.prox import ProxPair
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty

Array = Any


class CompiledPenalty:
    """c·(φ(a/s; θ) − φ(0; θ)) of an array, for jit, grad and vmap.

    ``f(a)`` uses the numbers it was compiled with; ``f(a, params)`` takes the learned ones from a
    dictionary of logs, ``{"log_scale": …}`` with scale = exp(log_scale), as ``f.params`` gives to
    start from. On the positive domain a < 0 is read as 0, with gradient 0 there. JAX computes in
    float32 unless ``jax_enable_x64`` is set.

    Attributes:
        penalty: the symbolic penalty.
        joint: whether the last axis is reduced.
        params: the starting dictionary of the learned numbers' logs.
    """

    def __init__(self, penalty: Penalty, body: Elementwise | Joint, arguments: Arguments) -> None:
        self.penalty, self.joint, self.learn = penalty, penalty.joint, arguments.learn
        self._body = body
        self._numbers = {"strength": arguments.strength, "scale": arguments.scale}
        self._names = [str(s) for s in arguments.learned]
        starts = {**self._numbers, **{str(s): v for s, v in arguments.learned.items()}}
        self.params = {f"log_{n}": jnp.asarray(np.log(starts[n])) for n in self.learn}

    @property
    def strength(self) -> float:
        """c > 0; setting it changes later traces, not functions already jitted."""
        return self._numbers["strength"]

    @strength.setter
    def strength(self, value: float) -> None:
        self._numbers["strength"] = positive("strength", value)
        if "strength" in self.learn:
            self.params["log_strength"] = jnp.asarray(np.log(value))

    def number(self, name: str, params: Mapping[str, Array], dtype: Any) -> Any:
        """The learned number of that name in ``params``, or the fixed one."""
        if name in self.learn:
            return jnp.exp(params[f"log_{name}"]).astype(dtype)
        return self._numbers[name]

    def __call__(self, a: Array, params: Mapping[str, Array] | None = None) -> Array:
        """The penalty of ``a`` [..., m]: shape [..., m], or [...] where joint."""
        a = jnp.asarray(a)
        if not jnp.issubdtype(a.dtype, jnp.floating):
            a = a.astype(jnp.result_type(float))
        params = self.params if params is None else params
        if set(params) != set(self.params):
            raise InputError(f"params needs exactly the names {sorted(self.params)}.")

        scale, strength = (self.number(n, params, a.dtype) for n in ("scale", "strength"))
        a = a if isinstance(scale, float) and scale == 1.0 else a / scale
        theta = [self.number(n, params, a.dtype) for n in self._names]
        if isinstance(self._body, Joint):
            return strength * joint(self._body, a, theta)
        return strength * elementwise(self._body)(a, *theta)


def build(penalty: Penalty, body: Elementwise | Joint, arguments: Arguments) -> CompiledPenalty:
    """The callable for a prepared penalty."""
    return CompiledPenalty(penalty, body, arguments)


def _until(most: int, body: Callable[[Any], Any], state: Any) -> Any:
    def going(at: tuple[Any, Any]) -> Any:
        return (at[0] < most) & ~jnp.all(at[1][-1])

    return jax.lax.while_loop(going, lambda at: (at[0] + 1, body(at[1])), (0, state))[1]


def _counted(times: int, body: Callable[[Any, Any], Any], state: Any) -> Any:
    return jax.lax.fori_loop(0, times, body, state)


TRACED = Loops(_counted, _until)


def build_prox(pair: ProxPair, strength: float) -> Callable[[Array], Array]:
    """x ↦ prox(x) with derivative 1/(1 + cφ''(z)), and 0 where z = 0."""
    solve = pair.bind(TABLE, TRACED)

    @jax.custom_jvp
    def prox(x: Array) -> Array:
        inner = jnp.result_type(x.dtype, jnp.float32)
        return solve(x.astype(inner), strength).astype(x.dtype)

    @prox.defjvp
    def jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
        z = prox(*primals)
        slope = jnp.where(z == 0, 0.0, 1 / (1 + strength * elementwise(pair.curvature())(z)))
        return z, tangents[0] * slope.astype(z.dtype)

    return prox


class CompiledPrior:
    """−log p = λφ(a/s; θ) + log Z(λ, θ) + log s (d·log s where joint), called as the penalty is.

    Attributes:
        body: the compiled penalty; its ``strength`` is λ, learned as ``log_strength``.
        params: the starting dictionary of the learned numbers' logs.
    """

    def __init__(self, body: CompiledPenalty, offset: Outer) -> None:
        self.body, self.joint, self.penalty = body, body.joint, body.penalty
        self.params, self._offset = body.params, offset

    def __call__(self, a: Array, params: Mapping[str, Array] | None = None) -> Array:
        """−log p of ``a`` [..., m]: shape [..., m], or [...] where joint."""
        a = jnp.asarray(a)
        params = self.params if params is None else params
        dtype = jnp.result_type(float)
        d = float(a.shape[-1]) if self.joint else 1.0
        names = ["strength", *self.body._names]
        theta = [jnp.asarray(self.body.number(n, params, dtype), dtype) for n in names]
        log_z = outer(self._offset)(*theta, jnp.asarray(d, dtype))
        log_s = jnp.log(jnp.asarray(self.body.number("scale", params, dtype), dtype))
        return self.body(a, params) + (log_z + d * log_s).astype(a.dtype)


def build_prior(body: CompiledPenalty, offset: Outer) -> CompiledPrior:
    """The callable for a prior's compiled penalty and the function of its numbers."""
    return CompiledPrior(body, offset)
