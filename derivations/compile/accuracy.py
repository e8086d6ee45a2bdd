"""How many units in the last place a form loses, against mpmath on grids of y.

Each type has its own grid, of numbers that fill its digits: a float32's square is exact in float64
and would hide what e^(−y²) loses there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import mpmath as mp
import numpy as np
import sympy as sp

from neglog.derivations.compile import numpy_backend, reference, twofold
from neglog.derivations.compile.program import Table, lower
from neglog.priors.errors import InputError
from neglog.priors.symbols import y

Numbers = tuple[tuple[sp.Symbol, sp.Expr], ...]
FAR = np.arange(-30, 31, 1)
NEAR = np.geomspace(2.9e-4, 287.0, 120)
DENORMAL = (np.float32(1.1e-40),)  # what a float32 penalty may meet below its normal numbers
FEW = (1e-30, 1.3e-12, 1.1e-4, 0.031, 0.17, 0.43, 0.93, 2.3, 4.7, 17.3, 301.0, 1.7e9, 1.3e20)
LENGTH = 256
BITS: dict[Any, int] = {np.float32: 24, np.float64: 53}
BESIDE = (1 - 2e-3, 1 - 1e-5, 1 + 1e-5, 1 + 2e-3)  # looked at around a zero and a breakpoint


class Truth:
    """The exact values of an expression in ``y`` on the grids.

    Args:
        meant: what is evaluated, as it stands, with 120 digits.
        numbers: a value for each parameter.
        breaks: where pieces meet.
    """

    def __init__(self, meant: sp.Expr, numbers: Numbers, breaks: Sequence[float] = ()) -> None:
        self.meant, self.numbers = meant, dict(numbers)
        costly = reference.is_costly(meant)
        self.digits = 50 if costly else 120
        xs = np.array(FEW) if costly else np.concatenate([10.0**FAR * 1.137, NEAR])
        beside = [b * f for b in breaks if 1e-20 < b < 1e20 for f in BESIDE]
        self.start = np.unique(np.concatenate([xs, beside]))

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_exact"}  # a closure: made again

    @cached_property
    def _exact(self) -> Any:
        try:
            return reference.function([y], [self.meant.subs(self.numbers)], self.digits)
        except InputError:
            return None

    @cached_property
    def grids(self) -> dict[type, np.ndarray]:
        """The numbers looked at by type: the usual ones, and those beside the zeros."""
        values = self._values(self.start)
        zeros = []
        for i in range(len(values) - 1):
            low, high = values[i], values[i + 1]
            if low is not None and high is not None and low * high < 0:
                zeros += [self._zero(self.start[i], self.start[i + 1]) * f for f in BESIDE]
        xs = np.unique(np.concatenate([self.start, zeros]))
        return {np.float32: np.unique([*DENORMAL, *xs.astype(np.float32)]), np.float64: xs}

    def _zero(self, low: float, high: float) -> float:
        """A change of sign between two numbers, by bisection."""
        below = self._values([low])[0]
        for _ in range(24):
            middle = float(np.sqrt(low * high))
            value = self._values([middle])[0]
            if value is None or value * below <= 0:
                high = middle
            else:
                low = middle
        return low

    @cached_property
    def values(self) -> dict[type, list[Any]]:
        """The mpmath value at each number of each grid, None where there is none."""
        return {kind: self._values(xs) for kind, xs in self.grids.items()}

    def _values(self, xs: Any) -> list[Any]:
        values: list[Any] = []
        for x in xs:
            try:
                value = self._exact(float(x))[0] if self._exact else None
                values.append(None if value is not None and mp.isnan(value) else value)
            except reference.NO_VALUE:
                values.append(None)
        return values

    def errors(
        self,
        form: sp.Expr,
        kind: type,
        folded: bool = False,
        table: Table | None = None,
        flushes: bool = True,
    ) -> np.ndarray:
        """The error of ``form`` at each number of the grid, in ulps; ∞ if it cannot be computed.

        Args:
            form: an expression in ``y`` and the parameters.
            kind: np.float32 or np.float64.
            folded: in twofold arithmetic.
            table: another backend's primitives.
            flushes: whether that backend takes what is below the normal numbers for 0.
        """
        xs, truths = self.grids[kind], self.values[kind]
        least = float(np.finfo(kind).tiny) if table is not None and flushes else 0.0
        form = form.subs(self.numbers)
        try:
            got = self._run(form, kind, folded, table)
        except (InputError, TypeError, ValueError):
            return np.full(len(xs), np.inf)
        errors = np.zeros(len(xs))
        for i, (x, value, true) in enumerate(zip(xs, got, truths, strict=True)):
            flushed = true is not None and abs(true) < least and abs(value) <= least
            if true is not None and x >= least and not flushed:
                errors[i] = distance(value, true, kind)
        return errors

    def _run(self, form: sp.Expr, kind: type, folded: bool, table: Table | None) -> np.ndarray:
        if folded:
            program = twofold.lower_twofold([y], [form])
            run = twofold.bind(program, table or numpy_backend.TABLE, BITS[kind])
        else:
            run = lower([y], [form]).bind(table or numpy_backend.TABLE)
        xs: Any = np.array(self.grids[kind], dtype=kind)
        count = len(xs)
        if table is not None:  # one length for all, so that a compiler's cache serves again
            xs = table["array"](np.concatenate([xs, np.ones(max(LENGTH - count, 0), kind)]))
        with np.errstate(all="ignore"):
            (got,) = run(xs)
        return np.broadcast_to(np.asarray(got), len(xs))[:count]


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
