"""The one place where symbolic expressions become numpy functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy


def numpy_function(
    arguments: Sequence[sympy.Symbol],
    expressions: Sequence[sympy.Expr],
    known: Mapping[str, Callable[..., Any]] | None = None,
) -> Callable[..., list[Any]]:
    """A function of arrays returning every expression, common subexpressions computed once.

    An expression without arguments comes back as a plain number: callers broadcast. ``known``
    gives numbers to functions that numpy and scipy lack.
    """
    modules: list[Any] = [dict(known or {}), "scipy", "numpy"]
    return sympy.lambdify(
        list(arguments), list(expressions), modules=modules, cse=True, docstring_limit=0
    )
