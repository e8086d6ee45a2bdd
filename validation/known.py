"""Functions that sympy lacks and densities need: symbols with slopes, and their numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from scipy import special


class log_erfc(sympy.Function):  # a function's name in an expression
    """log erfc(x), finite where erfc underflows; its slope is −2/(√π erfcx(x))."""

    def fdiff(self, argument: int = 1) -> sympy.Expr:
        return -2 / (sympy.sqrt(sympy.pi) * erfcx(self.args[0]))


class erfcx(sympy.Function):
    """exp(x²) erfc(x)."""

    def fdiff(self, argument: int = 1) -> sympy.Expr:
        return 2 * self.args[0] * erfcx(self.args[0]) - 2 / sympy.sqrt(sympy.pi)


class scaled_e1(sympy.Function):
    """eˣ E₁(x), which neither overflows nor underflows; its slope is itself − 1/x."""

    def fdiff(self, argument: int = 1) -> sympy.Expr:
        return scaled_e1(self.args[0]) - 1 / self.args[0]


def _scaled_e1(x: Any) -> Any:
    """By E₁ where eˣ is moderate, else the continued fraction 1/(x+1 − 1/(x+3 − 4/(x+5 − …)))."""
    x = np.maximum(np.asarray(x, dtype=np.float64), 1e-300)
    tail = np.zeros_like(x)
    for k in range(12, 0, -1):
        tail = k * k / (x + 2 * k + 1 - tail)
    small = np.minimum(x, 60.0)
    return np.where(x < 60, np.exp(small) * special.exp1(small), 1 / (x + 1 - tail))


def _log_erfc(x: Any) -> Any:
    return np.log(2.0) + special.log_ndtr(-np.sqrt(2.0) * np.asarray(x))


def _expint(order: Any, x: Any) -> Any:
    """E_n(x); sympy's slopes lower the order, to E₀(x) = e^(−x)/x and further."""
    if np.ndim(order) == 0 and order < 0:
        return (np.exp(-x) - order * _expint(order + 1, x)) / x
    return special.expn(order, x)


KNOWN: dict[str, Callable[..., Any]] = {"log_erfc": _log_erfc, "erfcx": special.erfcx,
                                       "expint": _expint, "scaled_e1": _scaled_e1}  # fmt: skip
