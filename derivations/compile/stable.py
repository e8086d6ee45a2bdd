"""Numerically stable forms by an exact calculus of differences.

For variables that vanish at the origin, Δe = e − e(0) is computed without subtracting: sums,
products, powers and the elementary functions each have a rule, such as
Δ√u = Δu/(√u + √u₀), Δlog u = log1p(Δu/u₀), Δeᵘ = eᵘ⁰·expm1(Δu). An expression that vanishes at the
origin is its own Δ. What no rule covers is subtracted plainly and reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import mul

import sympy as sp

from neglog.derivations.compile import nodes
from neglog.derivations.compile.zero import numeric_limit

Numbers = Mapping[sp.Symbol, sp.Expr]
VANISHING = (sp.sinh, sp.tanh, sp.atan, sp.asinh, sp.atanh, sp.erf, sp.erfi, sp.sin, sp.tan)


class Differences:
    """Stable forms of expressions in ``variables``, all of which are ≥ 0 and 0 at the origin.

    Attributes:
        plain: whether some difference had to be a plain subtraction (cancels near the origin).
    """

    def __init__(self, variables: Iterable[sp.Symbol], numbers: Numbers | None = None) -> None:
        self.variables = frozenset(variables)
        self.origin = dict.fromkeys(self.variables, sp.S.Zero)
        self.memo: dict[tuple[str, sp.Expr], sp.Expr] = {}
        self.plain = False
        self.numbers = dict(numbers or {})

    def at_origin(self, e: sp.Expr) -> sp.Expr:
        """e(0) by substitution; NaN where that does not settle it."""
        if not e.free_symbols & self.variables:
            return e
        sums = {s: self._sum_at_origin(s) for s in e.atoms(nodes.LogSumExp)}
        if sp.nan in sums.values():
            return sp.nan
        e = e.xreplace(sums)
        value = e.subs(self.origin)
        if value.has(sp.nan, sp.zoo, sp.oo, -sp.oo) or _zero_power(value):
            return sp.nan
        return value

    def _sum_at_origin(self, e: nodes.LogSumExp) -> sp.Expr:
        """e(0) without the densities that vanish there (their logs are −∞)."""
        alive = [s for s in map(self._start, e.args) if s != -sp.oo]
        if not alive or sp.nan in alive:
            return sp.nan
        return nodes.LogSumExp(*alive) if len(alive) > 1 else alive[0]

    def _start(self, u: sp.Expr) -> sp.Expr:
        """u(0), or −∞ where it goes there."""
        value = self.at_origin(u)
        if value is sp.nan and len(self.variables) == 1:
            (variable,) = self.variables
            limit = numeric_limit(u, variable, self.numbers)
            return -sp.oo if limit == -sp.oo else sp.nan
        return value

    def stable(self, e: sp.Expr) -> sp.Expr:
        """e in a form without cancellation near the origin."""
        if not e.free_symbols & self.variables or e.is_Symbol:
            return e
        key = ("stable", e)
        if key not in self.memo:
            self.memo[key] = self.delta(e) if self.at_origin(e) == 0 else self._rebuild(e)
        return self.memo[key]

    def _rebuild(self, e: sp.Expr) -> sp.Expr:
        if isinstance(e, sp.Piecewise):
            return sp.Piecewise(*[(self.stable(v), c) for v, c in e.args])
        if isinstance(e, nodes.LogCosh):
            return log_cosh(self.stable(e.args[0]))
        if isinstance(e, sp.log) and (u0 := self.at_origin(e.args[0])) not in (sp.nan, 0):
            return sp.log(u0) + self.delta(e) if u0 == 1 else sp.log(self.stable(e.args[0]))
        return e.func(*[self.stable(u) for u in e.args])

    def delta(self, e: sp.Expr) -> sp.Expr:
        """e − e(0) without subtracting where a rule is known; e(0) must be finite."""
        if not e.free_symbols & self.variables:
            return sp.S.Zero
        if e.is_Symbol:
            return e
        key = ("delta", e)
        if key not in self.memo:
            self.memo[key] = self._delta(e)
        return self.memo[key]

    def _delta(self, e: sp.Expr) -> sp.Expr:
        if isinstance(e, nodes.LogSumExp):
            return self._logsumexp(e)
        if any(self.at_origin(u) is sp.nan for u in e.args if isinstance(u, sp.Expr)):
            return self._unknown(e)
        if e.is_Add:
            return sp.Add(*[self.delta(t) for t in e.args])
        if e.is_Mul:
            return self._product(list(e.args))
        if e.is_Pow:
            return self._power(e)
        if isinstance(e, sp.Piecewise):
            return self._piecewise(e)
        if isinstance(e, sp.Max | sp.Min):
            top = self.at_origin(e)
            return e.func(*[self._against(u, top) for u in e.args])
        if len(e.args) == 1:
            return self._function(e)
        return self._unknown(e)

    def _against(self, u: sp.Expr, reference: sp.Expr) -> sp.Expr:
        """u − reference, by Δ where u starts there."""
        same = sp.expand(self.at_origin(u) - reference) == 0
        return self.delta(u) if same else self.stable(u) - reference

    def _piecewise(self, e: sp.Piecewise) -> sp.Expr:
        start = self.at_origin(e)
        return sp.Piecewise(
            *[(v if v.is_infinite else self._against(v, start), c) for v, c in e.args]
        )

    def _product(self, factors: list[sp.Expr]) -> sp.Expr:
        starts = [self.at_origin(f) for f in factors]
        if 0 in starts:
            return reduce(mul, [self.stable(f) for f in factors])
        first, rest = factors[0], sp.Mul(*factors[1:])
        if not first.free_symbols & self.variables:
            return first * self.delta(rest)
        return self.stable(first) * self.delta(rest) + self.at_origin(rest) * self.delta(first)

    def _power(self, e: sp.Pow) -> sp.Expr:
        base, n = e.base, e.exp
        if n.free_symbols & self.variables or base is sp.E:
            exponent = n if base is sp.E else n * sp.log(base)
            return self.at_origin(e) * nodes.Expm1(self.delta(exponent))
        b0, b, change = self.at_origin(base), self.stable(base), self.delta(base)
        if b0 == 0:
            return b**n
        if n == sp.Rational(1, 2):
            return change / (sp.sqrt(b) + sp.sqrt(b0))
        if n == -sp.Rational(1, 2):
            return -change / (sp.sqrt(b * b0) * (sp.sqrt(b) + sp.sqrt(b0)))
        if n.is_Integer and 2 <= n <= 4:
            return change * sp.Add(*[b**i * b0 ** (n - 1 - i) for i in range(n)])
        if n.is_Integer and -4 <= n <= -1:
            m = -n
            grown = sp.Add(*[b**i * b0 ** (m - 1 - i) for i in range(m)])
            return -change * grown / (b**m * b0**m)
        return b0**n * nodes.Expm1(n * nodes.Log1p(change / b0))

    def _function(self, e: sp.Expr) -> sp.Expr:
        u = e.args[0]
        u0, change = self.at_origin(u), self.delta(u)
        if isinstance(e, sp.exp):
            return sp.exp(u0) * nodes.Expm1(change)
        if isinstance(e, sp.log):
            ratio = change / u0
            near = nodes.Log1p(ratio)
            if ratio.is_nonnegative:
                return near
            far = sp.log(self.stable(u)) - sp.log(u0)
            return sp.Piecewise((near, ratio > -sp.Rational(1, 2)), (far, True))
        if isinstance(e, sp.tanh) and u0 != 0:
            step = sp.tanh(change)
            return step * (1 - sp.tanh(u0) ** 2) / (1 + sp.tanh(u0) * step)
        if isinstance(e, sp.Abs) and u0 != 0:
            return self._piecewise(sp.Piecewise((u, u > 0), (-u, True)))
        if u0 == 0:
            if isinstance(e, VANISHING):
                return e.func(change)
            if isinstance(e, sp.cosh):
                return 2 * sp.sinh(change / 2) ** 2
            if isinstance(e, sp.cos):
                return -2 * sp.sin(change / 2) ** 2
            if isinstance(e, nodes.LogCosh):
                return log_cosh(change)
        if isinstance(e, sp.atan) and u0.is_positive and u.is_nonnegative:
            return sp.atan(change / (1 + u0 * self.stable(u)))
        if isinstance(e, sp.acosh) and u0 == 1:
            return nodes.Log1p(change + sp.sqrt(change * (change + 2)))
        return self._unknown(e)

    def _logsumexp(self, e: nodes.LogSumExp) -> sp.Expr:
        starts = [self._start(u) for u in e.args]
        whole = sum(sp.exp(s) for s in starts)
        ratio = sum(
            sp.exp(self.stable(u)) / whole
            if s == -sp.oo
            else sp.exp(s) / whole * nodes.Expm1(self.delta(u))
            for u, s in zip(e.args, starts, strict=True)
        )
        far = nodes.LogSumExp(*[self.stable(u) for u in e.args]) - sp.log(whole)
        if ratio.is_nonnegative:
            return far
        small = sp.Abs(ratio) < sp.Rational(1, 2)
        return sp.Piecewise((nodes.Log1p(ratio), small), (far, True))

    def _unknown(self, e: sp.Expr) -> sp.Expr:
        self.plain = True
        return self._rebuild(e) - self.at_origin(e)


def log_cosh(u: sp.Expr) -> sp.Expr:
    """log cosh(u) for u ≥ 0: log1p(2 sinh²(u/2)) near 0, u + log1p(e^(−2u)) − log 2 beyond 1."""
    near = nodes.Log1p(2 * sp.sinh(u / 2) ** 2)
    far = u + nodes.Log1p(sp.exp(-2 * u)) - sp.log(2)
    return sp.Piecewise((near, u < 1), (far, True))


def _zero_power(value: sp.Expr) -> bool:
    """Whether 0 to a power of unknown sign is left (0**(q − 1))."""
    return any(p.base == 0 for p in value.atoms(sp.Pow))
