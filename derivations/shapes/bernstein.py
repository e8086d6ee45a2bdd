"""Whether the derivative of an expression in t > 0 is completely monotone, by closure rules.

exp(−λf) is completely monotone for every λ > 0 exactly if f' is (f is then a Bernstein function
up to a constant, or log t and the like). Rules: Schilling, Song & Vondraček, Bernstein functions,
2012. Where an exponent is a parameter the answer is a condition on it.
"""

from __future__ import annotations

import sympy as sp

from neglog.derivations.integrals.terms import Term, Terms
from neglog.priors.symbols import y


class Horseshoe(sp.Function):
    """−log(eᵘ E₁(u)): one over a Stieltjes function is complete Bernstein, and so is its log."""

    nargs = 1


# Functions F with F(√u)' completely monotone in u: their slopes are Stieltjes or Laplace transforms
# of positive measures (asinh: (u + u²)^{−1/2}/2; atan: u^{−1/2}/(1 + u)/2; erf: e^{−u}/√(πu)).
OF_ROOT = (sp.asinh, sp.atan, sp.erf)


def rebuilt(terms: Terms) -> sp.Expr:
    """The expression in y whose terms these are, in forms that the rules know."""
    total = sp.S.Zero
    for term in terms.terms:
        total += term.coefficient * _core(term)
    return total.replace(
        lambda e: (
            isinstance(e, sp.log) and isinstance(e.args[0], sp.expint) and e.args[0].args[0] == 1
        ),
        lambda e: -e.args[0].args[1] - Horseshoe(e.args[0].args[1]),
    )


def _core(term: Term) -> sp.Expr:
    core = term.core
    if term.kind == "other" and core.is_rational_function(y):
        return sp.apart(sp.together(core), y)
    return core


def mixes(form: sp.Expr, square: bool) -> sp.Basic | None:
    """When exp(−λ·form(y)) is completely monotone in y² (``square``) or in y, for every λ > 0.

    By the rules on the form itself, then on its slope φ'(y)/y or φ'(y).
    """
    t = sp.Symbol("t", positive=True)
    inside = sp.sqrt(t) if square else t

    def of_t(expr: sp.Expr) -> sp.Expr:
        return sp.powdenest(expr.subs(y, inside), force=True)

    found = slope_is_monotone(of_t(form), t)
    if found is not None:
        return found
    slope = sp.diff(form, y) / (y if square else 1)
    if slope.is_rational_function(y):
        slope = sp.factor(sp.together(slope))
    elif slope.has(sp.tanh, sp.cosh, sp.sinh):
        slope = sp.factor(sp.simplify(slope))
    return _monotone(of_t(slope), t)


def slope_is_monotone(f: sp.Expr, t: sp.Symbol) -> sp.Basic | None:
    """When f' is completely monotone in t: true, a condition, or None where no rule applies."""
    parts = [_term(part, t) for part in sp.Add.make_args(f)]
    return _and(parts)


def _and(parts: list[sp.Basic | None]) -> sp.Basic | None:
    return None if any(p is None for p in parts) else sp.And(*parts)


def _term(part: sp.Expr, t: sp.Symbol) -> sp.Basic | None:
    if not part.has(t):
        return sp.true
    factor, core = part.as_independent(t, as_Add=False)
    if factor.is_negative:
        return _monotone(core, t)  # −g with g completely monotone
    return _core_rule(core, t) if factor.is_positive else None


def _core_rule(core: sp.Expr, t: sp.Symbol) -> sp.Basic | None:
    if core == t:
        return sp.true
    if isinstance(core, sp.Pow) and not core.exp.has(t):
        if core.exp.is_negative:
            return None
        return _and([_at_most_one(core.exp), _bernstein(core.base, t)])
    if isinstance(core, sp.log):
        inside = core.args[0]
        if isinstance(inside, sp.cosh):
            return _of_square(inside.args[0], t)  # tanh(√u)/√u: partial fractions
        return _bernstein(inside, t)
    if isinstance(core, OF_ROOT):
        return _of_square(core.args[0], t)
    if isinstance(core, Horseshoe):
        return _bernstein(core.args[0], t)
    return None


def _at_most_one(exponent: sp.Expr) -> sp.Basic | None:
    if exponent.is_number:
        return sp.true if 0 < exponent <= 1 else None
    free = exponent.free_symbols
    if len(free) == 1 and exponent.is_positive:
        (name,) = free
        scale = sp.cancel(exponent / name)
        if scale.is_number and scale.is_positive:
            return sp.Le(name, 1 / scale)
    return None


def _of_square(root: sp.Expr, t: sp.Symbol) -> sp.Basic | None:
    return _bernstein(sp.powdenest(sp.expand(root**2), force=True), t)


def _bernstein(f: sp.Expr, t: sp.Symbol) -> sp.Basic | None:
    """When f is a Bernstein function: f ≥ 0 and f' completely monotone."""
    return slope_is_monotone(f, t) if f.is_nonnegative else None


def _monotone(g: sp.Expr, t: sp.Symbol) -> sp.Basic | None:
    """When g itself is completely monotone: products, sums, negative powers, e^{−f}, sech √u."""
    if not g.has(t):
        return sp.true if g.is_nonnegative else None
    if isinstance(g, sp.Add | sp.Mul):
        return _and([_monotone(part, t) for part in g.args])
    if isinstance(g, sp.Pow) and not g.exp.has(t):
        if g.exp.is_negative and isinstance(g.base, sp.cosh):
            return _of_square(g.base.args[0], t)
        if g.exp.is_negative:
            return _bernstein(g.base, t)
        return _monotone(g.base, t) if g.exp.is_integer else None
    if isinstance(g, sp.exp):
        return slope_is_monotone(sp.expand(-g.args[0]), t)
    return None
