"""The primitive table for torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from neglog.derivations.compile.program import least
from neglog.derivations.compile.special import primitives
from neglog.derivations.compile.torch_special import SPECIAL


def _fill(value: Any, like: Tensor) -> Tensor:
    return torch.full((), value, dtype=like.dtype, device=like.device)


def _tensors(call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A binary function that accepts a Python number on either side."""

    def both(x: Any, z: Any) -> Tensor:
        if not isinstance(x, Tensor):
            x = _fill(x, z)
        if not isinstance(z, Tensor):
            z = _fill(z, x)
        return call(x, z)

    return both


def _split(x: Tensor) -> Tensor:
    """x with the lower half of its digits cleared."""
    if x.dtype == torch.float32:
        return (x.view(torch.int32) & -0x1000).view(torch.float32)
    return (x.view(torch.int64) & -0x8000000).view(torch.float64)


def _power_of_two(k: Tensor) -> Tensor:
    if k.dtype == torch.float32:
        return ((k.to(torch.int32) + 127) << 23).view(torch.float32)
    return ((k.to(torch.int64) + 1023) << 52).view(torch.float64)


_TABLE: dict[str, Callable[..., Any]] = {
    "fill": _fill,
    "constant": lambda values, like: torch.as_tensor(values, dtype=like.dtype, device=like.device),
    # Operators, not torch.add: that rounds a Python number on the left to float32.
    "add": lambda x, z: x + z,
    "sub": lambda x, z: x - z,
    "mul": lambda x, z: x * z,
    "div": lambda x, z: x / z,
    "neg": torch.neg,
    "pow": lambda x, z: x**z,
    "sqrt": torch.sqrt,
    "exp": torch.exp,
    "log": torch.log,
    "maximum": _tensors(torch.maximum),
    "minimum": _tensors(torch.minimum),
    "where": torch.where,
    "lt": torch.lt,
    "le": torch.le,
    "gt": torch.gt,
    "ge": torch.ge,
    "eq": torch.eq,
    "ne": torch.ne,
    "and": torch.logical_and,
    "or": torch.logical_or,
    "not": torch.logical_not,
    "array": torch.from_numpy,
    "split": _split,
    "round": torch.round,
    "power_of_two": _power_of_two,
    "eps": lambda y: float(torch.finfo(y.dtype).eps),
    "Normal": lambda y: y.clamp_min(least(torch.finfo(y.dtype))),
    "finite_or_zero": lambda x: torch.where(torch.isinf(x), torch.zeros_like(x), x),
    **SPECIAL,
}

TABLE: Mapping[str, Callable[..., Any]] = {**_TABLE, **primitives(_TABLE)}
