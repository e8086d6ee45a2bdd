"""Integrability at the border, where a tail is 1/y times slower factors: Bertrand's scale.

∫^∞ y⁻¹ e^{−r(y)} dy is compared with r = m log log y: it converges for m > 1, diverges for m < 1,
and at m = 1 the next iterated logarithm decides in the same way (de Morgan's and Bertrand's
tests; Hardy, Orders of infinity, 1910).
"""

from __future__ import annotations

import mpmath as mp
import sympy as sp

from neglog.derivations.asymptotics.equivalents import equivalent
from neglog.derivations.asymptotics.growth import AT_INFINITY, ratio
from neglog.derivations.asymptotics.orders import vanishing
from neglog.derivations.deadline import within
from neglog.derivations.numbers import UNCOMPUTABLE, function
from neglog.priors.symbols import y

DEPTH = 3  # iterated logarithms that are looked at
_FAR = (8, 40, 120, 300)  # powers of ten at which a remainder is looked at
_SECONDS = 2.0
_DIGITS = 2 * _FAR[-1] + 100  # log(1 + 1/y²) is not lost there


def at_tail(phi: sp.Expr, rate: sp.Expr, order: int) -> sp.Basic | None:
    """When ∫^∞ y^order e^{−λφ} dy converges at λ = (order + 1)/rate, φ ~ rate·log y.

    True, False, a condition on the parameters, or None where it is not decided.
    """
    rest = sp.expand_log(phi, force=True) - rate * sp.log(y)
    return _converges((order + 1) / rate * rest, DEPTH)


def at_origin(phi: sp.Expr, rate: sp.Expr) -> sp.Basic | None:
    """When ∫₀ e^{−λφ} dt converges at λ = 1/rate, φ ~ rate·log t → −∞: u = 1/t makes it a tail."""
    rest = sp.expand_log(phi.subs(y, 1 / y), force=True) + rate * sp.log(y)
    return _converges(rest / rate, DEPTH)


def _converges(rest: sp.Expr, depth: int) -> sp.Basic | None:
    rest = equivalent(sp.expand(rest), AT_INFINITY)
    if not rest.has(y) or settles(rest):
        return sp.false
    if depth == 0:
        return None
    scale = sp.log(y)
    for _ in range(DEPTH - depth + 1):
        scale = sp.log(scale)
    share = ratio(rest, scale, AT_INFINITY)
    if share is None:
        return None
    if share in (sp.oo, -sp.oo):
        return sp.true if share is sp.oo else sp.false
    gap = sp.factor(share - 1)
    if gap.is_positive:
        return sp.true
    if gap.is_negative:
        return sp.false
    if gap == 0:
        return _converges(rest - scale, depth - 1)
    zero = vanishing(gap)
    if zero is None:
        return None
    symbol, value = zero
    equal = _converges((rest - scale).subs(symbol, value), depth - 1)
    if equal is None:
        return None
    return sp.Or(sp.Gt(gap, 0).simplify(), sp.And(sp.Eq(symbol, value), equal))


def settles(rest: sp.Expr) -> bool:
    """Whether a remainder visibly tends to a constant: then it changes nothing."""
    return within(_SECONDS, lambda: _levels_off(rest), False)


def _levels_off(rest: sp.Expr) -> bool:
    names = sorted(rest.free_symbols - {y}, key=str)
    try:
        value = function([y, *names], rest)
        with mp.workdps(_DIGITS):
            point = [mp.mpf(7) / 5] * len(names)
            values = [mp.re(value(mp.mpf(10) ** n, *point)) for n in _FAR]
    except (*UNCOMPUTABLE, TypeError, NameError, MemoryError):
        return False  # mpmath lacks a function, or e^(e^y) is too large for it
    return all(mp.isfinite(v) for v in values) and bool(abs(values[-1] - values[1]) < 1e-6)
