"""A function on the half line y ≥ 0 with its derivatives, each as one stable expression.

``HalfLine`` holds φ(y; θ) as it was meant; ``form`` gives what is evaluated: rewritten without
cancellation or overflow, with its limit at 0 and its kinks settled. Differentiation always starts
from the meant expression, never from the rewritten one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy as sp

from neglog.derivations.compile import kinks, numpy_backend
from neglog.derivations.compile.accuracy import ulps
from neglog.derivations.compile.large import overflow_free
from neglog.derivations.compile.program import to_float
from neglog.derivations.compile.rules import prepare, tidy
from neglog.derivations.compile.stable import Differences
from neglog.derivations.compile.zero import limit_at_zero
from neglog.priors.symbols import y

Numbers = Mapping[sp.Symbol, sp.Expr]
WIDE_ULPS = 3.0


def _finite(limit: sp.Expr) -> bool:
    return not limit.has(sp.nan, sp.oo, -sp.oo)


@dataclass(frozen=True)
class HalfLine:
    """h(y; θ), or h(y; θ) − h(0; θ) where ``from_zero``, for y ≥ 0.

    Attributes:
        meant: the expression in ``y`` and θ, prepared for differentiation.
        numbers: a value for each θ, at which limits and kinks are decided.
        from_zero: subtract the value at 0 where that is finite.
        slope: whether this is a derivative in y (kinks then follow the convention).
    """

    meant: sp.Expr
    numbers: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    from_zero: bool = True
    slope: bool = False

    @classmethod
    def of(cls, expr: sp.Expr, numbers: Numbers) -> HalfLine:
        """The half line of an expression in ``y``."""
        return cls(prepare(kinks.as_pieces(expr)), tuple(sorted(numbers.items(), key=str)))

    def partial(self, symbol: sp.Symbol) -> HalfLine:
        """∂h/∂y (a slope, nothing subtracted) or ∂h/∂θ."""
        derivative = tidy(sp.diff(self.meant, symbol))
        if symbol == y:
            return HalfLine(derivative, self.numbers, from_zero=False, slope=True)
        return HalfLine(derivative, self.numbers, self.from_zero, self.slope)

    @cached_property
    def at_zero(self) -> sp.Expr:
        """lim h(y) − (h(0) where subtracted) as y → 0⁺."""
        limit = limit_at_zero(self.meant, y, dict(self.numbers))
        return sp.S.Zero if self.from_zero and _finite(limit) else limit

    @cached_property
    def start(self) -> sp.Expr:
        """h(0) where finite, else 0: what is subtracted."""
        limit = limit_at_zero(self.meant, y, dict(self.numbers))
        return limit if _finite(limit) else sp.S.Zero

    @cached_property
    def differences(self) -> Differences:
        return Differences([y], dict(self.numbers))

    @cached_property
    def form(self) -> sp.Expr:
        """The expression to evaluate."""
        meant = self.meant
        if self.slope:
            meant = kinks.settle(meant, y, dict(self.numbers))
        if self.from_zero and self.differences.at_origin(meant) is not sp.nan:
            form = self.differences.delta(meant)
        else:
            form = self.differences.stable(meant) - (self.start if self.from_zero else 0)
        form = overflow_free(form, y)
        return (
            form
            if self._right_at_zero(form)
            else sp.Piecewise((self.at_zero, sp.Eq(y, 0)), (form, True))
        )

    def _right_at_zero(self, form: sp.Expr) -> bool:
        """Whether plain evaluation at y = 0 gives the limit (it may be NaN, or off by a rounding)."""
        if self.at_zero is sp.nan:
            return True
        symbols = [y, *(s for s, _ in self.numbers)]
        run = numpy_backend.function(symbols, [form])
        (value,) = run(0.0, *[float(v) for _, v in self.numbers])
        return bool(value == self.number_at_zero)

    @cached_property
    def number_at_zero(self) -> float:
        """``at_zero`` as a number, at the given numbers."""
        return to_float(self.at_zero.subs(dict(self.numbers)))

    @cached_property
    def wide(self) -> bool:
        """Whether float32 arithmetic loses more than a few ulps, so that float64 is used inside."""
        meant = self.meant - self.start if self.from_zero else self.meant
        return ulps(self.form, meant, self.numbers, np.float32) > WIDE_ULPS
