"""The one place where symbolic expressions become numpy functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy
from sympy.printing.numpy import SciPyPrinter

PRODUCTS = range(3, 9)  # powers that are written out: numpy's take fifty times as long


class _Printer(SciPyPrinter):
    """Small integer powers of a name as products."""

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        base, exponent = expr.as_base_exp()
        if base.is_Symbol and exponent.is_Integer and abs(int(exponent)) in PRODUCTS:
            product = "*".join([self._print(base)] * abs(int(exponent)))
            return f"({product})" if exponent > 0 else f"(1.0/({product}))"
        return str(super()._print_Pow(expr, rational))


def numpy_function(
    arguments: Sequence[sympy.Symbol],
    expressions: Sequence[sympy.Expr],
    known: Mapping[str, Callable[..., Any]] | None = None,
) -> Callable[..., list[Any]]:
    """A function of arrays returning every expression, common subexpressions computed once.

    An expression without arguments comes back as a plain number: callers broadcast. ``known``
    gives numbers to functions that numpy and scipy lack.
    """
    known = dict(known or {})
    settings = {
        "fully_qualified_modules": False,
        "inline": True,
        "allow_unknown_functions": True,
        "user_functions": {name: name for name in known},
    }
    return sympy.lambdify(
        list(arguments),
        list(expressions),
        modules=[known, "scipy", "numpy"],
        printer=_Printer(settings),
        cse=True,
        docstring_limit=0,
    )
