"""Numbers that a user gives for λ and the parameters, as exact decimals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import lam


def read_numbers(phi: Penalty, values: Mapping[str, Any]) -> dict[sp.Symbol, sp.Expr]:
    """Exact decimals for ``lam`` and the parameters, by symbol."""
    known = {str(p): p for p in phi.parameters} | {"lam": lam}
    numbers = {lam: sp.S.One}
    for name, value in values.items():
        if name not in known:
            names = ", ".join(sorted(known))
            raise InputError(f"at({name}=…): the prior has no such number; it has {names}.")
        numbers[known[name]] = exact(name, value)
    missing = sorted(set(known) - {"lam"} - set(values))
    if missing:
        raise InputError(f"at() needs a number for {', '.join(missing)} as well.")
    return numbers


def exact(name: str, value: Any) -> sp.Expr:
    """A positive number as the decimal that prints it."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"at({name}={value!r}): a number is wanted.") from None
    if not 0 < number < np.inf:
        raise InputError(f"at({name}={number:g}): a positive finite number is wanted.")
    return sp.Rational(repr(number))
