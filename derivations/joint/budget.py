"""How fixed the budget is: one number for what a function of one total assumes.

Given its total s the vector u = (u(a₁), …, u(a_d)) is s·Dirichlet(α, …, α), so for v = Var s/(E s)²

    corr(uᵢ, uⱼ) = (v·dα − 1)/((1 + v)·d(α + 1) − (dα + 1)),    index β = dα·v.

β < 1: the total varies less than a sum of independent features would, and every pair competes for
it (β = 0: a fixed budget, correlation −1/(d − 1)). β = 1: the canonical ensemble, independent
features. β > 1: a shared random strength. Var(s) is 1 + (d − 1)·corr(uᵢ, uⱼ) times what independent
features of the same marginal would give.

As d grows s settles where (dα − 1)/s = λg′(s), and a second-order expansion there gives
β → 1/(1 + e), with e = s·g″(s)/g′(s) the elasticity of the price g′ of the total: 1/p for
g = sᵖ, and 1/(1 + s/τ) → 0 for g = τe^{s/τ} on log totals, which is why the product prior is nearly
microcanonical. Each feature is then close to an independent one with penalty u and strength λg′(s).
"""

from __future__ import annotations

from dataclasses import dataclass

import mpmath as mp
import sympy as sp

from neglog.derivations.asymptotics.growth import AT_INFINITY, ratio
from neglog.derivations.deadline import within
from neglog.derivations.integrals.closed import ENOUGH_DIGITS, points_where, tidy
from neglog.derivations.joint.expectation import expectation, total_integral
from neglog.derivations.joint.totals import OneTotal, s
from neglog.derivations.numbers import UNCOMPUTABLE, simplified, substitute
from neglog.priors.symbols import d, lam, y

SECONDS = 5.0


@dataclass(frozen=True)
class Budget:
    """β = dα·Var(s)/E(s)², its limit as d → ∞ and what that says; None where not closed."""

    index: sp.Expr | None
    when: sp.Basic | None
    limit: sp.Expr | None
    price: sp.Expr
    reason: str


def shape(total: OneTotal) -> sp.Expr:
    """α of the Dirichlet(α, …, α) that spreads the total over features."""
    return sp.S.One if total.measure.q is None else 1 / total.measure.q


def budget(total: OneTotal, when: sp.Basic) -> Budget | None:
    """The budget of a proper prior of one total; None for the maximum, which is no sum."""
    if total.largest:
        return None
    price = simplified(sp.diff(total.g, s))
    index, index_when = within(SECONDS, lambda: _index(total, when), (None, None))
    limit = within(SECONDS, lambda: _limit(total, price), None)
    return Budget(index, index_when, limit, price, _says(limit, index))


def _index(total: OneTotal, when: sp.Basic) -> tuple[sp.Expr | None, sp.Basic | None]:
    """β in closed form, checked against quadrature, and when E s² exists."""
    raw = [expectation(total, s**r, d) for r in range(3)]
    exists = _second_moment(total, when)
    zero, one, two = raw
    if zero is None or one is None or two is None or exists is None:
        return None, exists
    found = tidy(d * shape(total) * (two * zero / one**2 - 1))
    points = points_where(exists, found.free_symbols | total.g.free_symbols - {s}, 2)
    agreed = points and all(_agrees(found, total, point) for point in points)
    return (found if agreed else None), exists


def _second_moment(total: OneTotal, when: sp.Basic) -> sp.Basic | None:
    power = total.measure.power
    if when == sp.true:
        return sp.true
    if power is None:
        return when  # powers of a log total are below every exponential
    rate = ratio(total.g.subs(s, y), sp.log(y), AT_INFINITY)
    return None if rate is None else lam > simplified((power + 2) / rate)


def _agrees(found: sp.Expr, total: OneTotal, point: dict[sp.Symbol, sp.Expr]) -> bool:
    point = {**point, d: point.get(d, sp.Integer(3))}
    numbers = [total_integral(total, s**r, point) for r in range(3)]
    if any(n is None for n in numbers):
        return False
    zero, one, two = (n.value for n in numbers if n is not None)
    with mp.workdps(40):
        alpha = mp.mpf(sp.N(substitute(shape(total), point, 40), 35))
        truth = int(point[d]) * alpha * (two * zero / one**2 - 1)
        try:
            value = sp.N(substitute(found, point, 40), 35)
        except UNCOMPUTABLE:
            return False
        return bool(
            value.is_real and abs(mp.mpf(value) - truth) < mp.mpf(10) ** -(ENOUGH_DIGITS - 4)
        )


def _limit(total: OneTotal, price: sp.Expr) -> sp.Expr | None:
    """1/(1 + lim s·g″/g′); None where the total stays finite or the prior ends at a finite d."""
    growth = ratio(total.g.subs(s, y), sp.log(y), AT_INFINITY)
    if growth is not sp.oo or not price.has(s):
        return sp.S.One if not price.has(s) and price.is_positive else None
    elasticity = simplified(s * sp.diff(price, s) / price)
    found = ratio(elasticity.subs(s, y), sp.S.One, AT_INFINITY)
    if found is None:
        return None
    if found is sp.oo:
        return sp.S.Zero
    return simplified(1 / (1 + found)) if (1 + found).is_positive else None


def _says(limit: sp.Expr | None, index: sp.Expr | None) -> str:
    if limit is not None and limit == 1 and index in (None, sp.S.One):
        return (
            "The total varies as that of independent features does."
            if index == 1
            else "As d grows the total varies as that of independent features does."
        )
    if limit == 0:
        return (
            "Nearly a fixed budget: as d grows the total settles and each feature is close to an "
            "independent one with penalty u and strength lam*g'(s); pairs exclude each other by "
            "about 1/d."
        )
    if limit is not None and (1 - limit).is_positive:
        return (
            "Partly a fixed budget: as d grows the total varies less, by a fixed factor, than that "
            "of independent features."
        )
    if limit is not None and (limit - 1).is_positive:
        return (
            "A shared strength: as d grows the total varies more, by a fixed factor, than that of "
            "independent features."
        )
    if limit is not None:
        return "The limit of the index as d grows is below, at or above 1 as the parameters say."
    return "No limit as d grows is known: beyond some d the prior is improper, or g is irregular."
