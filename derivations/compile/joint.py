"""Joint penalties as an outer function of reductions over features.

φ = G(R₁, …, R_k) with Rⱼ a sum, product, maximum or norm of a per-feature function. A sum is taken
of f(aᵢ) − f(0), so that it vanishes at the zero vector; a product of positive factors becomes the
exponential of a sum of logs. Each piece is then compiled alone and the gradient is
∂φ/∂aᵢ = Σⱼ ∂G/∂Rⱼ·fⱼ'(aᵢ), with the scalar conventions at kinks. Where G has no value at the zero
vector (Hoyer's 0/0) it takes the limit along one axis, with gradient 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from neglog.derivations.compile.elementwise import Elementwise, Numbers
from neglog.derivations.compile.outer import Outer
from neglog.derivations.compile.rules import open_log
from neglog.derivations.compile.zero import numeric_limit
from neglog.priors import symbols
from neglog.priors.errors import InputError
from neglog.priors.symbols import Largest, Multiple, Total


@dataclass(frozen=True)
class Reduction:
    """One reduction over the last axis: ``kind`` is sum, product, max, norm or log-mean of ``of``.

    ``log-mean`` is log((1/d) Σ e^f), taken from the largest f: finite where Σe^f overflows.
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


class _LogMean(sp.Function):
    """log((1/d) Σ e^f) of the exponents f."""

    nargs = 1
    is_extended_real = True


KINDS = {
    Total: "sum",
    Multiple: "product",
    Largest: "max",
    _Norm: "norm",
    _LogMean: "log-mean",
}


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
    expr = _with_log_means(expr)
    found = sorted(expr.atoms(*KINDS), key=sp.default_sort_key)
    everything = (*theta, symbols.d)
    numbers = {**numbers, symbols.d: sp.Integer(8)}
    reductions: list[Reduction] = []
    stand_ins: dict[sp.Expr, sp.Expr] = {}
    variables: list[sp.Symbol] = []
    for i, r in enumerate(found):
        f, kind = r.args[0], KINDS[type(r)]
        part, start = None, sp.S.Zero
        if kind != "norm":
            part = Elementwise.of(f, domain, everything, numbers, from_zero=kind != "product")
            start = part.right.start or sp.S.Zero
        stand_in = sp.Dummy(f"R{i}", **_sign(r, f, start))
        stand_ins[r] = stand_in + (symbols.d * start if kind == "sum" else start)
        variables.append(stand_in)
        reductions.append(Reduction(kind, part))
    limit = numeric_limit(_along_axis(expr), symbols.y, numbers)
    outer = Outer.of(expr.xreplace(stand_ins), tuple(variables), everything, numbers, limit)
    guarded = [
        Reduction(r.kind, r.of and replace(r.of, guarded=outer.partial(j).steep, _partials={}))
        for j, r in enumerate(reductions)
    ]
    return Joint(tuple(guarded), outer, everything)


def _along_axis(expr: sp.Expr) -> sp.Expr:
    """φ(y, 0, …, 0): one feature active, the others at 0."""
    a, y, d = symbols.a, symbols.y, symbols.d
    expr = expr.replace(_Norm, lambda f: y)
    expr = expr.replace(
        _LogMean, lambda f: sp.log((sp.exp(f.subs(a, y)) + (d - 1) * sp.exp(f.subs(a, 0))) / d)
    )
    expr = expr.replace(Total, lambda f: f.subs(a, y) + (d - 1) * f.subs(a, 0))
    expr = expr.replace(Multiple, lambda f: f.subs(a, y) * f.subs(a, 0) ** (d - 1))
    return expr.replace(Largest, lambda f: sp.Max(f.subs(a, y), f.subs(a, 0)))


def _with_log_means(expr: sp.Expr) -> sp.Expr:
    """Σe^f inside a logarithm as d·e^{log-mean of f}."""

    def inside(argument: sp.Expr) -> sp.Expr:
        return sp.log(
            argument.replace(
                lambda e: isinstance(e, Total) and isinstance(e.args[0], sp.exp),
                lambda e: symbols.d * sp.exp(_LogMean(e.args[0].args[0])),
            )
        )

    return expr.replace(sp.log, inside)


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
