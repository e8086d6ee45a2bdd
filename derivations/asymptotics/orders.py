"""Integrability read off the leading orders of known terms: exact and symbolic.

At infinity every known core is a growing order (exponential, power, log², log) plus something
bounded; at 0 it is a singular order plus something bounded. The largest order whose coefficient
does not vanish decides, and where that depends on the parameters the answer is a condition on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.integrals.terms import Term, Terms, terms_of
from neglog.priors.symbols import lam, y

FASTER, EXPONENTIAL, POWER, LOG_SQUARE, LOG = 4, 3, 2, 1, 0


@dataclass(frozen=True)
class Order:
    """coefficient · (e^{rate·y}, |y|^rate, log² y or log y): ``level`` names which.

    At ``FASTER`` the rate is itself an e^{g(y)} with g ≫ y.
    """

    level: int
    rate: sp.Expr
    coefficient: sp.Expr


class Undecided(Exception):
    """A term whose order is not known, or an order of unknown sign."""


def tail_condition(terms: Terms, order: int = 0) -> sp.Basic | None:
    """When ∫^∞ y^order e^{−λφ} dy is finite; None where a term's growth is not known."""
    try:
        return _positive(_merged(_growing(t) for t in terms.terms), sp.Integer(order))
    except Undecided:
        return None


def origin_condition(terms: Terms) -> sp.Basic | None:
    """When ∫₀ e^{−λφ} dy is finite; None where a term's singularity is not known."""
    try:
        # y → 1/y turns 0 into ∞, dy into y^{−2} dy: the same rule with order −2.
        return _positive(_merged(_singular(t) for t in terms.terms), sp.Integer(-2))
    except Undecided:
        return None


def leading(terms: Terms) -> Order | None:
    """The one order that dominates at infinity for all parameters; None where there is none."""
    try:
        orders = _merged(_growing(t) for t in terms.terms)
    except Undecided:
        return None
    for one in orders:
        if (one.coefficient.is_nonzero or one.level == LOG) and all(
            o is one or _compare(one, o) is True for o in orders
        ):
            return one
    return None


