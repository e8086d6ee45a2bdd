"""The primitive table for mpmath: slow, to as many digits as asked, what the others are held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.bessel import besselk
from neglog.derivations.compile.program import lower

COSTLY = (
    "bessel",
    "Bessel",
    "expint",
    "Expint",
    "E1",
    "erf",
    "Erf",
    "gamma",
    "zeta",
    "polylog",
    "hyper",
)
NO_VALUE = (ValueError, ZeroDivisionError, TypeError, OverflowError, mp.libmp.NoConvergence)


def is_costly(e: sp.Expr) -> bool:
    """Whether mpmath needs milliseconds for a value of ``e``."""
    return any(c in str(f.func) for f in e.atoms(sp.Function) for c in COSTLY)


def _log_cosh(u: Any) -> Any:
    return u + mp.log1p(mp.exp(-2 * u)) - mp.log(2) if u > 1 else mp.log(mp.cosh(u))


def _bounded(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """``call``, refusing arguments whose exponential would fill the memory."""

    def guarded(u: Any) -> Any:
        if abs(u) > 1e70 and not mp.isinf(u):
            raise OverflowError("the exponential of a number beyond 1e70")
        return call(u)

    return guarded


TABLE: Mapping[str, Callable[..., Any]] = {
    "fill": lambda value, like: value,
    "add": lambda x, z: x + z,
    "sub": lambda x, z: x - z,
    "mul": lambda x, z: x * z,
    "div": lambda x, z: x / z,
    "neg": lambda x: -x,
    "pow": lambda x, n: x**n,
    "sqrt": mp.sqrt,
    "exp": _bounded(mp.exp),
    "log": mp.log,
    "maximum": max,
    "minimum": min,
    "where": lambda c, x, z: x if c else z,
    "lt": lambda x, z: x < z,
    "le": lambda x, z: x <= z,
    "gt": lambda x, z: x > z,
    "ge": lambda x, z: x >= z,
    "eq": lambda x, z: x == z,
    "ne": lambda x, z: x != z,
    "and": lambda x, z: x and z,
    "or": lambda x, z: x or z,
    "not": lambda x: not x,
    "finite_or_zero": lambda x: mp.mpf(0) if mp.isinf(x) else x,
    "Log1p": mp.log1p,
    "Expm1": _bounded(mp.expm1),
    "Sech": _bounded(mp.sech),
    "LogCosh": _log_cosh,
    "sinh": _bounded(mp.sinh),
    "cosh": _bounded(mp.cosh),
    "tanh": _bounded(mp.tanh),
    "sech": _bounded(mp.sech),
    "coth": _bounded(mp.coth),
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "atan": mp.atan,
    "Abs": abs,
    "sign": mp.sign,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "erfi": mp.erfi,
    "Erfcx": lambda u: mp.exp(u * u) * mp.erfc(u),
    "LogErfc": lambda u: mp.log(mp.erfc(u)),
    "gamma": mp.gamma,
    "loggamma": mp.loggamma,
    "digamma": mp.digamma,
    "polygamma": lambda n, x: mp.polygamma(int(n), x),
    "beta": mp.beta,
    "lowergamma": lambda s, x: mp.gammainc(s, 0, x),
    "uppergamma": lambda s, x: mp.gammainc(s, x),
    "expint": mp.expint,
    "Ei": mp.ei,
    "ScaledExpint": lambda n, x: mp.exp(x) * mp.expint(n, x),
    "LogScaledE1": lambda x: x + mp.log(mp.e1(x)),
    "ScaledBesselK": lambda n, x: mp.exp(x) * besselk(n, x),
    "BesselKRatio": lambda n, x: besselk(n + 1, x) / besselk(n, x),
    "LogE1": lambda x: mp.log(mp.e1(x)),
    "besselk": besselk,
    "besseli": mp.besseli,
    "besselj": mp.besselj,
    "LogBesselK": lambda n, x: mp.log(besselk(n, x)),
    "LambertW": lambda x, k=0: mp.re(mp.lambertw(x, int(k))),
    "zeta": mp.zeta,
    "polylog": mp.polylog,
}


def function(
    args: Sequence[sp.Symbol], exprs: Sequence[sp.Expr], digits: int = 120
) -> Callable[..., tuple[Any, ...]]:
    """The expressions as a function of mpmath numbers, computed with ``digits`` digits.

    Raises:
        InputError: as :func:`neglog.derivations.compile.program.lower`.
        ZeroDivisionError, ValueError: at a point where mpmath has no value.
    """
    with mp.workdps(digits):
        run = lower(args, exprs, number=lambda e: _number(e, digits)).bind(TABLE)

    def evaluate(*values: Any) -> tuple[Any, ...]:
        with mp.workdps(digits):
            return tuple(mp.re(mp.mpmathify(r)) for r in run(*[mp.mpf(v) for v in values]))

    return evaluate


def _number(e: sp.Expr, digits: int) -> Any:
    if e.is_Rational:
        return mp.mpf(int(e.p)) / int(e.q)
    if e.is_infinite:
        return mp.inf if e.is_extended_positive else -mp.inf
    return mp.mpmathify(sp.N(e, digits))
