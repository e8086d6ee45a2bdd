"""Structured penalties for NumPy: a callable with ``grad``, in float64 inside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from neglog.derivations.compile.arguments import positive
from neglog.derivations.structured.formulas import Ops, value_and_slope
from neglog.priors.errors import InputError
from neglog.priors.structured.base import Structured


def _group_sum(x: NDArray[Any], labels: NDArray[Any], count: int) -> NDArray[Any]:
    flat = x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
    member = sparse.csr_array(
        (np.ones(len(labels)), (np.arange(len(labels)), labels)), shape=(len(labels), count)
    )
    return np.asarray(flat @ member).reshape(*x.shape[:-1], count)


OPS = Ops(
    exp=np.exp,
    log=np.log,
    sqrt=np.sqrt,
    logaddexp=np.logaddexp,
    sigmoid=special.expit,
    where=np.where,
    largest=lambda x: x.max(-1, keepdims=True),
    total=lambda x: x.sum(-1),
    logsumexp=lambda x: np.logaddexp.reduce(x, axis=-1),
    group_sum=_group_sum,
    take=lambda x, index: x[..., index],
    constant=lambda value, like: value,
)


class CompiledStructured:
    """strength·(φ(a/scale) − φ(0)) of codes [..., d]: [...]; ``grad`` has their shape."""

    joint = True

    def __init__(self, penalty: Structured, strength: float, scale: float) -> None:
        self.penalty, self._strength, self.scale = penalty, strength, scale

    @property
    def strength(self) -> float:
        """c > 0."""
        return self._strength

    @strength.setter
    def strength(self, value: float) -> None:
        self._strength = positive("strength", value)

    def __call__(self, a: Any) -> Any:
        """The penalty of each code."""
        value, _ = value_and_slope(self.penalty, np.abs(self._read(a)), OPS)
        return self.strength * value

    def grad(self, a: Any) -> NDArray[np.float64]:
        """∂/∂a of each code's penalty."""
        x = self._read(a)
        _, slope = value_and_slope(self.penalty, np.abs(x), OPS)
        sign = np.sign(x) if self.penalty.domain == "real" else np.asarray(a) >= 0
        return np.asarray(self.strength / self.scale * slope * sign)

    def _read(self, a: Any) -> NDArray[np.float64]:
        x = np.asarray(a, dtype=np.float64) / self.scale
        if x.ndim == 0 or x.shape[-1] != self.penalty.features:
            wanted = self.penalty.features
            raise InputError(f"codes of {wanted} features are wanted, not shape {x.shape}.")
        return np.maximum(x, 0) if self.penalty.domain == "positive" else x


def build(penalty: Structured, strength: float, scale: float) -> CompiledStructured:
    """The callable for a structured penalty."""
    return CompiledStructured(penalty, strength, scale)
