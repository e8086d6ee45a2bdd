"""The sign of an expression for every positive value of its symbols: proved, refuted or unknown.

A proof is a certificate: sympy's assumptions, a product of certain factors, a polynomial in
positive quantities whose coefficients share a sign, no positive root by Sturm's theorem, a negative
discriminant. Bounded functions enter as t/(1 + t) or 1/(1 + t) with t > 0.
"""

from __future__ import annotations

import sympy as sp

MAX_OPERATIONS = 400


def certain_sign(expr: sp.Expr) -> int | None:
    """+1 for ≥ 0, −1 for ≤ 0, 0 for identically 0; None where nothing is proved."""
    plain = _assumed(expr)
    if plain is not None:
        return plain
    if expr.count_ops() > MAX_OPERATIONS:
        return None
    for form in (expr, _bounded(expr)):
        factored = sp.factor(sp.together(form))
        found = _assumed(factored)
        found = found if found is not None else _of_product(factored)
        if found is not None:
            return found
    return None


def _assumed(expr: sp.Expr) -> int | None:
    if expr.is_zero:
        return 0
    if expr.is_extended_nonnegative:
        return 1
    return -1 if expr.is_extended_nonpositive else None


def _bounded(expr: sp.Expr) -> sp.Expr:
    """tanh B ∈ (0, 1) as t/(1 + t), e^{−B} as 1/(1 + t), cosh and sinh through e^B, for B > 0."""
    expr = expr.rewrite(sp.exp) if expr.has(sp.sinh, sp.cosh, sp.sech, sp.coth) else expr
    swaps: dict[sp.Expr, sp.Expr] = {}
    for node in expr.atoms(sp.tanh):
        if node.args[0].is_positive:
            t = sp.Dummy("t", positive=True)
            swaps[node] = t / (1 + t)
    expr = expr.xreplace(swaps)
    rates: dict[sp.Expr, sp.Expr] = {}
    for node in expr.atoms(sp.exp):
        exponent = node.args[0]
        if not exponent.is_extended_real or exponent.is_number:
            continue
        up = -exponent if exponent.could_extract_minus_sign() else exponent
        t = rates.setdefault(up, sp.Dummy("t", positive=True))
        rates[up] = t
    for up, t in rates.items():
        if up.is_positive:
            expr = expr.xreplace({sp.exp(up): 1 + t, sp.exp(-up): 1 / (1 + t)})
            doubled = {sp.exp(2 * up): (1 + t) ** 2, sp.exp(-2 * up): (1 + t) ** -2}
            expr = expr.xreplace(doubled)
    return expr


def _of_product(expr: sp.Expr) -> int | None:
    sign = 1
    for factor in sp.Mul.make_args(expr):
        base, exponent = factor.as_base_exp()
        known = _assumed(factor)
        if known is None:
            known = _of_sum(base)
            if known == -1 and exponent.is_odd is not True:
                return None
        if known is None:
            return None
        sign *= known
    return sign


def _of_sum(expr: sp.Expr) -> int | None:
    """The sign of a polynomial in positive generators."""
    generators = _generators(expr)
    if generators is None or not generators:
        return None
    polynomial = sp.Poly(sp.expand(expr), *generators)
    signs = {_assumed(k) for k in polynomial.coeffs()}
    if signs <= {0, 1}:
        return 1
    if signs <= {0, -1}:
        return -1
    if len(generators) == 1 and all(k.is_Rational for k in polynomial.coeffs()):
        return _by_sturm(polynomial)
    free = [sp.Dummy(positive=True) for _ in generators]  # y and y^q need not be told apart
    freed = sp.Poly.from_dict(polynomial.as_dict(), *free).as_expr()
    for generator in free:
        found = _by_discriminant(sp.Poly(freed, generator))
        if found is not None:
            return found
    return None


def _generators(expr: sp.Expr) -> list[sp.Expr] | None:
    """What the expression is a polynomial in, if all of it is positive."""
    try:
        generators = list(sp.Poly(sp.expand(expr)).gens)
    except sp.PolynomialError:
        return None
    return generators if all(g.is_positive for g in generators) else None


def _by_sturm(polynomial: sp.Poly) -> int | None:
    at_zero = int(polynomial.eval(0) == 0)  # a root at 0 is outside y > 0
    if int(polynomial.count_roots(0, sp.oo)) > at_zero:
        return None
    return 1 if polynomial.eval(1) > 0 else -1


def _by_discriminant(polynomial: sp.Poly) -> int | None:
    if polynomial.degree() != 2:
        return None
    top = _assumed(polynomial.LC())
    inside = _assumed(sp.factor(polynomial.discriminant()))
    return top if top in (1, -1) and inside in (-1, 0) else None
