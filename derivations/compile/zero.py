"""Limits at 0⁺, numerically where substitution does not settle them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.compile import reference
from neglog.priors.errors import InputError

Numbers = Mapping[sp.Symbol, sp.Expr]
NEAR, NEARER = "1e-300", "1e-3000"


def limit_at_zero(e: sp.Expr, y: sp.Symbol, numbers: Numbers) -> sp.Expr:
    """lim e as y → 0⁺: exact where substitution gives it, else a number, ±oo, or NaN if unknown."""
    value = e.subs(y, 0)
    if is_finite(value) and not any(p.base == 0 for p in value.atoms(sp.Pow)):
        return value
    return numeric_limit(e, y, numbers)


def numeric_limit(e: sp.Expr, y: sp.Symbol, numbers: Numbers) -> sp.Expr:
    """The limit at 0⁺ read off values at 1e-300 and 1e-3000."""
    # Digits enough for e^y − 1 at the nearer point; special functions could not afford them.
    digits = 60 if reference.is_costly(e) else 3200
    try:
        value = reference.function([y], [e.subs(dict(numbers))], digits)
        with mp.workdps(digits):
            (first,), (second,) = value(NEAR), value(NEARER)
            return _read_off(first, second)
    except (InputError, *reference.NO_VALUE):
        return sp.nan


def _read_off(first: Any, second: Any) -> sp.Expr:
    if mp.isnan(first) or mp.isnan(second):
        return sp.nan
    if mp.isinf(second):
        return sp.oo if second > 0 else -sp.oo
    if abs(second) < mp.mpf("1e-30") and abs(second) <= abs(first):
        return sp.S.Zero
    if abs(second - first) <= 1e-20 * abs(second):
        return sp.Float(mp.nstr(second, 40), 40)
    if abs(second) > abs(first):
        return sp.oo if second > 0 else -sp.oo
    return sp.Float(mp.nstr(second, 40), 40) if abs(second) > 1e-3 else sp.S.Zero


def is_finite(limit: sp.Expr) -> bool:
    """Whether a limit exists and is finite."""
    return not limit.has(sp.nan, sp.oo, -sp.oo, sp.zoo)
