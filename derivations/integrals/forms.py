"""All closed forms of one prior: sought for the standard form of its penalty, carried back.

``closed_forms`` answers for half lines; where the penalty has a scale or a factor that can be
absorbed (``standard.py``) the search is for fewer parameters, and the normaliser that is carried
back is checked once more against quadrature of the penalty as it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mpmath as mp
import sympy as sp

from neglog.derivations.asymptotics.propriety import ALWAYS, IF, Propriety, decide
from neglog.derivations.deadline import left, within
from neglog.derivations.half_line import Side, parameters
from neglog.derivations.integrals.closed import (
    ENOUGH_DIGITS,
    FUNCTIONS_NOT_CLOSED,
    Closed,
    absolute_moment,
    agreement,
    points_where,
    signed_moment,
    tidy,
    tidy_where,
)
from neglog.derivations.integrals.distribution import closed_cdf, tidied
from neglog.derivations.integrals.information import closed_information
from neglog.derivations.integrals.quadrature import Estimate, information
from neglog.derivations.integrals.quantiles import closed_quantile, inverts
from neglog.derivations.integrals.standard import Standard, standard
from neglog.derivations.numbers import UNCOMPUTABLE, substitute
from neglog.priors.symbols import a, lam


@dataclass(frozen=True)
class ClosedForms:
    """What is closed; None elsewhere. ``mean`` and ``square`` are E a and E a²."""

    normalizer: Closed | None = None
    mean_abs: sp.Expr | None = None
    mean: sp.Expr | None = None
    square: sp.Expr | None = None
    variance: sp.Expr | None = None
    entropy: sp.Expr | None = None
    cdf: sp.Expr | None = None
    quantile: sp.Expr | None = None
    scale_information: sp.Expr | None = None


def closed_forms(sides: Sequence[Side], propriety: Propriety) -> ClosedForms:
    """The closed forms of a proper prior on ``sides``."""
    form = within(1.0, lambda: standard(sides), None)
    if form is not None:
        inner = within(2.0, lambda: decide(form.sides), None)
        if inner is not None and inner.proper in (ALWAYS, IF):
            carried = _carried_back(_sought(form.sides, inner), form, sides, propriety)
            if carried is not None:
                return carried
    return _sought(sides, propriety)


def _carried_back(
    found: ClosedForms, form: Standard, sides: Sequence[Side], propriety: Propriety
) -> ClosedForms | None:
    if found.normalizer is None or propriety.when is None:
        return None
    s = form.scale
    norm = tidy_where(form.integral(found.normalizer.expr, 0), propriety.when)
    digits = agreement(norm, sides, 0, propriety.when)
    if digits < ENOUGH_DIGITS:
        return None

    def scaled(of_psi: sp.Expr | None, factor: sp.Expr) -> sp.Expr | None:
        return None if of_psi is None else tidied(factor * form.at_strength(of_psi))

    entropy = None if found.entropy is None else form.at_strength(found.entropy) + sp.log(s)
    cdf = found.cdf if found.cdf is None else tidied(form.at_strength(found.cdf).subs(a, a / s))
    return ClosedForms(
        Closed(norm, propriety.when, min(digits, found.normalizer.digits)),
        scaled(found.mean_abs, s),
        scaled(found.mean, s),
        scaled(found.square, s**2),
        scaled(found.variance, s**2),
        entropy,
        cdf,
        scaled(found.quantile, s),
        scaled(found.scale_information, sp.S.One),
    )


def _sought(sides: Sequence[Side], propriety: Propriety) -> ClosedForms:
    when = propriety.when
    assert when is not None
    norm = absolute_moment(sides, 0, when)
    if norm is None:
        return ClosedForms()
    mean_abs, mean, square = _moments(sides, propriety, norm)
    variance = None
    if square is not None and mean is not None:
        variance = tidy(square - mean**2)
    cdf = within(4.0, lambda: closed_cdf(sides, norm.expr, when), None)
    quantile = None
    if cdf is not None:
        found = within(1.0, lambda: closed_quantile(sides), None)
        if found is not None and inverts(found, cdf, when):
            quantile = tidied(found)
    return ClosedForms(
        norm,
        mean_abs,
        mean,
        square,
        variance,
        within(4.0, lambda: _entropy(norm), None),
        cdf,
        quantile,
        _information(sides, when) if len(sides) == 1 else None,
    )


def _moments(
    sides: Sequence[Side], propriety: Propriety, norm: Closed
) -> tuple[sp.Expr | None, sp.Expr | None, sp.Expr | None]:
    """(E|a|, E a, E a²), each None where it is not closed."""
    first_when = within(2.0, lambda: propriety.moment_exists(1, sides), None)
    second_when = within(2.0, lambda: propriety.moment_exists(2, sides), None)
    first = second = None
    if first_when is not None and left() > 1:
        first = absolute_moment(sides, 1, first_when)
    # Where the first moment is not closed the second is not tried by slow algebra: same integrand.
    if second_when is not None and left() > 1:
        second = absolute_moment(sides, 2, second_when, algebra=first is not None)
    mean_abs = None if first is None else tidy_where(first.expr / norm.expr, first.when)
    square = None if second is None else tidy_where(second.expr / norm.expr, second.when)
    if len(sides) == 1:
        mean = sp.S.Zero if sides[0].weight == 2 else mean_abs
        return mean_abs, mean, square
    signed = None if first_when is None else signed_moment(sides, first_when)
    return mean_abs, None if signed is None else tidy(signed.expr / norm.expr), square


def _entropy(norm: Closed) -> sp.Expr | None:
    """log Z + λ E φ = log Z − λ ∂ log Z/∂λ: differentiation under the integral."""
    log_z = sp.expand_log(sp.log(norm.expr), force=True)
    slope = sp.diff(log_z, lam)
    return None if slope.has(sp.Derivative, sp.Subs) else log_z + tidy(sp.expand(-lam * slope))


def _information(sides: Sequence[Side], when: sp.Basic) -> sp.Expr | None:
    """Fisher's information about the scale, where closed and equal to quadrature."""
    found = within(4.0, lambda: closed_information(sides[0]), None)
    if found is None or found.has(*FUNCTIONS_NOT_CLOSED):
        return None
    for point in points_where(when, parameters(sides) - {lam}, 2):
        number = information(sides, point, digits=17)
        if number is None or not _same(found, point, number):
            return None
    return tidy(found)


def _same(expr: sp.Expr, point: dict[sp.Symbol, sp.Expr], number: Estimate) -> bool:
    try:
        value = sp.N(substitute(expr, point, 40), 30)
    except UNCOMPUTABLE:
        return False
    if not value.is_number or not value.is_real:
        return False
    with mp.workdps(40):
        return bool(abs(mp.mpf(value) - number.value) <= abs(number.value) * mp.mpf(10) ** -14)
