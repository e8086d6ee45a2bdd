"""Numbers out of expressions: evaluation at a point, and sample points for the parameters.

Everything here is arbitrary-precision mpmath; nothing is rounded to a float on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.bessel import besselk
from neglog.priors import symbols
from neglog.priors.symbols import Largest, Multiple, Total

Point = Mapping[sp.Symbol, sp.Expr]
Real = Any  # mpmath.mpf; mpmath carries no types

# What evaluation may answer "not computable here" with; anything else is a bug and is raised.
UNCOMPUTABLE = (
    ArithmeticError,
    ValueError,
    NotImplementedError,
    mp.libmp.NoConvergence,
)


def floats(point: Point, digits: int) -> dict[sp.Symbol, sp.Expr]:
    """The point in decimals: exact powers such as (1/10007)^(3/10007) take forever."""
    return {
        name: value if value.is_Integer or not value.is_finite else sp.Float(value, digits + 10)
        for name, value in ((n, sp.sympify(v)) for n, v in point.items())
    }


def substitute(expr: sp.Expr, point: Point, digits: int) -> sp.Expr:
    """The expression at a numeric point, in decimals."""
    return expr.subs(floats(point, digits))


def placed(expr: sp.Expr, name: sp.Symbol, at: sp.Expr) -> sp.Expr:
    """The expression at a place; nan where it means nothing there, such as Max(0, 1/0)."""
    try:
        return expr.subs(name, at)
    except ValueError:
        return sp.nan


def all_equal(expr: sp.Expr) -> sp.Expr:
    """A joint expression at the vector whose d features all equal ``a``."""
    d = symbols.d
    expr = expr.replace(Total, lambda f: d * f)
    return expr.replace(Multiple, lambda f: f**d).replace(Largest, lambda f: f)


def value_at(expr: sp.Expr, point: Point, digits: int = 15) -> complex | None:
    """The value at a point as a complex number, or None where it cannot be computed.

    An infinite value is ±inf; joint expressions are evaluated with all features equal.
    """
    try:
        at = substitute(all_equal(expr), point, digits)  # functions such as erfinv may refuse here
        if at in (sp.oo, -sp.oo):
            return complex(float(at), 0.0)
        number = sp.N(at, digits)
        if number in (sp.oo, -sp.oo):
            return complex(float(number), 0.0)
        return complex(number) if number.is_number and number is not sp.nan else None
    except UNCOMPUTABLE:
        return None


_SPECIAL = {
    "lowergamma": lambda s, x: mp.gammainc(s, 0, x),
    "uppergamma": lambda s, x: mp.gammainc(s, x, mp.inf),
    "expint": lambda n, x: mp.expint(n, x),
    "besselk": besselk,
    "Heaviside": lambda x, *_: mp.mpf(x > 0),
}


def function(args: Sequence[sp.Symbol], expr: sp.Expr) -> Callable[..., Real]:
    """An mpmath function of the arguments that computes the expression at the current precision.

    What occurs twice is computed once, but not across the pieces of a Piecewise: there a part may
    mean nothing outside its own.
    """
    shared = not expr.has(sp.Piecewise)
    return sp.lambdify(list(args), expr, [_SPECIAL, "mpmath"], cse=shared)


LARGE = 1_000


@lru_cache(maxsize=4096)
def simplified(expr: sp.Expr) -> sp.Expr:
    """``sympy.simplify``, by a short way where there is one, left out for huge powers.

    c·log n is rewritten as log n^c by it; with fitted numbers for c and n that is a number of
    billions of digits.
    """
    if expr.is_Atom:
        return expr
    numbers = [n for n in expr.atoms(sp.Rational) if max(abs(n.p), n.q) > LARGE]
    if numbers and expr.has(sp.log, sp.exp, sp.Pow):
        return expr
    if expr.is_rational_function():
        return sp.factor(expr)
    if not expr.has(sp.Function):
        short = sp.powsimp(sp.powdenest(expr))
        if short.is_Atom or sp.count_ops(short) <= 3:
            return short
    return sp.simplify(expr)


_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


def samples(names: Iterable[sp.Symbol], count: int) -> list[dict[sp.Symbol, sp.Expr]]:
    """Fixed, unremarkable rational points: spread over about 0.3 … 3, no special values.

    The k-th value of the i-th parameter is a Weyl sequence in √prime, so closed forms that
    hold only at integers or half-integers are caught, and runs are reproducible.
    """
    points = []
    ordered = sorted(names, key=str)
    for k in range(1, count + 1):
        point = {}
        for i, name in enumerate(ordered):
            phase = (k * _PRIMES[i % len(_PRIMES)] ** 0.5 * (1 + i // len(_PRIMES))) % 1
            value = sp.Rational(round(10_000 * 0.3 * 10**phase), 10_007)
            point[name] = sp.Integer(1 + k) if name == symbols.d else value
        points.append(point)
    return points
