"""A joint penalty written out for a few features: reductions become sums, products and maxima."""

from __future__ import annotations

import sympy as sp

from neglog.derivations.compile import nodes
from neglog.priors.symbols import Largest, Multiple, Total, a, d


def activations(dim: int) -> tuple[sp.Symbol, ...]:
    """y₁, …, y_dim: the sizes |aᵢ| of the features."""
    return sp.symbols(f"y_1:{dim + 1}", positive=True)


def in_features(expr: sp.Expr, dim: int) -> tuple[tuple[sp.Symbol, ...], sp.Expr]:
    """(y₁ … y_dim, φ) with every reduction written out at aᵢ = yᵢ > 0.

    Products are multiplied out: (y₁ + y₂)² − y₁² − y₂² loses all its digits far out, 2y₁y₂ none.
    """
    names = activations(dim)
    expr = expr.replace(Total, lambda f: sp.Add(*[f.subs(a, y) for y in names]))
    expr = expr.replace(Multiple, lambda f: sp.Mul(*[f.subs(a, y) for y in names]))
    expr = expr.replace(Largest, lambda f: sp.Max(*[f.subs(a, y) for y in names]))
    return names, sp.expand(expr.subs(d, dim), power_base=False, power_exp=False, log=False)


def stable_logs(phi: sp.Expr) -> sp.Expr:
    """log of a sum of positive terms, some exponentials, as a log-sum-exp: it does not overflow."""

    def rewrite(inside: sp.Expr) -> sp.Expr:
        terms = sp.Add.make_args(sp.expand(inside))
        if len(terms) > 1 and inside.has(sp.exp) and all(t.is_positive for t in terms):
            return nodes.LogSumExp(*[sp.expand_log(sp.log(t), force=True) for t in terms])
        return sp.log(inside)

    return phi.replace(sp.log, rewrite)


def even(expr: sp.Expr) -> bool:
    """Whether every per-feature function is even in ``a``: then φ is a function of the |aᵢ|."""
    return all(
        sp.simplify(node.args[0].subs(a, -a) - node.args[0]) == 0
        for node in expr.atoms(Total, Multiple, Largest)
    )
