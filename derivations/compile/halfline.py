"""A function on the half line y ≥ 0 with its derivatives, each as one stable expression.

``HalfLine`` holds φ(y; θ) as it was meant; ``form`` gives what is evaluated: rewritten without
cancellation or overflow, with its limit at 0 and its kinks settled. Differentiation always starts
from the meant expression, never from the rewritten one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp
from sympy.core.relational import Relational

from neglog.derivations.compile import kinks, nodes, numpy_backend
from neglog.derivations.compile.forms import Chosen, choose
from neglog.derivations.compile.program import Table, to_float
from neglog.derivations.compile.rules import prepare, tidy
from neglog.derivations.compile.stable import Differences
from neglog.derivations.compile.zero import is_finite, limit_at_zero
from neglog.priors.symbols import y

Numbers = Mapping[sp.Symbol, sp.Expr]


@dataclass(frozen=True)
class HalfLine:
    """h(y; θ), or h(y; θ) − h(0; θ) where ``from_zero``, for y ≥ 0.

    Attributes:
        meant: the expression in ``y`` and θ, prepared for differentiation.
        numbers: a value for each θ, at which limits and kinks are decided.
        from_zero: subtract the value at 0 where that is finite.
        origin: the value at 0 itself, which differs from the limit where φ jumps there (L0).
        slope: whether this is a derivative in y (kinks then follow the convention).
    """

    meant: sp.Expr
    numbers: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    from_zero: bool = True
    slope: bool = False
    origin: sp.Expr | None = None

    @classmethod
    def of(
        cls,
        expr: sp.Expr,
        numbers: Numbers,
        from_zero: bool = True,
        origin: sp.Expr | None = None,
    ) -> HalfLine:
        """The half line of an expression in ``y``; ``origin`` is its value at 0 itself."""
        pairs = tuple(sorted(numbers.items(), key=str))
        return cls(prepare(kinks.as_pieces(expr)), pairs, from_zero, origin=origin)

    def partial(self, symbol: sp.Symbol) -> HalfLine:
        """∂h/∂y (a slope, nothing subtracted) or ∂h/∂θ."""
        derivative = tidy(sp.diff(self.meant, symbol))
        if symbol == y:
            return HalfLine(derivative, self.numbers, from_zero=False, slope=True)
        return HalfLine(derivative, self.numbers, self.from_zero, self.slope)

    @cached_property
    def limit(self) -> sp.Expr:
        """lim h(y) as y → 0⁺, before anything is subtracted."""
        exact = Differences([y], dict(self.numbers)).at_origin(self.meant)
        return exact if is_finite(exact) else limit_at_zero(self.meant, y, dict(self.numbers))

    @cached_property
    def start(self) -> sp.Expr | None:
        """What is subtracted: h(0), where wanted and finite."""
        return self.limit if self.from_zero and is_finite(self.limit) else None

    @cached_property
    def at_zero(self) -> sp.Expr:
        """The limit at 0⁺ of what is evaluated."""
        return self.limit if self.start is None else sp.S.Zero

    @cached_property
    def number_at_zero(self) -> float:
        """``at_zero`` as a number, at the given numbers."""
        return to_float(self.at_zero.subs(dict(self.numbers)))

    @cached_property
    def chosen(self) -> Chosen:
        """The form to evaluate and the arithmetic it needs."""
        settled = kinks.settle(self.meant, y, dict(self.numbers)) if self.slope else self.meant
        chosen = choose(settled, self.start, self.numbers, self.breaks)
        form = self._at_the_ends(chosen.form)
        # Normal moves numbers below float32's normal range; in float64 none of those is there.
        return replace(chosen, form=form, wide=chosen.wide or form.has(nodes.Normal))

    def on(self, table: Table, kind: type) -> tuple[sp.Expr, bool]:
        """(the form, twofold?) that keeps most digits of ``kind`` with a backend's functions."""
        place, folded = self.chosen.on(table, kind)
        return self._at_the_ends(self.chosen.ranked[place]), folded

    def _at_the_ends(self, form: sp.Expr) -> sp.Expr:
        """``form`` with its limit, or the jump's lower value, at 0."""
        if self.at_zero is not sp.nan:
            value = self._evaluated_at_zero(form)
            if math.isnan(value):  # 0·∞ below the normal numbers too
                form = form.xreplace({y: nodes.Normal(y)})
            if value != self.number_at_zero:
                form = nodes.AtZero(y, self.at_zero, form)
        if self.jump != 0:
            form = nodes.AtZero(y, sp.S.Zero, form + self.jump)
        return form

    @cached_property
    def breaks(self) -> tuple[float, ...]:
        """Where pieces meet on y > 0, at the given numbers."""
        relations = [r for r in self.meant.atoms(Relational) if r.has(y)]
        points = (p.subs(dict(self.numbers)) for p in kinks.boundaries(relations, y))
        return tuple(sorted(float(p) for p in points if p.is_number and p.is_real and p > 0))

    @cached_property
    def jump(self) -> sp.Expr:
        """h(0⁺) − h(0) where both are finite: what L0 pays for leaving 0."""
        if self.start is None or self.origin is None or not is_finite(self.origin):
            return sp.S.Zero
        gap = self.limit - self.origin
        # Two spellings of one number differ symbolically: only the size can tell.
        return gap if abs(to_float(gap.subs(dict(self.numbers)))) > 1e-20 else sp.S.Zero

    @property
    def form(self) -> sp.Expr:
        """The expression to evaluate."""
        return self.chosen.form

    def _evaluated_at_zero(self, form: sp.Expr) -> float:
        """What plain evaluation gives at y = 0: the limit, or NaN, or the limit but a rounding."""
        symbols = [y, *(s for s, _ in self.numbers)]
        run = numpy_backend.function(symbols, [form])
        return float(run(0.0, *[float(v) for _, v in self.numbers])[0])
