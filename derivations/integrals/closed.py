"""Closed forms of ∫ |a|^r exp(−λφ) da: a ladder of tactics, each under a deadline, each verified.

Tactics in order: the tables of known integrals on each smooth piece, directly and by substitution;
the moment generating function on the whole line; computer algebra on the integrand written as
powers. What a tactic finds counts only when it agrees with independent quadrature at several points
of the parameters and λ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.deadline import remembered, within
from neglog.derivations.half_line import Piece, Side, parameters
from neglog.derivations.integrals.primitives import between
from neglog.derivations.integrals.quadrature import Estimate, integral
from neglog.derivations.integrals.substitution import by_substitution, generating_function, line, t
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.numbers import UNCOMPUTABLE, Point, samples, simplified, substitute
from neglog.priors.symbols import lam, y

SECONDS = 4.0  # a tactic's deadline
ENOUGH_DIGITS = 20
FUNCTIONS_NOT_CLOSED: tuple[Any, ...] = (sp.Integral, sp.Limit, sp.Derivative, sp.Subs)
FUNCTIONS_NOT_CLOSED += (sp.Piecewise, sp.nan, sp.zoo, sp.oo, sp.I)

Tactic = Callable[[Sequence[Side], int], sp.Expr | None]


@dataclass(frozen=True)
class Closed:
    """A closed form, when it holds, and to how many digits it agreed with quadrature."""

    expr: sp.Expr
    when: sp.Basic
    digits: int


def absolute_moment(
    sides: Sequence[Side], order: int, when: sp.Basic, *, algebra: bool = True
) -> Closed | None:
    """∫ |a|^order exp(−λφ) da in closed form under ``when``, verified; None where none is found.

    Moments are left as they come: it is their ratio to the normaliser that is worth tidying.
    """
    tactics: list[Tactic] = [_from_tables, _on_whole_line]
    if len(sides) == 2:
        tactics.reverse()  # one formula for the whole line beats the sum of two halves
    if algebra and not hopeless(sides):
        tactics.append(_by_algebra)
    for tactic in tactics:
        found = within(SECONDS, lambda tactic=tactic: tactic(sides, order), None)  # type: ignore[misc]
        if found is None or found.has(*FUNCTIONS_NOT_CLOSED):
            continue
        digits = agreement(found, sides, order, when)
        if digits >= ENOUGH_DIGITS:
            return Closed(found if order else tidy_where(found, when), when, digits)
    return None


def signed_moment(sides: Sequence[Side], when: sp.Basic) -> Closed | None:
    """∫ a exp(−λφ) da over two different sides, verified; None where none is found."""
    whole = line(sides)
    for tactic in (lambda: _first_on_line(whole), lambda: _difference_of_sides(sides)):
        found = within(SECONDS, tactic, None)
        if found is None or found.has(*FUNCTIONS_NOT_CLOSED):
            continue
        digits = agreement(found, sides, 1, when, signed=True)
        if digits >= ENOUGH_DIGITS:
            return Closed(found, when, digits)
    return None


def _first_on_line(whole: sp.Expr | None) -> sp.Expr | None:
    found = None if whole is None else generating_function(whole)
    return None if found is None else sp.diff(found, t).subs(t, 0)


def _difference_of_sides(sides: Sequence[Side]) -> sp.Expr | None:
    parts = [_sum_of_pieces([side], 1, _integrate_by_table) for side in sides]
    right, left = parts[0], parts[-1]
    return None if right is None or left is None else right - left


def hopeless(sides: Sequence[Side]) -> bool:
    """Whether computer algebra need not be asked: functions it has no integrals of powers for."""
    return any(
        len(piece.phi.atoms(sp.Function)) > 2 or piece.phi.has(*_WITHOUT_INTEGRALS)
        for side in sides
        for piece in side.pieces
    )


_WITHOUT_INTEGRALS: tuple[Any, ...] = (sp.cosh, sp.sinh, sp.tanh, sp.sech, sp.sin, sp.cos)
_WITHOUT_INTEGRALS += (sp.atan, sp.erf, sp.erfc)
_WITHOUT_INTEGRALS += (sp.besselk, sp.besseli, sp.expint, sp.gamma, sp.loggamma, sp.uppergamma)


def _from_tables(sides: Sequence[Side], order: int) -> sp.Expr | None:
    return _sum_of_pieces(sides, order, _integrate_by_table)


def _by_algebra(sides: Sequence[Side], order: int) -> sp.Expr | None:
    return _sum_of_pieces(sides, order, _integrate)


def _sum_of_pieces(
    sides: Sequence[Side], order: int, integrate: Callable[[Piece, int], sp.Expr | None]
) -> sp.Expr | None:
    total = sp.S.Zero
    for side in sides:
        for piece in side.pieces:
            part = integrate(piece, order)
            if part is None:
                return None
            total += side.weight * part
    return total


def _on_whole_line(sides: Sequence[Side], order: int) -> sp.Expr | None:
    """∫ a^order exp(−λφ) da over ℝ for even orders, from E e^{ta}."""
    whole = line(sides)
    if whole is None or order % 2 == 1:
        return None
    found = generating_function(whole)
    return None if found is None else sp.diff(found, t, order).subs(t, 0)


def _integrate_by_table(piece: Piece, order: int) -> sp.Expr | None:
    if piece.phi is sp.oo:
        return sp.S.Zero
    found = between(terms_of(piece.phi), sp.Integer(order + 1), piece.lo, piece.hi)
    if found is None:
        found = by_substitution(piece.phi, order, piece.lo, piece.hi)
    return found


def _integrate(piece: Piece, order: int) -> sp.Expr | None:
    found = _integrate_by_table(piece, order)
    if found is not None:
        return found
    integrand = y**order * density_as_powers(piece.phi)
    if not piece.phi.has(y) and piece.hi is sp.oo:
        return None
    try:
        found = sp.integrate(integrand, (y, piece.lo, piece.hi), conds="none")
    except (*UNCOMPUTABLE, RecursionError, sp.PoleError, TypeError, AttributeError):
        return None  # sympy's integrator raises all of these on inputs it cannot do
    return None if found.has(sp.Integral) else sp.hyperexpand(found)


def density_as_powers(phi: sp.Expr, *, force: bool = True) -> sp.Expr:
    """exp(−λφ) with e^{−λ c log f} written as f^{−λc}, which integrators understand.

    ``force`` splits logarithms as on y > 0; without it only where that holds for every real a.
    """
    result = sp.S.One
    for part in sp.Add.make_args(sp.expand(sp.expand_log(phi, force=force))):
        coefficient, core = part.as_independent(sp.log, as_Add=False)
        if isinstance(core, sp.log) and not coefficient.has(y):
            result *= core.args[0] ** (-lam * coefficient)
        else:
            result *= sp.exp(-lam * part)
    return result


def agreement(
    found: sp.Expr, sides: Sequence[Side], order: int, when: sp.Basic, *, signed: bool = False
) -> int:
    """Decimal digits to which a formula agrees with quadrature, the least over several points."""
    points = points_where(when, parameters(sides), 3 if order == 0 else 2)
    if not points:
        return 0
    return min(
        digits_of(found, integral(sides, point, order, signed=signed), point) for point in points
    )


def digits_of(found: sp.Expr, number: Estimate | None, point: Point) -> int:
    """Decimal digits to which a formula agrees with a number at a point."""
    if number is None or number.value == 0:
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


_STRENGTHS = (1.37, 2.71, 0.61, 4.43, 0.83, 7.19, 12.7, 31.3, 0.23, 0.72, 0.41, 1.08, 2.13)
_ROOM = (sp.Rational(5, 4), sp.Rational(16, 15))  # how far from the border a point should stay


def points_where(
    when: sp.Basic, names: set[sp.Symbol], count: int
) -> list[dict[sp.Symbol, sp.Expr]]:
    """Points at which a condition on λ and the parameters holds with some room to spare."""
    names = {n for n in names | when.free_symbols if n != lam}
    for room in _ROOM:
        points = []
        for point in samples(names, 4 * count):
            found = next((s for s in _STRENGTHS if _holds_around(when, point, s, room)), None)
            if found is not None:
                points.append({**point, lam: _rational(found)})
            if len(points) == count:
                return points
        if points:
            return points
    return []


def _rational(strength: float) -> sp.Rational:
    return sp.Rational(round(strength * 10_000), 10_007)


def _holds_around(when: sp.Basic, point: Point, strength: float, room: sp.Rational) -> bool:
    middle = _rational(strength)
    return all(
        substitute(when, {**point, lam: at}, 20) == sp.true
        for at in (middle / room, middle, middle * room)
    )


TIDY_SECONDS = 0.8  # for each way of simplifying
_HELD = (sp.hyper, sp.meijerg)


@remembered
def tidy(expr: sp.Expr) -> sp.Expr:
    """The shortest of several equivalent forms."""
    if expr.is_Atom or not expr.free_symbols:
        return expr
    # Simplifiers spend seconds on trying to rewrite these in elementary functions.
    held = {f: sp.Dummy(positive=True) for f in expr.atoms(*_HELD) if f.args[0].has(lam)}
    if held:
        return tidy(expr.xreplace(held)).xreplace({name: f for f, name in held.items()})
    forms = [expr]
    for simplify in _SIMPLIFIERS:
        simpler = within(TIDY_SECONDS, lambda s=simplify: s(forms[0]), None)  # type: ignore[misc]
        if simpler is not None and not simpler.has(sp.exp_polar, sp.I):
            forms.append(simpler)
            if simplify in (_gammasimp, _powers):
                forms.insert(0, simpler)  # the next start from where these have cancelled
    return min(forms, key=lambda e: (sp.count_ops(e), len(str(e))))


def tidy_where(expr: sp.Expr, when: sp.Basic) -> sp.Expr:
    """``tidy`` with what a condition says of signs: λ > 1 makes λ − 1 a positive number.

    Each bound s > b (s < b) is used by writing s = b + m (b − m) with m > 0.
    """
    roots = [p for p in expr.atoms(sp.Pow) if not p.exp.is_integer and not p.base.is_positive]
    if not roots:
        return tidy(expr)
    shifts: dict[sp.Symbol, tuple[sp.Expr, sp.Symbol, sp.Expr]] = {}
    for bound in sp.And.make_args(when):
        if isinstance(bound, sp.Gt | sp.Ge | sp.Lt | sp.Le) and bound.lhs.is_Symbol:
            m, sign = sp.Dummy("m", positive=True), 1 if isinstance(bound, sp.Gt | sp.Ge) else -1
            shifts[bound.lhs] = (bound.rhs + sign * m, m, sign * (bound.lhs - bound.rhs))
    shifted = expr.subs({s: to for s, (to, _, _) in shifts.items()}, simultaneous=True)
    return tidy(shifted).subs({m: back for _, m, back in shifts.values()})


def _gammasimp(expr: sp.Expr) -> sp.Expr:
    return sp.gammasimp(expr) if expr.has(sp.gamma) else expr


def _powers(expr: sp.Expr) -> sp.Expr:
    """e^{u log p} as p^u, and p^u/p^v as p^(u − v), with that difference worked out."""
    merged = sp.powsimp(expr.replace(_is_power_of_log, _as_power), combine="exp")
    return merged.replace(
        lambda e: e.is_Pow and e.exp.is_Add and e.exp.is_rational_function(),
        lambda e: e.base ** sp.factor(e.exp),
    )


def _is_power_of_log(expr: sp.Expr) -> bool:
    return isinstance(expr, sp.exp) and expr.args[0].is_Mul and expr.args[0].has(sp.log)


def _as_power(expr: sp.Expr) -> sp.Expr:
    exponent = expr.args[0]
    logs = [f for f in sp.Mul.make_args(exponent) if isinstance(f, sp.log)]
    return logs[0].args[0] ** (exponent / logs[0]) if len(logs) == 1 else expr


def _simplify(expr: sp.Expr) -> sp.Expr:
    if expr.is_rational_function():
        return sp.factor(expr)
    return simplified(expr)


def _factored(expr: sp.Expr) -> sp.Expr:
    expanded = sp.expand_func(expr)
    if expanded == expr and not expr.is_Add:
        return expr
    return sp.factor(sp.gammasimp(sp.powsimp(expanded)))


_SIMPLIFIERS: tuple[Callable[[sp.Expr], sp.Expr], ...] = (_powers, _gammasimp, _simplify, _factored)
