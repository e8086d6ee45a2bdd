"""Closed forms of ∫ |a|^r exp(−λφ) da: a ladder of tactics, each under a deadline, each verified.

Tactics in order: the table of known integrals; computer algebra on the integrand written as powers;
the same on each piece of a cut penalty. What a tactic finds counts only when it agrees with
independent quadrature at several points of the parameters and λ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mpmath as mp
import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.half_line import Piece, Side
from neglog.derivations.mellin import transform
from neglog.derivations.numbers import UNCOMPUTABLE, Point, samples, simplified, substitute
from neglog.derivations.quadrature import integral
from neglog.derivations.terms import terms_of
from neglog.priors.symbols import lam, y

SECONDS = 3.0  # a tactic's deadline
ENOUGH_DIGITS = 20
FUNCTIONS_NOT_CLOSED = (sp.Integral, sp.Limit, sp.Piecewise, sp.nan, sp.zoo, sp.I)


@dataclass(frozen=True)
class Closed:
    """A closed form, when it holds, and to how many digits it agreed with quadrature."""

    expr: sp.Expr
    when: sp.Basic
    digits: int


def absolute_moment(
    sides: Sequence[Side], order: int, when: sp.Basic, *, algebra: bool = True
) -> Closed | None:
    """∫ |a|^order exp(−λφ) da in closed form under ``when``, verified; None where none is found."""
    for tactic in (_from_table, _by_algebra) if algebra else (_from_table,):
        found = within(SECONDS, lambda tactic=tactic: tactic(sides, order), None)  # type: ignore
        if found is None or found.has(*FUNCTIONS_NOT_CLOSED):
            continue
        digits = agreement(found, sides, order, when)
        if digits >= ENOUGH_DIGITS:
            return Closed(tidy(found), when, digits)
    return None


def _from_table(sides: Sequence[Side], order: int) -> sp.Expr | None:
    total = sp.S.Zero
    for side in sides:
        if side.whole is None:
            return None
        part = transform(terms_of(side.whole), sp.Integer(order + 1))
        if part is None:
            return None
        total += side.weight * part
    return total


def _by_algebra(sides: Sequence[Side], order: int) -> sp.Expr | None:
    total = sp.S.Zero
    for side in sides:
        for piece in side.pieces:
            part = _integrate(piece, order)
            if part is None:
                return None
            total += side.weight * part
    return total


def _integrate(piece: Piece, order: int) -> sp.Expr | None:
    if piece.phi is sp.oo:
        return sp.S.Zero
    integrand = y**order * density_as_powers(piece.phi)
    if not piece.phi.has(y) and piece.hi is sp.oo:
        return None
    try:
        found = sp.integrate(integrand, (y, piece.lo, piece.hi), conds="none")
    except (*UNCOMPUTABLE, RecursionError, sp.PoleError, TypeError, AttributeError):
        return None  # sympy's integrator raises all of these on inputs it cannot do
    return None if found.has(sp.Integral) else sp.hyperexpand(found)


def density_as_powers(phi: sp.Expr) -> sp.Expr:
    """exp(−λφ) with e^{−λ c log f} written as f^{−λc}, which integrators understand."""
    result = sp.S.One
    for part in sp.Add.make_args(sp.expand(sp.expand_log(phi, force=True))):
        coefficient, core = part.as_independent(sp.log, as_Add=False)
        if isinstance(core, sp.log) and not coefficient.has(y):
            result *= core.args[0] ** (-lam * coefficient)
        else:
            result *= sp.exp(-lam * part)
    return result


def agreement(found: sp.Expr, sides: Sequence[Side], order: int, when: sp.Basic) -> int:
    """Decimal digits to which a formula agrees with quadrature, the least over several points."""
    names = {s for side in sides for p in side.pieces for s in (p.phi + p.lo).free_symbols}
    points = points_where(when, names - {y}, 3 if order == 0 else 2)
    if not points:
        return 0
    return min(_digits(found, sides, order, point) for point in points)


def _digits(found: sp.Expr, sides: Sequence[Side], order: int, point: Point) -> int:
    number = integral(sides, point, order)
    if number is None:
        return 0
    try:
        value = sp.N(substitute(found, point, 40), 40)
    except UNCOMPUTABLE:
        return 0
    if not value.is_number or not value.is_real:
        return 0
    with mp.workdps(40):
        gap = abs(mp.mpf(value) - number.value)
        if number.error > abs(number.value) * mp.mpf(10) ** (-ENOUGH_DIGITS):
            return 0
        trusted = -mp.log10(number.error / abs(number.value))
        seen = trusted if gap == 0 else -mp.log10(gap / abs(number.value))
        return max(0, int(min(trusted, seen)))


_STRENGTHS = (1.37, 2.71, 0.61, 4.43, 7.19, 12.7, 31.3, 0.23)


def points_where(
    when: sp.Basic, names: set[sp.Symbol], count: int
) -> list[dict[sp.Symbol, sp.Expr]]:
    """Points at which a condition on λ and the parameters holds with some room to spare."""
    names = {n for n in names | when.free_symbols if n != lam}
    points = []
    for point in samples(names, 4 * count):
        for strength in _STRENGTHS:
            trial = {**point, lam: sp.Rational(round(strength * 10_000), 10_007)}
            if all(_holds(when, {**trial, lam: trial[lam] * f}) for f in (_LESS, 1, _MORE)):
                points.append(trial)
                break
        if len(points) == count:
            break
    return points


_LESS, _MORE = sp.Rational(4, 5), sp.Rational(5, 4)


def _holds(when: sp.Basic, point: Point) -> bool:
    return bool(substitute(when, point, 20) == sp.true)


def tidy(expr: sp.Expr) -> sp.Expr:
    """The shortest of several equivalent forms."""
    forms = [expr]
    for simplify in _SIMPLIFIERS:
        simpler = within(1.0, lambda s=simplify: s(expr), None)  # type: ignore[misc]
        if simpler is not None:
            forms.append(simpler)
    return min(forms, key=lambda e: (sp.count_ops(e), len(str(e))))


def _simplify(expr: sp.Expr) -> sp.Expr:
    return simplified(sp.gammasimp(expr))


def _factored(expr: sp.Expr) -> sp.Expr:
    return sp.factor(sp.gammasimp(sp.powsimp(sp.expand_func(expr))))


_SIMPLIFIERS: tuple[Callable[[sp.Expr], sp.Expr], ...] = (sp.gammasimp, _simplify, _factored)
