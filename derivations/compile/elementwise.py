"""What every backend evaluates for one feature: functions of (a, θ) closed under differentiation.

A penalty on the real domain is two half lines, φ₊ for a ≥ 0 and φ₋ for a ≤ 0, equal when φ is even.
``Elementwise`` is a partial derivative of it, knowing its parity, its order and its value at a = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sympy as sp

from neglog.derivations.compile.accuracy import BITS
from neglog.derivations.compile.halfline import HalfLine
from neglog.derivations.compile.program import Program, Table, lower
from neglog.derivations.compile.twofold import bind, lower_twofold
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y

Numbers = Mapping[sp.Symbol, sp.Expr]


@dataclass(frozen=True, eq=False)
class Elementwise:
    """A partial derivative ∂ⁿ/∂aⁿ… of c-free φ(a; θ) − φ(0; θ) on one feature.

    Attributes:
        right: the function of y = a for a ≥ 0.
        left: of y = −a for a ≤ 0; None on the positive domain, where a < 0 is read as 0.
        symbols: θ, in the order a backend passes their values after ``a``.
        order: how often it was differentiated in ``a``.
        guarded: whether an infinite gradient may meet it (an outer function's at its origin).
    """

    right: HalfLine
    left: HalfLine | None
    symbols: tuple[sp.Symbol, ...]
    order: int = 0
    guarded: bool = False
    _partials: dict[int, Elementwise] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        expr: sp.Expr,
        domain: str,
        symbols: tuple[sp.Symbol, ...],
        numbers: Numbers,
        from_zero: bool = True,
    ) -> Elementwise:
        """φ from its expression in ``a``; ``numbers`` has a value for each of ``symbols``."""
        origin = expr.subs(a, 0)
        right = HalfLine.of(expr.subs(a, y), numbers, from_zero, origin)
        if domain == "positive":
            return cls(right, None, symbols)
        even = Penalty(expr, "real").on_half_line is not None
        return cls(
            right,
            right if even else HalfLine.of(expr.subs(a, -y), numbers, from_zero, origin),
            symbols,
        )

    @property
    def inputs(self) -> tuple[sp.Symbol, ...]:
        """What a backend passes, in order: a, then θ."""
        return (a, *self.symbols)

    @property
    def even(self) -> bool:
        """Whether both half lines are one expression (φ even; its derivatives alternate)."""
        return self.left is self.right

    @property
    def odd_order(self) -> bool:
        """Whether a sign multiplies the left half line."""
        return self.order % 2 == 1

    def partial(self, index: int) -> Elementwise:
        """∂/∂a for index 0, ∂/∂θᵢ for index i + 1 (computed once)."""
        if index not in self._partials:
            symbol = y if index == 0 else self.symbols[index - 1]
            right = self.right.partial(symbol)
            left = self.left
            if left is not None:
                left = right if self.even else left.partial(symbol)
            order = self.order + (index == 0)
            self._partials[index] = Elementwise(right, left, self.symbols, order, self.guarded)
        return self._partials[index]

    @cached_property
    def program(self) -> Program:
        """(y, θ…) → the half lines; one output where they agree or the domain is positive."""
        return lower([y, *self.symbols], self._forms)

    @cached_property
    def folded_program(self) -> Program:
        """The same with its constants to 40 digits, for twofold arithmetic."""
        return lower_twofold([y, *self.symbols], self._forms)

    @property
    def _forms(self) -> list[sp.Expr]:
        return [side.form for side in self._sides]

    @property
    def _sides(self) -> list[HalfLine]:
        return [self.right] if self.left is None or self.even else [self.right, self.left]

    @cached_property
    def wide(self) -> bool:
        """Whether float32 is computed in float64, or twofold where there is no float64."""
        return any(side.chosen.wide for side in self._sides)

    @cached_property
    def folded(self) -> bool:
        """Whether float64 is computed twofold."""
        return any(side.chosen.folded for side in self._sides)

    @cached_property
    def lost(self) -> bool:
        """Whether plain float64 would not even give a float32's digits."""
        return any(side.chosen.lost for side in self._sides)

    def bind(self, table: Table, folded: bool) -> Callable[..., tuple[Any, ...]]:
        """The program with a backend's primitives, in float64 where it is ``folded``."""
        return bind(self.folded_program, table, 53) if folded else self.program.bind(table)

    def bind_measured(self, table: Table, kind: type) -> Callable[..., tuple[Any, ...]]:
        """The program that keeps most digits of ``kind`` with this table's functions."""
        sides = [side.on(table, kind) for side in self._sides]
        folded = any(two for _, two in sides)
        forms = [form for form, _ in sides]
        inputs = [y, *self.symbols]
        if folded:
            return bind(lower_twofold(inputs, forms), table, BITS[kind])
        return lower(inputs, forms).bind(table)

    @cached_property
    def unbounded(self) -> bool:
        """Whether ∞ may meet 0 in gradient·value, or in sign(a)·value, at a = 0."""
        sides = [self.right, *([self.left] if self.left is not None else [])]
        return self.guarded or any(not math.isfinite(s.number_at_zero) for s in sides)

    @cached_property
    def at_zero(self) -> float | None:
        """The value at a = 0 where it is not simply the right half line's.

        For a first derivative on the real domain the minimal-norm element of [−φ₋'(0), φ₊'(0)].
        """
        if self.left is None or not self.odd_order:
            return None
        if self.even:
            return 0.0
        low, high = -self.left.number_at_zero, self.right.number_at_zero
        return 0.0 if low * high <= 0 else min(low, high, key=abs)
