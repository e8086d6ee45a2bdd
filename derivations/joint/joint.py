"""Everything that follows from a joint penalty: separable, or a function of one total."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import mpmath as mp
import sympy as sp

from neglog.derivations.asymptotics.growth import AT_INFINITY, ratio
from neglog.derivations.asymptotics.propriety import ALWAYS, IF, UNKNOWN
from neglog.derivations.deadline import left, within
from neglog.derivations.integrals.closed import ENOUGH_DIGITS, Closed, points_where, tidy
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.joint.budget import budget
from neglog.derivations.joint.conditional import conditional, conditional_of_several
from neglog.derivations.joint.dependence import dependence
from neglog.derivations.joint.expectation import expectation, total_integral
from neglog.derivations.joint.facts import JointFacts
from neglog.derivations.joint.kendall import Kendall, kendall
from neglog.derivations.joint.marginal import marginal
from neglog.derivations.joint.mixing import strength_mixture
from neglog.derivations.joint.propriety import growth_of
from neglog.derivations.joint.several import Growth
from neglog.derivations.joint.totals import (
    OneTotal,
    in_totals,
    one_total,
    real_factor,
    s,
    separable_part,
)
from neglog.derivations.joint.two_features import closed_normalizer
from neglog.derivations.numbers import UNCOMPUTABLE, simplified, substitute
from neglog.derivations.scalar import Derivation, Moment, derive_scalar
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import d, lam, y

T = TypeVar("T")
FOR_NUMBERS = 3.0  # seconds kept for the numbers of --at


def derive_joint(phi: Penalty, dim: int | None = None) -> Derivation:
    """The derivation of a joint penalty, for symbolic d or a given number of features."""
    expr = in_totals(phi)
    f = separable_part(expr)
    if f is not None:
        return _separable(phi, f, expr)
    total = one_total(expr, phi.domain)
    found = growth_of(expr, phi.domain, total)  # first: without it nothing else counts
    result = Derivation(phi, found.propriety)
    law = dependence(expr, phi.domain, total)
    result.dependence = law.verdict or "unknown"
    result.dependence_reason = law.reason
    result.joint = facts = JointFacts(dependence=law)
    if total is None:
        if found.propriety.proper != UNKNOWN:
            result.conditional = within(3.0, lambda: conditional_of_several(expr, phi.domain), None)
        _several(result, expr, found, dim)
        return result
    result.conditional = conditional(total, phi.domain)
    if result.propriety.proper in (ALWAYS, IF):
        _integrals(result, total, dim)
        _picture(facts, result, total, dim)
    return result


def _picture(facts: JointFacts, result: Derivation, total: OneTotal, dim: int | None) -> None:
    """What the one picture gives: marginal, copula, mixture and budget."""
    when, domain = result.propriety.when, result.penalty.domain
    assert when is not None
    facts.mixture = _while_time(2.0, lambda: strength_mixture(total))
    facts.budget = _while_time(3.0, lambda: budget(total, when))
    facts.marginal = _while_time(4.0, lambda: marginal(total, domain, when, dim))
    facts.kendall = _while_time(4.0, lambda: kendall(total, when, dim))


def _while_time(seconds: float, work: Callable[[], T]) -> T | None:
    """``work()`` within ``seconds`` and what is left of the whole, less what numbers need."""
    return within(min(seconds, left() - FOR_NUMBERS), work, None)


def _several(result: Derivation, expr: sp.Expr, found: Growth, dim: int | None) -> None:
    """More than one total: moments' conditions, and a normaliser for one or two features."""
    if result.propriety.proper not in (ALWAYS, IF):
        return
    when = result.propriety.when
    assert when is not None
    for name, order in (("mean_abs", 1), ("variance", 2), ("correlation", 2)):
        result.moments[name] = Moment(None, found.moment(order))
    if dim in (1, 2):
        result.normalizer = closed_normalizer(expr, result.penalty.domain, when, dim)


def _separable(phi: Penalty, f: sp.Expr, expr: sp.Expr) -> Derivation:
    """A product of d equal scalar priors."""
    one = derive_scalar(Penalty(f, phi.domain))
    if one.normalizer is not None:
        norm = one.normalizer
        one.normalizer = Closed(norm.expr**d, norm.when, norm.digits)
    if one.entropy is not None:
        one.entropy = d * one.entropy
    one.penalty = phi
    one.dependence = "independent"
    one.dependence_reason = "phi is a sum over features: the prior is a product."
    one.moments["correlation"] = Moment(
        sp.S.Zero, one.moments["variance"].when if one.moments else None
    )
    if one.law is not None:
        one.conditional = f"{one.law.name}, whatever the other features are"
    one.cdf = one.quantile = None  # those are of one feature
    law = dependence(expr, phi.domain)
    one.joint = JointFacts(
        dependence=law, kendall=Kendall(sp.S.Zero, one.propriety.when, law.reason)
    )
    return one