def monomial(phi: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """(c, p) with φ ~ c·y^p at infinity, for products and sums of powers; None elsewhere."""
    if not phi.has(y):
        return phi, sp.S.Zero
    if phi == y:
        return sp.S.One, sp.S.One
    if isinstance(phi, sp.Pow) and not phi.exp.has(y):
        base = monomial(phi.base)
        return None if base is None else (base[0] ** phi.exp, sp.expand(base[1] * phi.exp))
    parts = [monomial(arg) for arg in phi.args]
    if not isinstance(phi, sp.Mul | sp.Add) or any(p is None for p in parts):
        return None
    known = [p for p in parts if p is not None]
    if isinstance(phi, sp.Mul):
        return sp.Mul(*[c for c, _ in known]), sp.expand(sp.Add(*[p for _, p in known]))
    for c, p in known:
        if all(q == p or (p - q).is_positive for _, q in known):
            total = sp.Add(*[c for c, q in known if q == p])
            return (total, p) if total.is_nonzero else None
    return None


def _growing(term: Term) -> Order | None:
    """The growing order of a term at infinity; None where it stays bounded."""
    c, parameters = term.coefficient, term.parameters
    match term.kind:
        case "power":
            return _power(c, parameters[0])
        case "log":
            return Order(LOG, sp.S.One, c)
        case "log-square":
            return Order(LOG_SQUARE, sp.S.One, c)
        case "log-binomial":
            return Order(LOG, sp.S.One, c * parameters[1])
        case "log-quadratic":
            return Order(LOG, sp.S.One, 2 * c)
        case "sqrt-binomial" | "sqrt-from-zero":
            return Order(POWER, sp.S.One, c)
        case "log-cosh":
            return Order(POWER, sp.S.One, c / parameters[0])
        case "log-exp-binomial":
            return None
        case "power-binomial":
            k, q = parameters
            return _power(c / k**q, q)
        case "cosh" | "sinh":
            return Order(EXPONENTIAL, 1 / parameters[0], c / 2)
        case "exp":
            rate = 1 / parameters[0]
            if rate.is_negative:
                return None
            if rate.is_positive:
                return Order(EXPONENTIAL, rate, c)
        case "other" if isinstance(parameters[0], sp.exp):
            inner = leading(terms_of(parameters[0].args[0]))
            if inner is not None and inner.coefficient.is_positive and _exceeds_line(inner):
                return Order(FASTER, parameters[0], c)
    raise Undecided


def _exceeds_line(order: Order) -> bool:
    """Whether an order outgrows y."""
    return order.level > POWER or (order.level == POWER and bool((order.rate - 1).is_positive))


def _singular(term: Term) -> Order | None:
    """The order of a term at 0, in 1/y; None where it stays bounded."""
    c = term.coefficient
    match term.kind:
        case "power":
            return _power(c, -term.parameters[0])
        case "log":
            return Order(LOG, sp.S.One, -c)
        case "log-square":
            return Order(LOG_SQUARE, sp.S.One, c)
        case "log-exp-binomial":
            return Order(LOG, sp.S.One, -c) if term.parameters[1] == -1 else None
        case "other" | "log-one-minus":  # the latter has a singularity inside, at k
            raise Undecided
    return None


def _power(c: sp.Expr, q: sp.Expr) -> Order | None:
    if q.is_positive:
        return Order(POWER, q, c)
    if q.is_nonpositive:
        return None
    raise Undecided


def _merged(found: object) -> list[Order]:
    """The orders with equal ones added up."""
    totals: dict[tuple[int, sp.Expr], sp.Expr] = {}
    for order in found:  # type: ignore[attr-defined]
        if order is not None:
            key = (order.level, order.rate)
            totals[key] = sp.factor(totals.get(key, sp.S.Zero) + order.coefficient)
    orders = [Order(level, rate, c) for (level, rate), c in totals.items() if c != 0]
    if sum(1 for one in orders if one.level == FASTER) > 1:
        raise Undecided
    return orders


def _positive(orders: Sequence[Order], power: sp.Expr) -> sp.Basic:
    """When Σ orders outgrows (power + 1)/λ · log y."""
    if not orders:
        return sp.false if power >= -1 else sp.true
    for one in orders:
        rest = [o for o in orders if o is not one]
        if all(_compare(one, o) is True for o in rest):
            return _dominated(one, rest, power)
    first, second = next(
        (p, q) for p in orders for q in orders if p is not q and _compare(p, q) is None
    )
    gap = first.rate - second.rate
    without = [o for o in orders if o not in (first, second)]
    both = Order(first.level, second.rate, first.coefficient + second.coefficient)
    return sp.Or(
        sp.And(_solved(gap > 0), _positive(_assuming(orders, first, second), power)),
        sp.And(_solved(sp.Eq(gap, 0)), _positive(_merged([*without, both]), power)),
        sp.And(_solved(gap < 0), _positive(_assuming(orders, second, first), power)),
    )


def _solved(relation: sp.Basic) -> sp.Basic:
    """q - 1 > 0 as q > 1."""
    return relation.simplify()


def _assuming(orders: Sequence[Order], large: Order, small: Order) -> list[Order]:
    """The orders without the smaller one, valid where the larger one's coefficient is not 0."""
    if not large.coefficient.is_nonzero:
        raise Undecided
    return [o for o in orders if o is not small]


def _dominated(one: Order, rest: Sequence[Order], power: sp.Expr) -> sp.Basic:
    """The condition where ``one`` outgrows all the rest unless its coefficient is 0."""
    c = one.coefficient
    if one.level == LOG:
        return _outgrows(c, power + 1)
    if c.is_positive:
        return sp.true
    if c.is_negative:
        return sp.false
    zero = vanishing(c)
    if zero is None:
        raise Undecided
    symbol, value = zero
    others = [Order(o.level, o.rate.subs(symbol, value), o.coefficient.subs(symbol, value))
              for o in rest]  # fmt: skip
    at_zero = _positive(_merged(others), power)
    return sp.Or(sp.Gt(c, 0), sp.And(sp.Eq(symbol, value), at_zero)).simplify()


def _outgrows(c: sp.Expr, least: sp.Expr) -> sp.Basic:
    """λ c > least, solved for λ where the sign of c is known."""
    if c.is_positive:
        return lam > sp.factor(least / c) if least > 0 else sp.true
    if c.is_negative:
        return lam < sp.factor(least / c) if least < 0 else sp.false
    return sp.Gt(lam * c, least)


def vanishing(c: sp.Expr) -> tuple[sp.Symbol, sp.Expr] | None:
    """The parameter and its positive value at which a coefficient is 0, if there is exactly one."""
    names = sorted(c.free_symbols, key=str)
    for symbol in names:
        roots = [r for r in sp.solve(c, symbol) if r.is_positive]
        if len(roots) == 1:
            return symbol, roots[0]
    return None


def _compare(one: Order, other: Order) -> bool | None:
    """Whether one order outgrows another for all parameters; None where that depends on them."""
    if one.level != other.level:
        return one.level > other.level
    gap = one.rate - other.rate
    if gap.is_positive:
        return True
    return False if gap.is_negative else None
