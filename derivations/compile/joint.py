"""Joint penalties as an outer function of reductions over features.

φ = G(R₁, …, R_k) with Rⱼ a sum, product, maximum or norm of a per-feature function. A sum is taken
of f(aᵢ) − f(0), so that it vanishes at the zero vector; a product of positive factors becomes the
exponential of a sum of logs. Each piece is then compiled alone and the gradient is
∂φ/∂aᵢ = Σⱼ ∂G/∂Rⱼ·fⱼ'(aᵢ), with the scalar conventions at kinks.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from neglog.derivations.compile.elementwise import Elementwise, Numbers
from neglog.derivations.compile.outer import Outer
from neglog.derivations.compile.rules import open_log
from neglog.priors import symbols
from neglog.priors.errors import InputError
from neglog.priors.symbols import Largest, Multiple, Total


@dataclass(frozen=True)
class Reduction:
    """One reduction over the last axis: ``kind`` is sum, product, max or norm of ``of``.

    ``norm`` is √Σaᵢ², taken without overflow, and has no per-feature function.
    """

    kind: str
    of: Elementwise | None


@dataclass(frozen=True)
class Joint:
    """φ = outer(R₁, …, R_k; θ, d)."""

    reductions: tuple[Reduction, ...]
    outer: Outer
    symbols: tuple[sp.Symbol, ...]


class _Norm(sp.Function):
    nargs = 1
    is_nonnegative = True


def decompose(expr: sp.Expr, domain: str, theta: tuple[sp.Symbol, ...], numbers: Numbers) -> Joint:
    """The reductions and the outer function of a joint penalty.

    Raises:
        InputError: a reduction inside another, or ``a`` outside every reduction.
    """
    for r in expr.atoms(Total, Multiple, Largest):
        if r.args[0].has(Total, Multiple, Largest):
            raise InputError(f"{expr} has a reduction inside another, which cannot be compiled.")
    if symbols.a in symbols.bound_free(expr).free_symbols:
        raise InputError(f"{expr} has a outside of sum, prod, max or norm.")
    expr = expr.replace(Multiple, _as_log_sum)
    expr = expr.replace(
        lambda e: (
            e.is_Pow
            and e.base == Total(symbols.a**2)
            and (2 * e.exp).is_integer
            and not e.exp.is_integer
        ),
        lambda e: _Norm(symbols.a) ** (2 * e.exp),
    )
    found = sorted(expr.atoms(Total, Multiple, Largest, _Norm), key=sp.default_sort_key)
    everything = (*theta, symbols.d)
    numbers = {**numbers, symbols.d: sp.Integer(8)}
    reductions: list[Reduction] = []
    stand_ins: dict[sp.Expr, sp.Expr] = {}
    variables: list[sp.Symbol] = []
    for i, r in enumerate(found):
        f = r.args[0]
        start = f.subs(symbols.a, 0)
        finite = not start.has(sp.nan, sp.zoo, sp.oo, -sp.oo)
        kind = {Total: "sum", Multiple: "product", Largest: "max", _Norm: "norm"}[type(r)]
        stand_in = sp.Dummy(f"R{i}", **_sign(r, f, start if finite else sp.S.Zero))
        part = None if kind == "norm" else Elementwise.of(f, domain, everything, numbers)
        shift = {"sum": symbols.d * start, "max": start}.get(kind, sp.S.Zero) if finite else 0
        stand_ins[r] = stand_in + shift
        variables.append(stand_in)
        reductions.append(Reduction(kind, part))

    whole = expr.xreplace(stand_ins)
    outer = Outer.of(whole, tuple(variables), everything, numbers)
    return Joint(tuple(reductions), outer, everything)


def _sign(r: sp.Expr, f: sp.Expr, start: sp.Expr) -> dict[str, bool]:
    """Assumptions on a reduction, from the per-feature function's own."""
    if isinstance(r, _Norm):
        return {"nonnegative": True}
    half = (f - start).subs(symbols.a, symbols.y)
    return {"nonnegative": True} if half.is_nonnegative else {"real": True}


def _as_log_sum(f: sp.Expr) -> sp.Expr:
    """∏f = exp(Σ log f) where f is positive; left alone elsewhere."""
    half = f.subs(symbols.a, symbols.y)
    if half.is_positive and f.subs(symbols.a, 0).is_positive:
        return sp.exp(Total(open_log(f)))
    return Multiple(f)
