"""Asymptotic equivalents: a penalty replaced, at one end, by one that differs by something bounded.

log f and log g differ by a bounded amount where f/g has a finite limit, so special functions inside
a logarithm may be replaced by their leading term (DLMF 5.11, 7.12, 8.11, 10.25, 10.30, 10.40), and
terms that stay bounded may be left out. What decides integrability is unchanged by either.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from neglog.derivations.asymptotics.growth import AT_INFINITY
from neglog.priors.symbols import y

Leading = Callable[..., sp.Expr | None]

# function → its leading term where its last argument goes to infinity
FAR: dict[type, Leading] = {
    sp.erfc: lambda u: sp.exp(-(u**2)) / u,
    sp.erf: lambda u: sp.S.One,
    sp.besselk: lambda v, u: sp.exp(-u) / sp.sqrt(u),
    sp.besseli: lambda v, u: sp.exp(u) / sp.sqrt(u),
    sp.expint: lambda n, u: sp.exp(-u) / u,
    sp.uppergamma: lambda s, u: u ** (s - 1) * sp.exp(-u),
    sp.lowergamma: lambda s, u: sp.S.One,
    sp.gamma: lambda u: sp.exp(u * sp.log(u) - u - sp.log(u) / 2),
    sp.sinh: lambda u: sp.exp(u),
    sp.tanh: lambda u: sp.S.One,
    sp.atan: lambda u: sp.S.One,
    sp.asinh: lambda u: sp.log(u),
}

# function → its leading term where its last argument goes to 0 from above
NEAR: dict[type, Leading] = {
    sp.erfc: lambda u: sp.S.One,
    sp.erf: lambda u: u,
    sp.besselk: lambda v, u: sp.log(1 / u) if v == 0 else u ** (-sp.Abs(v)),
    sp.besseli: lambda v, u: u**v,
    sp.expint: lambda n, u: sp.log(1 / u) if n == 1 else None,
    sp.lowergamma: lambda s, u: u**s,
    sp.uppergamma: lambda s, u: sp.S.One if s.is_positive else None,
    sp.sinh: lambda u: u,
    sp.tanh: lambda u: u,
    sp.atan: lambda u: u,
    sp.asinh: lambda u: u,
}


def equivalent(phi: sp.Expr, end: str) -> sp.Expr:
    """φ(y) up to something bounded, at infinity or at 0."""
    phi = sp.expand_log(phi, force=True)
    if phi.has(*FAR, *NEAR):
        phi = phi.replace(sp.log, lambda u: _log_of_leading(u, end))
    kept = [t for t in sp.Add.make_args(sp.expand(phi)) if not _stays_bounded(t, end)]
    return sp.Add(*kept)


def _log_of_leading(argument: sp.Expr, end: str) -> sp.Expr:
    """log of a product with its special factors replaced by their leading terms."""
    if argument.has(sp.erf):  # 1 − erf loses all its digits far out
        argument = sp.factor_terms(sp.expand(argument.rewrite(sp.erfc)))
    product = sp.Mul(*[_leading(f, end) for f in sp.Mul.make_args(argument)])
    return sp.expand_log(sp.log(product), force=True)


def _leading(factor: sp.Expr, end: str) -> sp.Expr:
    base, exponent = factor.as_base_exp()
    if not (isinstance(base, sp.Function) and base.args and base.args[-1].has(y)):
        return factor
    rows = _rows(base.args[-1], end)
    row = None if rows is None else rows.get(base.func)
    found = None if row is None else row(*base.args)
    return factor if found is None else found**exponent


def _rows(argument: sp.Expr, end: str) -> dict[type, Leading] | None:
    """The table for where an argument c·y^p, c > 0, goes; None for other arguments."""
    weight, power = argument.as_independent(y, as_Add=False)
    base, p = power.as_base_exp()
    if base != y or not weight.is_positive:
        return None
    if p.is_positive:
        return FAR if end == AT_INFINITY else NEAR
    if p.is_negative:
        return NEAR if end == AT_INFINITY else FAR
    return None


# Bounded for every real argument.
_BOUNDED = (sp.sin, sp.cos, sp.tanh, sp.atan, sp.erf, sp.sech, sp.acot)


def _raised(power: sp.Pow) -> bool:
    """Whether an exponent is a constant ≥ 0."""
    return bool(power.exp.is_nonnegative and not power.exp.has(y))


def _stays_bounded(term: sp.Expr, end: str) -> bool:
    """Whether a term certainly stays bounded at an end: by its form alone."""
    if not term.has(y):
        return bool(term.is_finite is not False)
    if isinstance(term, _BOUNDED):
        return bool(term.args[0].is_real)
    if isinstance(term, sp.Mul | sp.Add):
        if all(_stays_bounded(arg, end) for arg in term.args):
            return True
    elif isinstance(term, sp.Pow) and _raised(term) and _stays_bounded(term.base, end):
        return True
    if not term.is_rational_function(y):
        return False
    over, under = sp.fraction(sp.together(term))
    if end == AT_INFINITY:
        return bool(sp.degree(over, y) <= sp.degree(under, y))
    return bool(under.subs(y, 0).is_nonzero)
