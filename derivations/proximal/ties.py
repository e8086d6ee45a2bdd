"""Thresholds in closed form: where one stop of a proximal map gives way to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from neglog.derivations.asymptotics.limits import limit_from_right
from neglog.derivations.proximal.hull import Token
from neglog.derivations.proximal.segments import Line


@dataclass(frozen=True)
class Tie:
    """The threshold ``x`` at which the map steps from ``z`` to ``to``."""

    x: sp.Expr
    z: sp.Expr
    to: sp.Expr


@dataclass(frozen=True)
class Stop:
    """A stop with its formula: z as a function of x, as in :class:`Root`."""

    token: Token
    plain: sp.Expr
    safe: sp.Expr
    alone: tuple[sp.Basic, sp.Expr] | None = None
    apart: sp.Expr | None = None


def touching(line: Line, one: Token, two: Token) -> Tie | None:
    """A continuous step: at the edge between the stops, x = z + cφ'(z) of the arc."""
    arc = two if two.kind == "arc" else one
    other = one if two.kind == "arc" else two
    if other.kind == "point":
        edge = line.edges[other.index]
    else:
        edge = line.edges[max(one.index, two.index)]
    segment = line.segments[arc.index]
    slope = limit_from_right(segment.slope, line.v, edge)
    if slope is -sp.oo and arc is two:
        return Tie(-sp.oo, edge, edge)  # the slope pushes away from the edge: never at it
    if slope is None or slope in (sp.oo, -sp.oo):
        return None
    return Tie(sp.factor(edge + line.names.c * slope), edge, edge)


def jumping(line: Line, one: Stop, two: Stop) -> Iterator[Tie]:
    """Candidates for a jump, by equal objectives; which one is meant is told by numbers."""
    x = line.names.x
    low, high = _objective(line, one, x), _objective(line, two, x)
    if low is not None and high is not None:
        gap = sp.Poly(sp.expand(high - low), x)
        for root in _few_roots(gap):
            yield Tie(root, _at(one.plain, x, root), _at(two.plain, x, root))
        return
    point, arc = (one, two) if one.token.kind == "point" else (two, one)
    if point.token.kind != "point" or arc.token.kind != "arc":
        return
    edge, level = line.edges[point.token.index], line.values[point.token.index]
    if level is None:
        return
    segment = line.segments[arc.token.index]
    for height in _tangents(line, segment.phi, segment.slope, edge, level):
        where = height + line.names.c * segment.slope.subs(line.v, height)
        z, to = (edge, height) if point is one else (height, edge)
        yield Tie(sp.powsimp(sp.factor(sp.expand(where)), force=True), z, to)


def _at(expr: sp.Expr, x: sp.Symbol, root: sp.Expr) -> sp.Expr:
    return sp.expand(expr.subs(x, root))


def _objective(line: Line, stop: Stop, x: sp.Symbol) -> sp.Expr | None:
    """½(z − x)² + cφ(z) where that is a polynomial of degree ≤ 2 in x."""
    c = line.names.c
    if stop.token.kind == "point":
        level = line.values[stop.token.index]
        if level is None:
            return None
        return sp.expand((line.edges[stop.token.index] - x) ** 2 / 2 + c * level)
    segment = line.segments[stop.token.index]
    if not segment.phi.is_polynomial(line.v) or not stop.plain.is_polynomial(x):
        return None
    value = sp.expand((stop.plain - x) ** 2 / 2 + c * segment.phi.subs(line.v, stop.plain))
    return value if value.is_polynomial(x) and sp.degree(value, x) <= 2 else None


def _few_roots(polynomial: sp.Poly) -> list[sp.Expr]:
    """Roots of degree one or two, in a tidy form."""
    if not 1 <= polynomial.degree() <= 2:
        return []
    k = [sp.factor(q) for q in polynomial.all_coeffs()]
    if len(k) == 2:
        return [sp.factor(-k[1] / k[0])]
    inside = sp.sqrt(sp.factor(k[1] ** 2 - 4 * k[0] * k[2]))
    return [sp.expand((-k[1] + sign * inside) / (2 * k[0])) for sign in (1, -1)]


def _tangents(
    line: Line, phi: sp.Expr, slope: sp.Expr, edge: sp.Expr, level: sp.Expr
) -> list[sp.Expr]:
    """z where the line from (e, h(e)) touches h: ½(z − e)² = c[φ(z) − φ(e) − (z − e)φ'(z)]."""
    v, c = line.v, line.names.c
    gap = c * (phi - level - (v - edge) * slope) - (v - edge) ** 2 / 2
    terms = sp.Add.make_args(sp.expand(sp.powsimp(sp.expand(gap), force=True)))
    if len(terms) == 2:
        monomial = _monomials(terms, v)
        if monomial is not None:
            return [monomial]
    if not gap.is_rational_function(v):
        return []
    top, _ = sp.fraction(sp.cancel(sp.together(gap)))
    found: list[sp.Expr] = []
    for factor, _power in sp.factor_list(top, v)[1]:
        if sp.expand(factor.subs(v, edge)) != 0:
            found += _few_roots(sp.Poly(factor, v))
    return found


def _monomials(terms: tuple[sp.Expr, ...], v: sp.Symbol) -> sp.Expr | None:
    """The root of αv^p + βv^q for α and β of opposite signs."""
    (k1, one), (k2, two) = (t.as_independent(v, as_Add=False) for t in terms)
    (b1, p), (b2, q) = one.as_base_exp(), two.as_base_exp()
    if b1 != v or b2 != v or p.has(v) or q.has(v):
        return None
    return sp.powsimp(sp.factor(-k2 / k1) ** (1 / (p - q)), force=True)
