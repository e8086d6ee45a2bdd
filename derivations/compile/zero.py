"""Limits at 0⁺, numerically where substitution does not settle them."""

from collections.abc import Mapping

import sympy as sp

Numbers = Mapping[sp.Symbol, sp.Expr]
NEAR, NEARER = sp.Float("1e-300", 40), sp.Float("1e-3000", 40)


def limit_at_zero(e: sp.Expr, y: sp.Symbol, numbers: Numbers) -> sp.Expr:
    """lim e as y → 0⁺: exact where substitution gives it, else a number, ±oo, or NaN if unknown."""
    value = e.subs(y, 0)
    if not value.has(sp.nan, sp.zoo, sp.oo, -sp.oo) and not any(
        p.base == 0 for p in value.atoms(sp.Pow)
    ):
        return value
    return numeric_limit(e, y, numbers)


def numeric_limit(e: sp.Expr, y: sp.Symbol, numbers: Numbers) -> sp.Expr:
    """The limit at 0⁺ read off values at 1e-300 and 1e-3000."""
    first, second = (_value(e, {**numbers, y: p}) for p in (NEAR, NEARER))
    if first is None or second is None:
        return sp.nan
    if abs(second) < sp.Float("1e-30") and abs(second) <= abs(first):
        return sp.S.Zero
    if abs(second - first) <= 1e-20 * abs(second):
        return sp.Float(second, 25)
    if abs(second) > abs(first):
        return sp.oo if second > 0 else -sp.oo
    return sp.Float(second, 25) if abs(second) > 1e-3 else sp.S.Zero


def _value(e: sp.Expr, at: Numbers) -> sp.Expr | None:
    try:
        value = sp.N(e.subs(at), 40)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        return None
    return value if value.is_Float or value.is_Integer or value.is_Rational else None


def is_finite(limit: sp.Expr) -> bool:
    """Whether a limit exists and is finite."""
    return not limit.has(sp.nan, sp.oo, -sp.oo, sp.zoo)