def _integrals(result: Derivation, total: OneTotal, dim: int | None) -> None:
    phi, when = result.penalty, result.propriety.when
    assert when is not None
    volume = real_factor(phi.domain) * total.measure.volume
    raw = within(3.0, lambda: expectation(total, sp.S.One, d), None)
    if raw is None and total.measure.power is None:
        result.normalizer = _log_total_normalizer(result, total, volume, when, dim)
        _moments_exist(result, total)
        return
    if raw is None:
        _moments_exist(result, total)
        return
    closed = tidy(volume * raw)
    digits = _agreement(closed, total, volume, when)
    if digits < ENOUGH_DIGITS:
        return
    result.normalizer = Closed(closed, when, digits)
    _closed_moments(result, total, raw)
    log_z = sp.expand_log(sp.log(closed), force=True)
    result.entropy = tidy(log_z - lam * sp.diff(log_z, lam))


def _closed_moments(result: Derivation, total: OneTotal, raw: sp.Expr) -> None:
    measure = total.measure
    means = {}
    for name, weight in (("y", measure.mean), ("yy", measure.square), ("yz", measure.product)):
        top = expectation(total, weight, d)
        means[name] = None if top is None else tidy(top / raw)
    first_when, second_when = _moment_conditions(result, total)
    result.moments["mean_abs"] = Moment(means["y"], first_when)
    if means["y"] is None or means["yy"] is None or means["yz"] is None:
        return
    spread = means["yy"] - means["y"] ** 2
    real = result.penalty.domain == "real"
    result.moments["variance"] = Moment(means["yy"] if real else tidy(spread), second_when)
    together = means["yz"] - means["y"] ** 2
    result.moments["correlation"] = Moment(tidy(together / spread), second_when)


def _moment_conditions(
    result: Derivation, total: OneTotal
) -> tuple[sp.Basic | None, sp.Basic | None]:
    """When E|a| and E a² exist: r more powers of the feature in the tail."""
    propriety = result.propriety
    if propriety.proper == ALWAYS:
        return sp.true, sp.true
    measure = total.measure
    if measure.power is not None and measure.q is not None:
        rate = ratio(total.g.subs(s, y), sp.log(y), AT_INFINITY)
        if rate is None:
            return None, None
        first, second = ((measure.power + r / measure.q) / rate for r in (1, 2))
    else:
        rate = ratio(total.g.subs(s, y), y, AT_INFINITY)
        if rate is None:
            return None, None
        first, second = 2 / rate, 3 / rate
    return lam > simplified(first), lam > simplified(second)


def _moments_exist(result: Derivation, total: OneTotal) -> None:
    first, second = _moment_conditions(result, total)
    result.moments["mean_abs"] = Moment(None, first)
    result.moments["variance"] = Moment(None, second)
    result.moments["correlation"] = Moment(None, second)


def _log_total_normalizer(
    result: Derivation, total: OneTotal, volume: sp.Expr, when: sp.Basic, dim: int | None
) -> Closed | None:
    """The product of (1+|aᵢ|/k) and its powers: Milgram's generalised exponential integral.

    With t = e^s, ∫ s^{d−1} e^s e^{−λ c t^m} ds = ∫₁^∞ (log t)^{d−1} e^{−λ c t^m} dt; elementary at
    d = 1 and E₁ at d = 2 for m = 1 (Milgram, The generalized integro-exponential function, 1985).
    """
    t = sp.Symbol("t", positive=True)
    terms = terms_of(total.g.subs(s, y))
    integrand = sp.log(t) ** (d - 1) * sp.exp(-lam * sp.expand(total.g.subs(s, sp.log(t))))
    closed: sp.Expr = volume * sp.Integral(simplified(integrand), (t, 1, sp.oo))
    if dim in (1, 2) and terms.kinds == ("exp",) and terms.of("exp").parameters[0] == 1:
        p = lam * terms.of("exp").coefficient
        known = sp.exp(-p) / p if dim == 1 else sp.expint(1, p) / p
        closed = simplified(volume.subs(d, dim) * sp.exp(-lam * terms.constant) * known)
    digits = _agreement(closed, total, volume, when, dim)
    return Closed(closed, when, digits) if digits >= ENOUGH_DIGITS - 5 else None


def _agreement(
    closed: sp.Expr, total: OneTotal, volume: sp.Expr, when: sp.Basic, dim: int | None = None
) -> int:
    """Digits of agreement between a normaliser and quadrature over the total."""
    names = closed.free_symbols | total.g.free_symbols
    least = 30
    points = points_where(when, names - {s, sp.Symbol("t", positive=True)}, 2)
    for point in points:
        if dim in (1, 2):  # elsewhere the form holds for every d and is tried at small ones
            point[d] = sp.Integer(dim)
        number = total_integral(total, sp.S.One, point)
        if number is None:
            return 0
        try:
            value = sp.N(substitute(closed, point, 40), 35)
        except UNCOMPUTABLE:
            return 0
        if not value.is_real:
            return 0
        with mp.workdps(40):
            truth = number.value * mp.mpf(sp.N(substitute(volume, point, 40), 40))
            gap = abs(mp.mpf(value) / truth - 1)
            least = min(least, int(-mp.log10(max(gap, number.error / abs(number.value)))))
    return least if points else 0
