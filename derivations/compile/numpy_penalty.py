"""Compiled penalties for NumPy: a callable with ``grad``, in float64 inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neglog.derivations.compile import numpy_backend
from neglog.derivations.compile.arguments import Arguments, positive
from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.joint import Joint, Reduction
from neglog.derivations.compile.loops import EAGER
from neglog.derivations.compile.outer import Outer
from neglog.derivations.compile.program import Program
from neglog.derivations.compile.prox import ProxPair
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty

Run = Callable[..., tuple[Any, ...]]


class CompiledPenalty:
    """c·(φ(a/s; θ) − φ(0; θ)) of an array; floats of 32 bits or fewer come back as they went in.

    On the positive domain a < 0 is read as 0, with gradient 0 there.

    Attributes:
        penalty: the symbolic penalty.
        joint: whether the last axis is reduced.
        strength: c > 0, settable.
        scale: s > 0.
    """

    def __init__(self, penalty: Penalty, body: Elementwise | Joint, arguments: Arguments) -> None:
        self.penalty, self.joint = penalty, penalty.joint
        self._strength, self.scale = arguments.strength, arguments.scale
        self._body = body

    @property
    def strength(self) -> float:
        """c > 0."""
        return self._strength

    @strength.setter
    def strength(self, value: float) -> None:
        self._strength = positive("strength", value)

    def __call__(self, a: Any) -> np.ndarray:
        """The penalty of ``a`` [..., m]: shape [..., m], or [...] where joint."""
        x, dtype = _floats(a)
        with np.errstate(all="ignore"):
            if isinstance(self._body, Joint):
                reduced, d = _reductions(self._body, x / self.scale)
                value = outer(self._body.outer, reduced, d)
            else:
                value = elementwise(self._body, x / self.scale, single=dtype.itemsize <= 4)
            return np.asarray(self.strength * value, dtype=dtype)

    def grad(self, a: Any) -> np.ndarray:
        """∂/∂a of the (for a joint penalty: each row's) penalty, of the shape of ``a``."""
        x, dtype = _floats(a)
        x = x / self.scale
        with np.errstate(all="ignore"):
            slope = (
                _slope(self._body, x)
                if isinstance(self._body, Joint)
                else elementwise(self._body.partial(0), x, single=dtype.itemsize <= 4)
            )
            return np.asarray(self.strength / self.scale * slope, dtype=dtype)


def build(penalty: Penalty, body: Elementwise | Joint, arguments: Arguments) -> CompiledPenalty:
    """The callable for a prepared penalty."""
    return CompiledPenalty(penalty, body, arguments)


def _floats(a: Any) -> tuple[np.ndarray, Any]:
    array = np.asarray(a)
    if array.dtype.kind not in "fiub":
        raise InputError(f"a penalty takes real numbers, not an array of {array.dtype}.")
    dtype = array.dtype if array.dtype.kind == "f" else np.dtype(float)
    return array.astype(np.float64), dtype


def elementwise(
    spec: Elementwise, x: np.ndarray, theta: Sequence[Any] = (), single: bool = False
) -> np.ndarray:
    """``spec`` at x, in float64; ``single``: a float32's digits are enough."""
    y = np.maximum(x, 0) if spec.left is None else np.abs(x)
    run = spec.bind(numpy_backend.TABLE, spec.lost if single else spec.folded)
    outputs = [np.broadcast_to(v, x.shape) for v in run(np.abs(y), *theta)]
    value = np.asarray(outputs[0], dtype=float)
    if spec.left is None:
        return np.where(x < 0, 0.0, value) if spec.order else value
    if len(outputs) > 1:
        value = np.where(x < 0, outputs[1], value)
    if spec.odd_order:
        value = np.where(x < 0, -value, value)
    return value if spec.at_zero is None else np.where(x == 0, spec.at_zero, value)


def outer(spec: Outer, reduced: list[np.ndarray], d: float) -> np.ndarray:
    """The outer function at the reductions."""
    (value,) = _run(spec.program)(*reduced, d)
    return np.broadcast_to(np.asarray(value, dtype=float), reduced[0].shape)


def _run(program: Program) -> Run:
    return program.bind(numpy_backend.TABLE)


def _reductions(form: Joint, x: np.ndarray) -> tuple[list[np.ndarray], float]:
    if x.ndim == 0:
        raise InputError("a joint penalty takes activations with a last axis of features.")
    d = float(x.shape[-1])
    return [_reduce(r, x, d) for r in form.reductions], d


def _reduce(reduction: Reduction, x: np.ndarray, d: float) -> np.ndarray:
    if reduction.of is None:
        top = np.abs(x).max(-1, keepdims=True)
        top = np.where((top == 0) | np.isinf(top), 1.0, top)
        return np.sqrt(np.square(x / top).sum(-1)) * top[..., 0]
    values = elementwise(reduction.of, x, (d,))
    if reduction.kind == "log-mean":
        return np.logaddexp.reduce(values, axis=-1) - np.log(d)
    reduce: dict[str, Any] = {"sum": np.sum, "product": np.prod, "max": np.max}
    return reduce[reduction.kind](values, axis=-1)


def _slope(form: Joint, x: np.ndarray) -> np.ndarray:
    """Σⱼ ∂G/∂Rⱼ·∂Rⱼ/∂a, with 0·∞ = 0."""
    reduced, d = _reductions(form, x)
    total = np.zeros_like(x)
    for j, reduction in enumerate(form.reductions):
        weight = outer(form.outer.partial(j), reduced, d)[..., None]
        inner = _reduction_slope(reduction, x, reduced[j][..., None], d)
        total += np.where((weight == 0) | (inner == 0), 0.0, weight * inner)
    return total


def _reduction_slope(
    reduction: Reduction, x: np.ndarray, value: np.ndarray, d: float
) -> np.ndarray:
    if reduction.of is None:
        return x / np.where(value == 0, 1.0, value)
    slope = elementwise(reduction.of.partial(0), x, (d,))
    if reduction.kind == "sum":
        return slope
    values = elementwise(reduction.of, x, (d,))
    if reduction.kind == "log-mean":
        return slope * np.exp(values - value - np.log(d))
    if reduction.kind == "max":
        best = values == value
        return slope * best / best.sum(-1, keepdims=True)
    zeros = (values == 0).sum(-1, keepdims=True)
    rest = np.prod(np.where(values == 0, 1.0, values), axis=-1, keepdims=True)
    others = np.where(values == 0, np.where(zeros == 1, rest, 0.0), value / values)
    return slope * others


def build_prox(pair: ProxPair, strength: float) -> Callable[[Any], np.ndarray]:
    """x ↦ prox(x), in float64 inside."""
    solve = pair.bind(numpy_backend.TABLE, EAGER)

    def prox(x: Any) -> np.ndarray:
        values, dtype = _floats(x)
        with np.errstate(all="ignore"):
            return np.asarray(solve(values, strength), dtype=dtype)

    return prox


class CompiledPrior:
    """−log p of an array: a compiled penalty of strength λ plus log Z + log s.

    Attributes:
        body: the compiled penalty; its ``strength`` is λ.
    """

    def __init__(self, body: CompiledPenalty, offset: Outer) -> None:
        self.body, self.offset = body, offset
        self.joint, self.penalty, self.grad = body.joint, body.penalty, body.grad

    def __call__(self, a: Any) -> np.ndarray:
        """−log p(a), of the shape the penalty has."""
        d = float(np.shape(a)[-1]) if self.joint else 1.0
        inputs = [np.asarray(self.body.strength), d]
        log_z = _run(self.offset.program)(*inputs)[0]
        return self.body(a) + log_z + d * np.log(self.body.scale)


def build_prior(body: CompiledPenalty, offset: Outer) -> CompiledPrior:
    """The callable for a prior's compiled penalty and the function of its numbers."""
    return CompiledPrior(body, offset)
