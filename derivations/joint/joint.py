"""Everything that follows from a joint penalty: separable, or a function of one total."""

from __future__ import annotations

import mpmath as mp
import sympy as sp

from neglog.derivations.asymptotics.growth import AT_INFINITY, ratio
from neglog.derivations.asymptotics.propriety import ALWAYS, IF, NEVER, UNKNOWN, Propriety
from neglog.derivations.deadline import within
from neglog.derivations.integrals.closed import ENOUGH_DIGITS, Closed, points_where, tidy
from neglog.derivations.integrals.mellin import transform
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.joint.dependence import dependence
from neglog.derivations.joint.numbers import total_integral
from neglog.derivations.joint.totals import (
    OneTotal,
    in_totals,
    one_total,
    real_factor,
    s,
    scale_invariant,
    separable_part,
)
from neglog.derivations.laws import half_line as laws
from neglog.derivations.numbers import UNCOMPUTABLE, simplified, substitute
from neglog.derivations.scalar import Derivation, Moment, derive_scalar
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import d, lam, y


def derive_joint(phi: Penalty, dim: int | None = None) -> Derivation:
    """The derivation of a joint penalty, for symbolic d or a given number of features."""
    expr = in_totals(phi)
    f = separable_part(expr)
    if f is not None:
        return _separable(phi, f)
    verdict = dependence(expr)
    total = one_total(expr, phi.domain)
    result = Derivation(phi, _propriety(expr, total))
    result.dependence = verdict.verdict or "unknown"
    result.dependence_reason = verdict.reason
    if total is not None:
        result.conditional = _conditional(total, phi.domain)
        if result.propriety.proper in (ALWAYS, IF):
            _integrals(result, total, dim)
    return result


def _separable(phi: Penalty, f: sp.Expr) -> Derivation:
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
    return one


def _propriety(expr: sp.Expr, total: OneTotal | None) -> Propriety:
    if scale_invariant(expr):
        return Propriety(
            NEVER,
            sp.false,
            "The penalty does not change when all features are scaled together, so exp(-lam*phi) "
            "is constant along rays and has no finite integral.",
        )
    if total is None:
        return Propriety(
            UNKNOWN, None, "The penalty is not a function of one total whose volume is known."
        )
    power = total.measure.power
    scale = sp.log(s) if power is not None else s
    rate = ratio(total.g.subs(s, y), scale.subs(s, y), AT_INFINITY)
    needed = power if power is not None else sp.S.One
    name = "log(s)" if power is not None else "s"
    volume = f"s**({power} - 1)" if power is not None else "s**(d - 1)*exp(s)"
    about = f"with s the total of the features, the volume element is {volume}"
    if rate is None:
        return Propriety(
            UNKNOWN, None, f"The growth of phi against {name} is not decided; {about}."
        )
    if rate is sp.oo:
        return Propriety(ALWAYS, sp.true, f"phi outgrows every multiple of {name}; {about}.")
    if rate.is_zero or rate.is_negative or rate is -sp.oo:
        return Propriety(NEVER, sp.false, f"phi grows slower than {name}; {about}.")
    if not rate.is_positive:
        return Propriety(UNKNOWN, None, f"The growth of phi against {name} has no fixed sign.")
    bound = simplified(needed / rate)
    slope = "" if rate == 1 else f"{rate}*"
    return Propriety(IF, lam > bound, f"phi grows like {slope}{name}; {about}.")


def _expectation(total: OneTotal, weight: sp.Expr, dim: sp.Expr) -> sp.Expr | None:
    """∫ weight·w(s) exp(−λg) ds in closed form: the table, for symbolic d where the row allows."""
    weighted = weight * total.measure.weight
    power = (
        simplified(sp.diff(sp.log(weighted), s) * s) if total.measure.power is not None else None
    )
    if power is not None and not power.has(s):
        factor = simplified(weighted / s**power)
        found = transform(terms_of(total.g.subs(s, y)), power + 1)
        return None if found is None else factor * found
    return None


def _integrals(result: Derivation, total: OneTotal, dim: int | None) -> None:
    phi, when = result.penalty, result.propriety.when
    assert when is not None
    volume = real_factor(phi.domain) * total.measure.volume
    raw = within(3.0, lambda: _expectation(total, sp.S.One, d), None)
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
        top = _expectation(total, weight, d)
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


def _conditional(total: OneTotal, domain: str) -> str | None:
    """The law of one feature given the others, where it has a name."""
    u = total.measure.conditional
    if u is None:
        return None
    log_total = total.measure.power is None
    rest = sp.Symbol("R" if log_total else "S", positive=True)
    others = sp.log(rest) if log_total else rest
    given = sp.powdenest(sp.expand_log(simplified(total.g.subs(s, others + u)), force=True))
    law = within(2.0, lambda: laws.named(laws.Form(terms_of(sp.expand(given)), domain)), None)
    if law is None:
        return None
    scale = "prod(1 + |a_j|/k)" if log_total else "sum of u(a_j)"
    if log_total:
        k = simplified(y / (sp.exp(u) - 1))
        scale = "prod(1 + |a_j|)" if k == 1 else f"prod(1 + |a_j|/{k})"
    else:
        q = total.measure.q
        scale = "sum |a_j|" if q == 1 else f"sum |a_j|**{q}"
    body = law.scipy or f"density proportional to {simplified(sp.exp(-lam * given))}"
    return f"{law.name}: {body} with {rest} = {scale} over j != i"
