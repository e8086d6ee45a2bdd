"""The primitive table for JAX, and compiled penalties as functions of arrays and a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special as js

from neglog.derivations.compile import numpy_backend
from neglog.derivations.compile.arguments import Arguments, positive
from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.joint import Joint
from neglog.derivations.compile.outer import Outer
from neglog.derivations.compile.prox import ProxPair
from neglog.priors import symbols
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty

Array = Any


def _sech(x: Array) -> Array:
    e = jnp.exp(-jnp.abs(x))
    return 2 * e / (1 + e * e)


def _called(name: str, static: int = 0) -> Callable[..., Array]:
    """A function of SciPy called back from compiled code (JAX has none of its own)."""

    def call(*args: Any) -> Array:
        fixed, arrays = args[:static], args[static:]
        arrays = jnp.broadcast_arrays(*[jnp.asarray(x) for x in arrays])
        shape = jax.ShapeDtypeStruct(arrays[0].shape, arrays[0].dtype)

        def compute(*xs: np.ndarray) -> np.ndarray:
            wide = [np.asarray(x, dtype=np.float64) for x in xs]
            value = numpy_backend.TABLE[name](*fixed, *wide)
            return np.asarray(value, dtype=np.asarray(xs[0]).dtype)

        return jax.pure_callback(compute, shape, *arrays, vmap_method="broadcast_all")

    return call


def _polygamma(n: Any, x: Array) -> Array:
    return js.digamma(x) if n == 0 else js.polygamma(float(n), x)


TABLE: Mapping[str, Callable[..., Any]] = {
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
    "Normal": lambda y: jnp.maximum(y, jnp.finfo(y.dtype).tiny),
    "finite_or_zero": lambda x: jnp.where(jnp.isinf(x), jnp.zeros_like(x), x),
    "Log1p": jnp.log1p,
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
    **{n: _called(n) for n in ("erfi", "Erfcx", "LogErfc", "LogE1", "ScaledE1")},
    **{
        n: _called(n, static=1)
        for n in ("besselk", "besseli", "besselj", "LogBesselK", "BesselKRatio", "expint")
    },
}


def _product(tangent: Array, slope: Array) -> Array:
    """tangent·slope, 0 where the slope is 0 even if the tangent is infinite; linear in it."""
    return jnp.where(slope == 0, jnp.zeros_like(tangent), tangent) * slope


def elementwise(spec: Elementwise) -> Callable[..., Array]:
    """spec as a function of (a, θ…) whose derivatives are again such functions."""
    if "_jax" in spec.__dict__:
        return spec.__dict__["_jax"]
    run = spec.program.bind(TABLE)

    @jax.custom_jvp
    def apply(a: Array, *theta: Array) -> Array:
        return _evaluate(spec, run, a, theta)

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
    terms = [_product(tangents[i], make(spec.partial(i))(*primals)) for i in used]
    return sum(terms[1:], terms[0])


def _evaluate(spec: Elementwise, run: Callable[..., Any], a: Array, theta: Any) -> Array:
    inner = a.dtype
    if inner in (jnp.float16, jnp.bfloat16):
        inner = jnp.dtype(jnp.float32)
    if inner == jnp.float32 and spec.wide and jax.config.jax_enable_x64:
        inner = jnp.dtype(jnp.float64)
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
            return strength * _joint(self._body, a, theta)
        return strength * elementwise(self._body)(a, *theta)


def _joint(form: Joint, a: Array, theta: list[Array]) -> Array:
    if a.ndim == 0:
        raise InputError("a joint penalty takes activations with a last axis of features.")
    inner = jnp.result_type(a.dtype, jnp.float32)
    if jax.config.jax_enable_x64:
        inner = jnp.dtype(jnp.float64)
    x = a.astype(inner)
    theta = [*[jnp.asarray(t, inner) for t in theta], jnp.asarray(float(a.shape[-1]), inner)]
    reduced = [_reduce(r.kind, r.of, x, theta) for r in form.reductions]
    return outer(form.outer)(*reduced, *theta).astype(a.dtype)


def _reduce(kind: str, of: Elementwise | None, x: Array, theta: list[Array]) -> Array:
    if of is None:
        return _norm(x)
    values = elementwise(of)(x, *theta)
    return {"sum": jnp.sum, "product": jnp.prod, "max": jnp.max}[kind](values, axis=-1)


def _norm(x: Array) -> Array:
    """‖x‖₂ over the last axis without overflow or underflow; gradient 0 at the zero vector."""
    top = jax.lax.stop_gradient(jnp.max(jnp.abs(x), axis=-1, keepdims=True))
    top = jnp.where((top == 0) | jnp.isinf(top), 1.0, top)
    squares = jnp.sum(jnp.square(x / top), axis=-1)
    # sqrt has an infinite slope at 0; the inner where keeps it out of the derivative.
    safe = jnp.where(squares == 0, 1.0, squares)
    return jnp.where(squares == 0, 0.0, jnp.sqrt(safe)) * top[..., 0]


def build(penalty: Penalty, body: Elementwise | Joint, arguments: Arguments) -> CompiledPenalty:
    """The callable for a prepared penalty."""
    return CompiledPenalty(penalty, body, arguments)


def build_prox(pair: ProxPair, strength: float) -> Callable[[Array], Array]:
    """x ↦ prox(x) with derivative 1/(1 + cφ''(z)), and 0 where z = 0."""

    def loop(times: int, body: Callable[[Any, Any], Any], state: Any) -> Any:
        return jax.lax.fori_loop(0, times, body, state)

    solve = pair.bind(TABLE, loop)

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
