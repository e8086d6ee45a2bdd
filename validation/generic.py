"""A profile for any log-density: no closed forms needed, only the expression."""

from collections.abc import Callable, Mapping
from typing import Any

import sympy

from neglog.validation.profile import LOG_A, A, Free, N, Profile, T


def generic_profile(
    logpdf: sympy.Expr,
    free: tuple[Free, ...],
    params: Mapping[str, sympy.Expr],
    known: Mapping[str, Callable[..., Any]] | None = None,
    feasible: sympy.Basic = sympy.true,
) -> Profile:
    """ℓ = Σᵢ log p(aᵢ; θ), split so that as little as possible is summed anew at each step.

    Each additive term is a coefficient without ``a`` times a rest: equal rests are summed once,
    and rests without parameters are sufficient statistics. logpdf: in ``a`` and the symbols of
    ``free``; feasible: a condition on these for ℓ > −∞.
    """
    coefficients: dict[sympy.Expr, sympy.Expr] = {}
    expanded = sympy.expand(sympy.expand_log(logpdf, force=True), func=False)
    for term in sympy.Add.make_args(expanded):
        coefficient, rest = term.as_independent(A, as_Add=False)
        coefficients[rest] = coefficients.get(rest, sympy.Integer(0)) + coefficient
    constant = coefficients.pop(sympy.Integer(1), sympy.Integer(0))
    if len(coefficients) > len(T):  # too many pieces to be worth it: sum the whole
        coefficients = {logpdf - constant: sympy.Integer(1)}
    objective = N * constant + sum(
        coefficient * symbol for coefficient, symbol in zip(coefficients.values(), T, strict=False)
    )
    sums = tuple(_with_log(rest) for rest in coefficients)
    return Profile(
        free=free, sums=sums, objective=objective, params=dict(params),
        feasible=feasible, known=dict(known or {}),
    )  # fmt: skip


def _with_log(expr: sympy.Expr) -> sympy.Expr:
    """log a read from its column; a power with a varying exponent as exp(exponent·log a)."""

    def power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
        if base == A and exponent.free_symbols:
            return sympy.exp(exponent * LOG_A)
        return base**exponent

    return expr.replace(sympy.Pow, power).subs(sympy.log(A), LOG_A)
