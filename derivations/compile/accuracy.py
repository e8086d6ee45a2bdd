"""How many units in the last place a program loses, against mpmath on a grid of y."""

from __future__ import annotations

from collections.abc import Sequence

import mpmath as mp
import numpy as np
import sympy as sp

from neglog.derivations.compile import numpy_backend, reference
from neglog.derivations.compile.program import lower
from neglog.priors.errors import InputError
from neglog.priors.symbols import y

GRID = tuple(
    np.float32(x)
    for x in [*(10.0 ** np.arange(-30, 31, 5)), 3e-4, 2e-3, 0.017, 0.13, 0.4, 0.9, 1.7, 5.3, 23, 91]
)


def ulps(
    form: sp.Expr, meant: sp.Expr, numbers: Sequence[tuple[sp.Symbol, sp.Expr]], dtype: type
) -> float:
    """The largest error of ``form`` over the grid, in ulps of ``dtype``; ∞ where nothing is known.

    Args:
        form: the expression evaluated with NumPy in ``dtype``.
        meant: the expression evaluated with mpmath, as it stands.
        numbers: a value for each parameter.
    """
    at = dict(numbers)
    try:
        exact = reference.function([y], [meant.subs(at)])
        run = lower([y], [form.subs(at)]).bind(numpy_backend.TABLE)
        with np.errstate(all="ignore"):
            (got,) = run(np.array(GRID, dtype=dtype))
    except (InputError, TypeError, ValueError):
        return np.inf
    worst = 0.0
    for x, value in zip(GRID, np.broadcast_to(got, len(GRID)), strict=True):
        try:
            (true,) = exact(float(x))
        except (ValueError, ZeroDivisionError, TypeError, mp.NoConvergence):
            continue
        worst = max(worst, distance(value, true, dtype))
    return worst


def distance(value: float, true: mp.mpf, dtype: type) -> float:
    """|value − true| in ulps of ``dtype`` at the true value; right infinities and zeros count 0."""
    info = np.finfo(dtype)
    if mp.isnan(true):
        return 0.0
    if abs(true) > float(info.max):
        return 0.0 if abs(value) >= info.max * 0.999999 else float("inf")
    if not np.isfinite(value):
        return float("inf")
    size = max(abs(float(true)), float(info.tiny))
    unit = float(np.spacing(dtype(size)))
    return float(abs(mp.mpf(float(value)) - true) / unit)
