"""The outer function of a joint penalty, G(R₁, …, R_k; θ), closed under differentiation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import sympy as sp

from neglog.derivations.compile.kinks import as_pieces
from neglog.derivations.compile.program import Program, lower
from neglog.derivations.compile.rules import prepare, tidy
from neglog.derivations.compile.stable import Differences

Numbers = Mapping[sp.Symbol, sp.Expr]


@dataclass(frozen=True, eq=False)
class Outer:
    """G or a partial derivative; G(R) − G(0) where ``from_zero`` and G(0) is finite."""

    meant: sp.Expr
    reductions: tuple[sp.Symbol, ...]
    symbols: tuple[sp.Symbol, ...]
    numbers: tuple[tuple[sp.Symbol, sp.Expr], ...]
    from_zero: bool = True
    _partials: dict[int, Outer] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        expr: sp.Expr,
        reductions: tuple[sp.Symbol, ...],
        symbols: tuple[sp.Symbol, ...],
        numbers: Numbers,
    ) -> Outer:
        """G from its expression in the reductions, which vanish at the zero vector."""
        pairs = tuple(sorted(numbers.items(), key=str))
        return cls(prepare(as_pieces(expr)), reductions, symbols, pairs)

    def partial(self, index: int) -> Outer:
        """∂G/∂Rᵢ for i < k, then ∂G/∂θ."""
        if index not in self._partials:
            symbol = (*self.reductions, *self.symbols)[index]
            from_zero = self.from_zero and index >= len(self.reductions)
            derivative = tidy(sp.diff(self.meant, symbol))
            self._partials[index] = Outer(
                derivative, self.reductions, self.symbols, self.numbers, from_zero
            )
        return self._partials[index]

    @cached_property
    def form(self) -> sp.Expr:
        """The expression to evaluate."""
        differences = Differences(self.reductions, dict(self.numbers))
        if self.from_zero and differences.at_origin(self.meant) is not sp.nan:
            return differences.delta(self.meant)
        return differences.stable(self.meant)

    @cached_property
    def program(self) -> Program:
        """(R…, θ…) → G."""
        return lower([*self.reductions, *self.symbols], [self.form])
