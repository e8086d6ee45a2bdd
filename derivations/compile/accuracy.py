"""How many units in the last place a form loses, against mpmath on a grid of y."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp

from neglog.derivations.compile import numpy_backend, reference
from neglog.derivations.compile.program import lower
from neglog.priors.errors import InputError
from neglog.priors.symbols import y

GRID = tuple(
    np.float32(x)
    for x in [
        *(10.0 ** np.arange(-30, 31, 5)),
        3e-4,
        2e-3,
        0.017,
        0.13,
        0.4,
        0.93,
        1.7,
        5.3,
        23,
        91,
    ]
)
FEW = tuple(np.float32(x) for x in (1e-12, 1e-4, 0.03, 0.4, 0.93, 2.3, 17, 300))


class Truth:
    """The exact values of an expression in ``y`` on the grid.

    Args:
        meant: what is evaluated, as it stands, with 120 digits.
        numbers: a value for each parameter.
    """

    def __init__(self, meant: sp.Expr, numbers: tuple[tuple[sp.Symbol, sp.Expr], ...]) -> None:
        self.meant, self.numbers = meant, dict(numbers)
        self.grid, self.digits = (FEW, 50) if reference.is_costly(meant) else (GRID, 120)

    @cached_property
    def values(self) -> list[Any]:
        """The mpmath value at each grid point, None where there is none."""
        try:
            exact = reference.function([y], [self.meant.subs(self.numbers)], self.digits)
        except (InputError, *reference.NO_VALUE):
            return [None] * len(self.grid)
        values = []
        for x in self.grid:
            try:
                values.append(exact(float(x))[0])
            except reference.NO_VALUE:
                values.append(None)
        return values

    def ulps(self, form: sp.Expr, dtype: type) -> float:
        """The largest error of ``form`` in ``dtype``; ∞ where it cannot be evaluated at all."""
        try:
            run = lower([y], [form.subs(self.numbers)]).bind(numpy_backend.TABLE)
            with np.errstate(all="ignore"):
                (got,) = run(np.array(self.grid, dtype=dtype))
        except (InputError, TypeError, ValueError):
            return np.inf
        pairs = zip(np.broadcast_to(got, len(self.grid)), self.values, strict=True)
        return max((distance(v, t, dtype) for v, t in pairs if t is not None), default=np.inf)


def distance(value: float, true: Any, dtype: type) -> float:
    """|value − true| in ulps of ``dtype`` at the true value; a rightful overflow counts 0."""
    info = np.finfo(dtype)
    if mp.isnan(true):
        return 0.0
    if abs(true) > float(info.max):
        return 0.0 if abs(value) >= info.max * 0.999999 else float("inf")
    if not np.isfinite(value):
        return float("inf")
    size = max(abs(float(true)), float(info.tiny))
    return float(abs(mp.mpf(float(value)) - true) / float(np.spacing(dtype(size))))
