"""The arguments of ``compile`` and ``prox``, checked; names become symbols, numbers values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real

import sympy as sp

from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty

BACKENDS = ("torch", "jax", "numpy")


@dataclass(frozen=True)
class Arguments:
    """What a compiled penalty is made of.

    Attributes:
        expr: φ with the numbers of the fixed parameters put in.
        learned: start value of each learned parameter of φ, by symbol.
        strength: λ's number; scale: the number dividing the activations.
        learn: the names to train.
    """

    expr: sp.Expr
    learned: dict[sp.Symbol, float]
    strength: float
    scale: float
    learn: tuple[str, ...]


def check(
    penalty: Penalty,
    backend: str,
    strength: float,
    scale: float,
    learn: Sequence[str],
    params: Mapping[str, float],
) -> Arguments:
    """The arguments with numbers for symbols.

    Raises:
        InputError: an unknown backend, a missing, unknown or non-positive parameter, or a name to
            learn that is none of them.
    """
    if backend not in BACKENDS:
        raise InputError(f"the backend {backend!r} is not one of: {', '.join(BACKENDS)}.")
    symbols = {str(s): s for s in penalty.parameters}
    for name in params:
        if name not in symbols:
            known = ", ".join(symbols) or "it has none"
            raise InputError(f"{penalty} has no parameter {name!r} (parameters: {known}).")
    for name in symbols:
        if name not in params:
            raise InputError(f"{penalty} needs a number for its parameter {name}: {name}=1.0, say.")
    if isinstance(learn, str):
        raise InputError(f"learn takes a list of names; write learn=({learn!r},).")
    for name in learn:
        if name not in ("strength", "scale", *symbols):
            known = ", ".join(["strength", "scale", *symbols])
            raise InputError(f"learn names {name!r}, which is not one of: {known}.")
    if learn and backend == "numpy":
        raise InputError("the numpy backend has nothing to learn with; use torch or jax.")
    numbers = {name: positive(name, value) for name, value in params.items()}
    fixed = {symbols[n]: exact(v) for n, v in numbers.items() if n not in learn}
    learned = {symbols[n]: v for n, v in numbers.items() if n in learn}
    return Arguments(
        penalty.expr.subs(fixed),
        dict(sorted(learned.items(), key=lambda item: str(item[0]))),
        positive("strength", strength),
        positive("scale", scale),
        tuple(dict.fromkeys(learn)),
    )


def positive(name: str, value: float) -> float:
    """``value`` as a float.

    Raises:
        InputError: it is not a positive finite number.
    """
    if not isinstance(value, Real) or not math.isfinite(value) or value <= 0:
        raise InputError(f"{name} must be a positive finite number, not {value!r}.")
    return float(value)


def exact(value: float) -> sp.Rational:
    """The decimal that prints as ``value``: 0.1 is one tenth."""
    return sp.Rational(repr(float(value)))
