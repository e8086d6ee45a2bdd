"""The outer function of a joint penalty, G(R₁, …, R_k; θ), closed under differentiation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import sympy as sp

from neglog.derivations.compile import numpy_backend
from neglog.derivations.compile.kinks import as_pieces
from neglog.derivations.compile.program import Program, lower
from neglog.derivations.compile.rules import prepare, tidy
from neglog.derivations.compile.stable import Differences
from neglog.derivations.compile.zero import is_finite

Numbers = Mapping[sp.Symbol, sp.Expr]


@dataclass(frozen=True, eq=False)
class Outer:
    """G or a partial derivative; G(R) − G(0) where ``from_zero`` and G(0) is finite."""

    meant: sp.Expr
    reductions: tuple[sp.Symbol, ...]
    symbols: tuple[sp.Symbol, ...]
    numbers: tuple[tuple[sp.Symbol, sp.Expr], ...]
    limit: sp.Expr
    from_zero: bool = True
    _partials: dict[int, Outer] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        expr: sp.Expr,
        reductions: tuple[sp.Symbol, ...],
        symbols: tuple[sp.Symbol, ...],
        numbers: Numbers,
        limit: sp.Expr,
    ) -> Outer:
        """G from its expression in the reductions, which vanish at the zero vector.

        ``limit`` is φ's limit along one axis, used where G(0) is not defined.
        """
        pairs = tuple(sorted(numbers.items(), key=str))
        return cls(prepare(as_pieces(expr)), reductions, symbols, pairs, limit)

    @property
    def inputs(self) -> tuple[sp.Symbol, ...]:
        """What a backend passes, in order: R, then θ."""
        return (*self.reductions, *self.symbols)

    def partial(self, index: int) -> Outer:
        """∂G/∂Rᵢ for i < k, then ∂G/∂θ."""
        if index not in self._partials:
            symbol = (*self.reductions, *self.symbols)[index]
            from_zero = self.from_zero and index >= len(self.reductions)
            derivative = tidy(sp.diff(self.meant, symbol))
            self._partials[index] = Outer(
                derivative, self.reductions, self.symbols, self.numbers, sp.S.Zero, from_zero
            )
        return self._partials[index]

    @cached_property
    def form(self) -> sp.Expr:
        """The expression to evaluate."""
        differences = Differences(self.reductions, dict(self.numbers))
        subtract = (
            self.from_zero and self.reductions and is_finite(differences.at_origin(self.meant))
        )
        form = differences.delta(self.meant) if subtract else differences.stable(self.meant)
        if not self.reductions or not self._undefined_at_origin(form):
            return form
        origin = sp.And(*[sp.Eq(r, 0) for r in self.reductions])
        value = self.limit if is_finite(self.limit) else sp.S.Zero
        return sp.Piecewise((value, origin), (form, True))

    @property
    def unbounded(self) -> bool:
        """Whether ∞ may meet 0 where it is multiplied (always guarded: it is small)."""
        return True

    @cached_property
    def steep(self) -> bool:
        """Whether it is infinite at the zero vector, as √R's slope is."""
        return not np.isfinite(self._at_origin(self.form))

    def _undefined_at_origin(self, form: sp.Expr) -> bool:
        return bool(np.isnan(self._at_origin(form)))

    def _at_origin(self, form: sp.Expr) -> float:
        run = numpy_backend.function([*self.reductions, *self.symbols], [form])
        numbers = dict(self.numbers)
        (value,) = run(*[0.0] * len(self.reductions), *[float(numbers[s]) for s in self.symbols])
        return float(value)

    @cached_property
    def program(self) -> Program:
        """(R…, θ…) → G."""
        return lower([*self.reductions, *self.symbols], [self.form])
