"""The words of the expression language, as data: name → how to build it and how many arguments.

``text.py`` parses with this table and nothing else, so what is not here cannot be said.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from neglog.priors.symbols import Largest, Multiple, Total


@dataclass(frozen=True)
class Word:
    """A function of the language: its builder and the numbers of arguments it takes."""

    build: Callable[..., Any]
    least: int = 1
    most: int = 1


def _largest(*args: sp.Expr) -> sp.Expr:
    return Largest(args[0]) if len(args) == 1 else sp.Max(*args)


def _norm(f: sp.Expr) -> sp.Expr:
    return sp.sqrt(Total(f**2))


def _indicator(condition: Any) -> sp.Expr:
    return sp.Piecewise((1, condition), (0, True))


MANY = 64

FUNCTIONS: dict[str, Word] = {
    "abs": Word(sp.Abs),
    "Abs": Word(sp.Abs),
    "sqrt": Word(sp.sqrt),
    "cbrt": Word(sp.cbrt),
    "exp": Word(sp.exp),
    "log": Word(sp.log, 1, 2),
    "ln": Word(sp.log),
    "log1p": Word(lambda x: sp.log(1 + x)),
    "expm1": Word(lambda x: sp.exp(x) - 1),
    "sin": Word(sp.sin),
    "cos": Word(sp.cos),
    "tanh": Word(sp.tanh),
    "atan": Word(sp.atan),
    "acos": Word(sp.acos),
    "asin": Word(sp.asin),
    "asinh": Word(sp.asinh),
    "acosh": Word(sp.acosh),
    "atanh": Word(sp.atanh),
    "sinh": Word(sp.sinh),
    "cosh": Word(sp.cosh),
    "sech": Word(sp.sech),
    "coth": Word(sp.coth),
    "erf": Word(sp.erf),
    "erfc": Word(sp.erfc),
    "erfi": Word(sp.erfi),
    "sign": Word(sp.sign),
    "min": Word(sp.Min, 2, MANY),
    "Min": Word(sp.Min, 2, MANY),
    "max": Word(_largest, 1, MANY),
    "Max": Word(sp.Max, 2, MANY),
    "Heaviside": Word(lambda x: sp.Piecewise((1, x > 0), (0, True))),
    "indicator": Word(_indicator),
    "gamma": Word(sp.gamma),
    "loggamma": Word(sp.loggamma),
    "digamma": Word(sp.digamma),
    "polygamma": Word(sp.polygamma, 2, 2),
    "beta": Word(sp.beta, 2, 2),
    "expint": Word(sp.expint, 2, 2),
    "E1": Word(lambda x: sp.expint(1, x)),
    "Ei": Word(sp.Ei),
    "besselk": Word(sp.besselk, 2, 2),
    "besseli": Word(sp.besseli, 2, 2),
    "besselj": Word(sp.besselj, 2, 2),
    "bessely": Word(sp.bessely, 2, 2),
    "lowergamma": Word(sp.lowergamma, 2, 2),
    "uppergamma": Word(sp.uppergamma, 2, 2),
    "LambertW": Word(sp.LambertW, 1, 2),
    "polylog": Word(sp.polylog, 2, 2),
    "zeta": Word(sp.zeta, 1, 2),
    "hyper": Word(sp.hyper, 3, 3),
    "meijerg": Word(sp.meijerg, 3, 3),
    "Rational": Word(sp.Rational, 2, 2),
    "erfinv": Word(sp.erfinv),
    "erfcinv": Word(sp.erfcinv),
    "factorial": Word(sp.factorial),
    "Eq": Word(sp.Eq, 2, 2),
    "Ne": Word(sp.Ne, 2, 2),
    "Integral": Word(sp.Integral, 2, 2),
    "sum": Word(Total),
    "prod": Word(Multiple),
    "norm": Word(_norm),
}

CONSTANTS: dict[str, sp.Expr] = {
    "pi": sp.pi,
    "E": sp.E,
    "oo": sp.oo,
    "EulerGamma": sp.EulerGamma,
    "Catalan": sp.Catalan,
    "GoldenRatio": sp.GoldenRatio,
}
