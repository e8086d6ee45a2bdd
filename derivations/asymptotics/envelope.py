"""Oscillating penalties between two that do not oscillate, and powers of logarithms."""

from __future__ import annotations

import sympy as sp

from neglog.derivations.asymptotics.orders import monomial
from neglog.priors.symbols import y


def corners(phi: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(lower, upper) with lower ≤ φ ≤ upper: φ where its one sine or cosine is −1 and 1.

    None where φ has none or several, is not linear in it, or its slope in it changes sign.
    """
    waves = [w for w in phi.atoms(sp.sin, sp.cos) if w.has(y)]
    if len(waves) != 1 or not waves[0].args[0].is_real:
        return None
    wave = sp.Dummy(real=True)
    held = phi.xreplace({waves[0]: wave})
    slope = sp.factor(sp.diff(held, wave))
    if slope.has(wave) or not (slope.is_nonnegative or slope.is_nonpositive):
        return None
    ends = (held.subs(wave, -1), held.subs(wave, 1))
    return ends if slope.is_nonnegative else (ends[1], ends[0])


def log_power(phi: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(C, P) with φ ~ C·(log y)^P at infinity, for functions of logarithms; None elsewhere."""
    replaced = phi.replace(sp.log, _in_log)
    if replaced.has(y):
        return None
    return monomial(replaced.xreplace({_L: y}))


_L = sp.Dummy("L", positive=True)  # log y


def _in_log(argument: sp.Expr) -> sp.Expr:
    found = monomial(argument)
    if found is None or not found[1].is_positive or not found[0].is_positive:
        return sp.log(argument)
    return found[1] * _L
