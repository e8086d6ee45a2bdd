"""Rewriting that preserves the value and is safe to differentiate afterwards.

Logs of products become sums of logs, logs of densities log-sum-exp, hyperbolic ratios their
overflow-free names. Every symbol is taken as positive (y = |a| and parameters are).
"""

from collections.abc import Callable

import sympy as sp

from neglog.derivations.compile import nodes


def prepare(expr: sp.Expr) -> sp.Expr:
    """φ on the half line with its logarithms opened and its hyperbolic functions named."""
    expr = expr.replace(lambda e: isinstance(e, sp.log), lambda e: open_log(e.args[0]))
    return tidy(expr)


def open_log(u: sp.Expr) -> sp.Expr:
    """log u as a sum of logs of factors, or as a log-sum-exp of them where exponentials add."""
    if u.is_number:
        return sp.log(u)
    if u.is_Mul:
        coefficient, factors = u.as_coeff_mul()
        if coefficient.is_positive:
            whole = sp.log(coefficient)
            opened = [open_log(f) for f in factors if not _sign_unknown(f)]
            rest = sp.Mul(*[f for f in factors if _sign_unknown(f)])
            return sp.Add(whole, *opened, open_log(rest) if opened and rest != 1 else _plain(rest))
    if isinstance(u, sp.exp):
        return u.args[0]
    if u.is_Pow and u.base.is_positive:
        return u.exp * open_log(u.base)
    if isinstance(u, sp.cosh):
        return nodes.LogCosh(u.args[0])
    if isinstance(u, sp.sech):
        return -nodes.LogCosh(u.args[0])
    if isinstance(u, sp.gamma):
        return sp.loggamma(u.args[0])
    if isinstance(u, sp.erfc):
        return nodes.LogErfc(u.args[0])
    if isinstance(u, sp.besselk):
        return nodes.LogBesselK(*u.args)
    if isinstance(u, sp.expint) and u.args[0] == 1:
        return nodes.LogE1(u.args[1])
    if u.is_Add and u.has(sp.exp) and all(_positive_term(t) for t in u.args):
        return nodes.LogSumExp(*sorted((open_log(t) for t in u.args), key=sp.default_sort_key))
    return sp.log(u)


def _plain(u: sp.Expr) -> sp.Expr:
    return sp.log(u) if u != 1 else sp.S.Zero


def _sign_unknown(f: sp.Expr) -> bool:
    return not f.is_positive


def _positive_term(t: sp.Expr) -> bool:
    return bool(t.is_positive)


def _tanh_ratio(e: sp.Expr) -> sp.Expr:
    """sinh(u)/cosh(u) → tanh(u), cosh(u)^(−n) → sech(u)^n."""
    powers = e.as_powers_dict()
    for c in [b for b in powers if isinstance(b, sp.cosh) and powers[b].is_negative]:
        u, n = c.args[0], -powers[c]
        s = sp.sinh(u)
        shared = min(powers[s], n) if s in powers and powers[s].is_positive else sp.S.Zero
        if not (shared.is_number and n.is_number):
            continue
        return e / s**shared * c**n * sp.tanh(u) ** shared * nodes.Sech(u) ** (n - shared)
    return e


def _one_minus_tanh2(e: sp.Expr) -> sp.Expr:
    """k − k·tanh²(u) → k·sech²(u), inside a sum."""
    for t in e.args:
        coefficient, factors = t.as_independent(sp.tanh, as_Add=False)
        if factors.is_Pow and isinstance(factors.base, sp.tanh) and factors.exp == 2:
            rest = e - t
            constant, other = rest.as_independent(sp.tanh, as_Add=True)
            if sp.expand(constant + coefficient) == 0:
                return other - coefficient * nodes.Sech(factors.base.args[0]) ** 2
    return e


def _scaled_e1(e: sp.Expr) -> sp.Expr:
    """k·u + k·log E₁(u) → k·log(e^u·E₁(u)), inside a sum."""
    for t in e.args:
        k, log = t.as_independent(nodes.LogE1, as_Add=False)
        if isinstance(log, nodes.LogE1) and (k * log.args[0]) in e.args:
            return e - t - k * log.args[0] + k * nodes.LogScaledE1(log.args[0])
    return e


RULES: tuple[tuple[Callable[[sp.Expr], bool], Callable[[sp.Expr], sp.Expr]], ...] = (
    (lambda e: isinstance(e, sp.sech), lambda e: nodes.Sech(e.args[0])),
    (lambda e: isinstance(e, sp.coth), lambda e: 1 / sp.tanh(e.args[0])),
    (lambda e: (e.is_Mul or e.is_Pow) and e.has(sp.cosh), _tanh_ratio),
    (lambda e: e.is_Add and e.has(sp.tanh), _one_minus_tanh2),
    (lambda e: e.is_Add and e.has(nodes.LogE1), _scaled_e1),
)


def tidy(expr: sp.Expr) -> sp.Expr:
    """The hyperbolic identities applied bottom-up; also used after each differentiation."""
    for matches, rewrite in RULES:
        expr = expr.replace(matches, rewrite)
    return expr
