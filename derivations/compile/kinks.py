"""The derivative's value at interior kinks: the element of smallest norm between the two sides.

At a boundary of a Piecewise (min, max, |·| and sign are written as one) with one-sided derivatives
l ≠ r the value is 0 if they differ in sign, else the one of smaller magnitude.
"""

from collections.abc import Mapping

import sympy as sp
from sympy.core.relational import Relational

from neglog.derivations.compile.program import to_float

Numbers = Mapping[sp.Symbol, sp.Expr]
STEP = sp.Rational(1, 10**12)


def as_pieces(expr: sp.Expr) -> sp.Expr:
    """min, max, |·| and sign written as Piecewise, which differentiates without delta functions."""
    expr = expr.replace(sp.Abs, lambda u: sp.Piecewise((u, u > 0), (-u, True)))
    expr = expr.replace(sp.sign, lambda u: sp.Piecewise((1, u > 0), (-1, u < 0), (0, True)))
    for kind, better in ((sp.Max, sp.Ge), (sp.Min, sp.Le)):

        def chosen(*args: sp.Expr, better: type = better) -> sp.Expr:
            first, *rest = sorted(args, key=sp.default_sort_key)
            value = first
            for u in rest:
                value = sp.Piecewise((u, better(u, value)), (value, True))
            return value

        expr = expr.replace(kind, chosen)
    return sp.piecewise_fold(expr) if _nested(expr) else expr


def _nested(expr: sp.Expr) -> bool:
    return any(c.has(sp.Piecewise) for p in expr.atoms(sp.Piecewise) for _, c in p.args)


def settle(slope: sp.Expr, y: sp.Symbol, numbers: Numbers) -> sp.Expr:
    """``slope`` with the conventional value at each of its jumps on y > 0."""
    relations = [r for r in slope.atoms(Relational) if r.has(y)]
    pieces = []
    for point in boundaries(relations, y):
        where = point.subs(numbers)
        if not (where.is_number and where.is_real and where > 0):
            continue
        left = _side(slope, relations, y, where * (1 - STEP), numbers)
        right = _side(slope, relations, y, where * (1 + STEP), numbers)
        low = _number(left, {**numbers, y: where}, {**numbers, y: where * (1 - STEP)})
        high = _number(right, {**numbers, y: where}, {**numbers, y: where * (1 + STEP)})
        if abs(low - high) <= 1e-12 * (abs(low) + abs(high)):
            continue
        chosen = sp.S.Zero if low * high <= 0 else left if abs(low) < abs(high) else right
        pieces.append((chosen, sp.Eq(y, point)))
    return sp.Piecewise(*pieces, (slope, True)) if pieces else slope


def _number(side: sp.Expr, there: Numbers, beside: Numbers) -> float:
    """A one-sided derivative at a point, or just beside it where it is infinite there."""
    value = side.subs(there)
    return to_float(value if value.is_finite else side.subs(beside))


def boundaries(relations: list[Relational], y: sp.Symbol) -> list[sp.Expr]:
    """Where the two sides of a condition meet, for conditions polynomial of degree ≤ 2 in y."""
    points: list[sp.Expr] = []
    for r in relations:
        gap = sp.expand(r.lhs - r.rhs)
        if gap.is_polynomial(y) and 1 <= sp.degree(gap, y) <= 2:
            points += [p for p in sp.roots(gap, y) if p not in points]
    return sorted(points, key=sp.default_sort_key)


def _side(
    slope: sp.Expr, relations: list[Relational], y: sp.Symbol, at: sp.Expr, numbers: Numbers
) -> sp.Expr:
    """The branch of ``slope`` in force at ``at``."""
    truth = {r: sp.true if bool(r.subs({**numbers, y: at})) else sp.false for r in relations}
    return slope.xreplace(truth)
