"""Numbers by scipy and mpmath, independent of the library's own quadrature."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
import sympy as sp
from scipy.integrate import quad
from table import MORE, ROWS

from neglog.derivations.api import penalty
from neglog.derivations.integrals.closed import points_where
from neglog.derivations.numbers import samples, substitute
from neglog.priors.symbols import a, lam
from neglog.priors.text import parse, parse_condition

SLOW = {str(row) for row in [*ROWS[1::2], *MORE]}


def over(rows):
    """Parametrise a test over rows of the table; half of ROWS and all of MORE are slow."""
    params = [
        pytest.param(row, id=str(row), marks=pytest.mark.slow if str(row) in SLOW else ())
        for row in rows
    ]
    return pytest.mark.parametrize("row", params)


every_row = over(ROWS)
proper_row = over([row for row in ROWS if row.proper != "never"])
more_row = over(MORE)


def points(row, count=2, when=None):
    """Sample points at which a condition (the row's own) holds with room to spare."""
    names = set(penalty(row.expr, row.domain).parameters)
    return points_where(parse_condition(when or row.when), names, count)


def same_condition(one, other):
    """Whether two conditions agree at 400 points of λ and the parameters."""
    one, other = parse_condition(one), parse_condition(other)
    names = (one.free_symbols | other.free_symbols) - {lam}
    strengths = [sp.Rational(k, 13) ** 2 for k in range(1, 41)]
    for point in samples(names, 10) if names else [{}]:
        for strength in strengths:
            at = {**point, lam: strength}
            if substitute(one, at, 20) != substitute(other, at, 20):
                return False
    return True


def density(row, point):
    """exp(−λφ) in floats; numpy overflows to inf where it must, and exp(−inf) is 0."""
    expr = substitute(-lam * penalty(row.expr, row.domain).expr, point, 20)
    exponent = sp.lambdify(a, expr, ["scipy", "numpy"])

    def f(x):
        with np.errstate(all="ignore"):
            return float(np.exp(exponent(np.float64(x))))

    return f


def integrate(row, point, weight=lambda x: 1.0):
    """∫ weight·exp(−λφ) by scipy's adaptive rule: independent of the library's quadrature."""
    f = density(row, point)
    edges = range(-120, 100, 2)  # of t = log x: heavy tails fade exponentially in t

    def both_signs(x):
        right = f(x) * weight(x)
        return right if row.domain == "positive" else right + f(-x) * weight(-x)

    def in_logs(t):
        return both_signs(np.exp(t)) * np.exp(t)

    return sum(quad(in_logs, lo, hi, limit=200)[0] for lo, hi in pairwise(edges))


def value(text, point, digits=25):
    """An expression's text at a numeric point as a float."""
    return float(substitute(parse(text), point, digits).evalf())


def scipy_law(text, point):
    """The frozen law that ``law.scipy`` writes, its numbers taken from the point."""
    name, _, inside = text.partition("(")
    positional, named = [], {}
    for part in filter(None, inside.removesuffix(")").split(", ")):
        key, equals, text = part.rpartition("=")
        number = float(substitute(parse(text), point, 20).evalf())
        if equals:
            named[key] = number
        else:
            positional.append(number)
    return getattr(scipy.stats, name)(*positional, **named)
