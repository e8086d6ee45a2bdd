"""The same expression for large y, with the leading power taken out so that nothing overflows.

e = y^p·g(1/y) with g bounded: √(1+y²) becomes y·√(1 + t²), t = 1/y, and log1p(y²) becomes
2·log y + log(1 + t²).
"""

import sympy as sp

from neglog.derivations.compile import nodes

LARGE = sp.Integer(2) ** 20


def overflow_free(e: sp.Expr, y: sp.Symbol) -> sp.Expr:
    """e as Piecewise((e, y < 2²⁰), (form with the leading power out, True)) where that differs."""
    if not _overflows(e, y):
        return e
    p, g = lead(e, y)
    far = y**p * g
    return e if far == e else sp.Piecewise((e, y < LARGE), (far, True))


def underflow_free(e: sp.Expr, y: sp.Symbol) -> sp.Expr:
    """The same for small y, where 1/y² overflows first: log1p(1/y²) becomes log1p(y²) − 2·log y."""
    t = sp.Symbol("t", positive=True)
    inverse = e.subs(y, 1 / t)
    if not _overflows(inverse, t):
        return e
    p, g = lead(inverse, t)
    near = (t**p * g).subs(t, 1 / y)
    return e if near == e else sp.Piecewise((near, y < 1 / LARGE), (e, True))


def _overflows(e: sp.Expr, y: sp.Symbol) -> bool:
    """Whether some power of y above 1 hides inside a sum or a quotient."""
    powers = [
        p for p in e.atoms(sp.Pow) if p.has(y) and p.exp.is_number and (p.exp > 1 or p.exp < -1)
    ]
    products = [m for m in e.atoms(sp.Mul) if sum(f.has(y) for f in m.args) > 1]
    return bool(powers or products) and not (e.is_Pow and e.base == y)


def lead(e: sp.Expr, y: sp.Symbol) -> tuple[sp.Expr, sp.Expr]:
    """(p, g) with e = y^p·g, the power p taken from the fastest growing term."""
    if e == y:
        return sp.S.One, sp.S.One
    if not e.has(y):
        return sp.S.Zero, e
    if e.is_Mul:
        decays = [f for f in e.args if isinstance(f, sp.exp) and f.has(y)]
        pairs = [lead(f, y) for f in e.args if f not in decays]
        p, g = sp.Add(*[p for p, _ in pairs]), sp.Mul(*[g for _, g in pairs])
        if decays:  # y^p·e^u as one exponential: ∞·0 would be NaN
            exponent = sp.Add(*[_whole(f.args[0], y) for f in decays]) + p * sp.log(y)
            return sp.S.Zero, sp.exp(exponent, evaluate=False) * g
        return p, g
    if e.is_Pow and not e.exp.has(y) and e.base is not sp.E:
        p, g = lead(e.base, y)
        return p * e.exp, g**e.exp
    if e.is_Add:
        pairs = [lead(t, y) for t in e.args]
        if all(p.is_number for p, _ in pairs):
            top = max((p for p, _ in pairs), key=lambda p: float(p))
            return top, sp.Add(*[g * y ** (p - top) for p, g in pairs])
        return sp.S.Zero, sp.Add(*[y**p * g for p, g in pairs])
    if isinstance(e, nodes.Log1p):
        p, g = lead(e.args[0], y)
        if p.is_number and p > 0:
            return sp.S.Zero, p * sp.log(y) + sp.log(g + y ** (-p))
    if isinstance(e, sp.log):
        p, g = lead(e.args[0], y)
        return sp.S.Zero, p * sp.log(y) + (sp.log(g) if g != 1 else sp.S.Zero)
    if isinstance(e, sp.Piecewise):
        pieces = [(_whole(v, y), c) for v, c in e.args]
        return sp.S.Zero, sp.Piecewise(*pieces)
    if e.args and all(isinstance(u, sp.Expr) for u in e.args):
        return sp.S.Zero, e.func(*[_whole(u, y) for u in e.args])
    return sp.S.Zero, e


def _whole(e: sp.Expr, y: sp.Symbol) -> sp.Expr:
    p, g = lead(e, y)
    return y**p * g
