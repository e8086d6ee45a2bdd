"""The primitive table for JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special as js

from neglog.derivations.compile import numpy_backend
from neglog.derivations.compile.program import least
from neglog.derivations.compile.special import primitives

Array = Any


def _sech(x: Array) -> Array:
    e = jnp.exp(-jnp.abs(x))
    return 2 * e / (1 + e * e)


def _split(x: Array) -> Array:
    """x with the lower half of its digits cleared."""
    kind, mask = (
        (jnp.uint32, np.uint32(0xFFFFF000))
        if x.dtype == jnp.float32
        else (jnp.uint64, np.uint64(0xFFFFFFFFF8000000))
    )
    return jax.lax.bitcast_convert_type(jax.lax.bitcast_convert_type(x, kind) & mask, x.dtype)


def _opaque(constants: tuple[Any, ...], like: Array) -> tuple[Any, ...]:
    """The constants hidden from XLA, which would turn (x + c) − c into x."""

    def hidden(c: Any) -> Any:
        return (
            c if isinstance(c, bool) else jax.lax.optimization_barrier(jnp.asarray(c, like.dtype))
        )

    return tuple(
        tuple(hidden(part) for part in c) if isinstance(c, tuple) else c for c in constants
    )


def _log1p(x: Array) -> Array:
    """log(1 + x); XLA's own loses up to 60 ulps of a float64 near x = −0.4."""
    if x.dtype != jnp.float64:
        return jnp.log1p(x)
    u = jax.lax.optimization_barrier(1 + x)
    lost = x - (u - 1)
    return jnp.log(u) + jnp.where(jnp.abs(x) < 1e17, lost, 0.0) / u


def _power_of_two(k: Array) -> Array:
    if k.dtype == jnp.float32:
        return jax.lax.bitcast_convert_type((k.astype(jnp.int32) + 127) << 23, jnp.float32)
    return jax.lax.bitcast_convert_type((k.astype(jnp.int64) + 1023) << 52, jnp.float64)


def _called(name: str, static: int = 0) -> Callable[..., Array]:
    """A function of SciPy called back from compiled code (JAX has none of its own)."""

    def call(*args: Any) -> Array:
        fixed = args[:static]
        arrays = jnp.broadcast_arrays(*[jnp.asarray(x) for x in args[static:]])
        shape = jax.ShapeDtypeStruct(arrays[0].shape, arrays[0].dtype)

        def compute(*xs: np.ndarray) -> np.ndarray:
            wide = [np.asarray(x, dtype=np.float64) for x in xs]
            value = numpy_backend.TABLE[name](*fixed, *wide)
            return np.asarray(value, dtype=np.asarray(xs[0]).dtype)

        return jax.pure_callback(compute, shape, *arrays, vmap_method="broadcast_all")

    return call


def _polygamma(n: Any, x: Array) -> Array:
    return js.digamma(x) if n == 0 else js.polygamma(float(n), x)


_TABLE: dict[str, Callable[..., Any]] = {
    "constant": lambda values, like: jnp.asarray(values, dtype=like.dtype),
    "fill": lambda value, like: jnp.asarray(value, dtype=like.dtype),
    "add": jnp.add,
    "sub": jnp.subtract,
    "mul": jnp.multiply,
    "div": jnp.divide,
    "neg": jnp.negative,
    "pow": jnp.power,
    "sqrt": jnp.sqrt,
    "exp": jnp.exp,
    "log": jnp.log,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "where": jnp.where,
    "lt": jnp.less,
    "le": jnp.less_equal,
    "gt": jnp.greater,
    "ge": jnp.greater_equal,
    "eq": jnp.equal,
    "ne": jnp.not_equal,
    "and": jnp.logical_and,
    "or": jnp.logical_or,
    "not": jnp.logical_not,
    "array": jnp.asarray,
    "opaque": _opaque,
    "split": _split,
    "round": jnp.round,
    "power_of_two": _power_of_two,
    "eps": lambda y: float(jnp.finfo(y.dtype).eps),
    "Normal": lambda y: jnp.maximum(y, least(jnp.finfo(y.dtype))),
    "finite_or_zero": lambda x: jnp.where(jnp.isinf(x), jnp.zeros_like(x), x),
    "Log1p": _log1p,
    "Expm1": jnp.expm1,
    "Sech": _sech,
    "sech": _sech,
    "sinh": jnp.sinh,
    "cosh": jnp.cosh,
    "tanh": jnp.tanh,
    "coth": lambda x: 1 / jnp.tanh(x),
    "asinh": jnp.arcsinh,
    "acosh": jnp.arccosh,
    "atanh": jnp.arctanh,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tan": jnp.tan,
    "atan": jnp.arctan,
    "Abs": jnp.abs,
    "sign": jnp.sign,
    "erf": js.erf,
    "erfc": js.erfc,
    "erfinv": js.erfinv,
    "gamma": js.gamma,
    "loggamma": js.gammaln,
    "digamma": js.digamma,
    "polygamma": _polygamma,
    "beta": js.beta,
    "lowergamma": lambda s, x: js.gammainc(s, x) * js.gamma(s),
    "uppergamma": lambda s, x: js.gammaincc(s, x) * js.gamma(s),
    "Ei": js.expi,
    "zeta": lambda s, q=1.0: js.zeta(s, q),
    "polylog": _called("polylog"),
    "LambertW": _called("LambertW"),
    **{n: _called(n) for n in ("erfi", "Erfcx", "LogErfc")},
    **{n: _called(n, static=1) for n in ("besseli", "besselj")},
}

TABLE: Mapping[str, Callable[..., Any]] = {**_TABLE, **primitives(_TABLE)}
