"""A compiled penalty against mpmath over the range of its type: value and gradient, in ulps.

The truth is the expression as written, evaluated with as many digits as it takes for two
precisions to agree: cancellation in it costs time and no correctness.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp

from neglog.derivations.compile import reference, zero
from neglog.derivations.compile.accuracy import distance
from neglog.derivations.compile.arguments import exact
from neglog.derivations.compile.kinks import as_pieces
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y

DIGITS = (50, 100, 200, 400, 1000)
AGREE = mp.mpf(10) ** -25
NOTHING = mp.mpf(10) ** -400

# Where a penalty is looked at: the ends of the range, its decades, and densely where things happen.
DECADES = tuple(float(np.float32(1.09 * 10.0**k)) for k in range(-30, 31, 3))  # off any kink
MIDDLE = tuple(float(x) for x in np.geomspace(1.3e-4, 310.0, 40).astype(np.float32))
DENORMAL = (float(np.float32(1e-40)), float(np.float32(3e-39)))
FINE = tuple(float(x) for x in np.geomspace(1.7e-4, 290.0, 15))  # all of a float64's digits
MAGNITUDES = tuple(sorted({*DENORMAL, *DECADES, *MIDDLE}))


@dataclass(frozen=True)
class Worst:
    """The largest error found, in ulps, and where.

    Attributes:
        ulp: the error; ∞ where a finite value came out as NaN or ∞ (or the reverse).
        at: the activation; got: what was computed there; true: the exact value's float.
    """

    ulp: float
    at: float
    got: float
    true: float


class Truth:
    """φ(a) − φ(0) and φ'(a) of a scalar penalty by mpmath.

    Args:
        penalty: the penalty.
        params: a number for each parameter.
    """

    def __init__(self, penalty: Penalty, params: dict[str, float]) -> None:
        numbers = {s: exact(params[str(s)]) for s in penalty.parameters}
        expr = penalty.expr.subs(numbers)
        self._least = mp.mpf(0)  # below it the start's own digits run out
        start = expr.subs(a, 0)  # the value itself: L0 jumps there
        if not zero.is_finite(start) or start.has(sp.besselk, sp.expint):
            limit = zero.numeric_limit(as_pieces(expr.subs(a, y)), y, {})
            start = limit if zero.is_finite(limit) else sp.S.Zero
            self._least = mp.mpf(str(sp.Abs(start).evalf(30))) * mp.mpf("1e-20")
        self._sides: dict[bool, tuple[list[sp.Expr], bool]] = {}
        for right in (True, False):
            side = as_pieces(expr.subs(a, y if right else -y))
            forms = [side - start, sp.diff(side, y) if right else -sp.diff(side, y)]
            self._sides[right] = (forms, reference.is_costly(side))
        self._at: Callable[[float], tuple[Any, Any]] = lru_cache(maxsize=None)(self._compute)

    def at(self, x: float) -> tuple[Any, Any]:
        """(φ(x) − φ(0), φ'(x)) as mpmath numbers, None where there is none."""
        return self._at(float(x))

    def _compute(self, x: float) -> tuple[Any, Any]:
        forms, _ = self._sides[x > 0]
        value, slope = _settled(forms[0], abs(x)), _settled(forms[1], abs(x))
        return (None if value is not None and abs(value) < self._least else value), slope


def _settled(form: sp.Expr, x: float) -> Any:
    """The value to 25 digits, None where no precision gives one."""
    before = None
    for digits in DIGITS:
        try:
            (value,) = _function(form, digits)(x)
        except reference.NO_VALUE:
            value = None
        if value is not None and before is not None and value != 0:
            if mp.isnan(value) or mp.isinf(value):
                return value if str(value) == str(before) else None
            with mp.workdps(40):
                if abs(value - before) <= AGREE * abs(value) + NOTHING:
                    return value
        before = value
    return before


@lru_cache(maxsize=4096)
def _function(form: sp.Expr, digits: int) -> Callable[..., tuple[Any, ...]]:
    return reference.function([y], [form], digits)


def points(penalty: Penalty, dtype: Any = np.float32) -> np.ndarray:
    """The activations looked at: both signs on the real domain."""
    fine = FINE if dtype is np.float64 else ()
    xs = np.array([*MAGNITUDES, *fine], dtype=dtype)
    return xs if penalty.domain == "positive" else np.concatenate([xs, -xs])


def worst(xs: np.ndarray, got: np.ndarray, true: Sequence[Any], dtype: Any) -> Worst:
    """The largest distance in ulps of ``dtype`` between what was got and the truth."""
    found = Worst(0.0, float("nan"), float("nan"), float("nan"))
    for x, value, exact_value in zip(xs, got, true, strict=True):
        if exact_value is None:
            continue
        error = distance(value, exact_value, dtype)
        if error > found.ulp:
            found = Worst(error, float(x), float(value), float(exact_value))
    return found


def flushed(values: Sequence[Any], dtype: Any) -> list[Any]:
    """The values with what is below the normal range taken for 0, as XLA does on a CPU."""
    least = float(np.finfo(dtype).tiny)
    return [None if v is None else type(v)(0) if abs(v) < least else v for v in values]
