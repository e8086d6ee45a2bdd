"""Whether a joint prior has a finite integral: by its one total, else by rules on its growth."""

from __future__ import annotations

import sympy as sp

from neglog.derivations.asymptotics.growth import AT_INFINITY, AT_ZERO, ratio
from neglog.derivations.asymptotics.propriety import ALWAYS, IF, NEVER, UNKNOWN, Propriety, decide
from neglog.derivations.deadline import within
from neglog.derivations.half_line import sides
from neglog.derivations.joint.features import even
from neglog.derivations.joint.several import Growth, growth
from neglog.derivations.joint.totals import OneTotal, s, scale_invariant
from neglog.derivations.numbers import simplified
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, d, lam, y


def growth_of(expr: sp.Expr, domain: str, total: OneTotal | None) -> Growth:
    """Propriety by the one total where there is one, else by the rules for several."""
    if total is not None:
        return Growth(_propriety(expr, total), lambda r: sp.false)
    if scale_invariant(expr):
        return Growth(Propriety(NEVER, sp.false, CONSTANT), lambda r: sp.false)
    if domain == "real" and not even(expr):
        why = "phi is not a function of the |a_i|: a per-feature function is not even in a."
        return Growth(Propriety(UNKNOWN, None, why), lambda r: sp.false)
    return growth(expr, domain)


CONSTANT = (
    "The penalty does not change when all features are scaled together, so exp(-lam*phi) "
    "is constant along rays and has no finite integral."
)


def _propriety(expr: sp.Expr, total: OneTotal) -> Propriety:
    if scale_invariant(expr):
        return Propriety(NEVER, sp.false, CONSTANT)
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
    start, inside = _finite_inside(total)
    if not inside:
        why = "phi is infinite at a finite total; whether it is integrable there is not decided."
        return Propriety(UNKNOWN, None, f"{why} {about[0].upper()}{about[1:]}.")
    if start.is_positive:
        return _singular_at_zero(rate, start, needed, power is None, about)
    if rate is sp.oo:
        return Propriety(ALWAYS, sp.true, f"phi outgrows every multiple of {name}; {about}.")
    if rate.is_zero or rate.is_negative or rate is -sp.oo:
        return Propriety(NEVER, sp.false, f"phi grows slower than {name}; {about}.")
    if not rate.is_positive:
        return Propriety(UNKNOWN, None, f"The growth of phi against {name} has no fixed sign.")
    bound = simplified(needed / rate)
    slope = "" if rate == 1 else f"{rate}*"
    return Propriety(IF, lam > bound, f"phi grows like {slope}{name}; {about}.")


def _finite_inside(total: OneTotal) -> tuple[sp.Expr, bool]:
    """(m, ok): φ ~ m·log s at s = 0, and whether e^{−λφ} is integrable at every other finite s."""
    start = ratio(total.g.subs(s, y), sp.log(y), AT_ZERO)
    if start is None:
        return sp.S.Zero, False
    start = sp.Max(start, 0) if start.is_number else start
    poles = [p.base for p in total.g.atoms(sp.Pow) if not p.exp.is_nonnegative]
    poles += [e.args[0] for e in total.g.atoms(sp.log)]
    if all(pole.is_positive for pole in poles) and not total.g.has(*_MAY_BE_INFINITE):
        return start, True
    # far out y outgrows everything, at 0 m·log y takes the singularity off: the middle is left
    middle = total.g.subs(s, y) + y + y**2 - start * sp.log(y)
    halves = within(2.0, lambda: sides(Penalty(middle.subs(y, a), "positive")), None)
    if halves is None:
        return start, False
    return start, within(2.0, lambda: decide(halves), UNDECIDED).proper == ALWAYS


_MAY_BE_INFINITE = (sp.tan, sp.cot, sp.coth, sp.csch, sp.atanh, sp.acosh, sp.Piecewise, sp.oo)
UNDECIDED = Propriety(UNKNOWN, None, "")


def _singular_at_zero(
    rate: sp.Expr, start: sp.Expr, needed: sp.Expr, log_total: bool, about: str
) -> Propriety:
    """φ → −∞ like start·log s where every feature is 0: s^{−λ·start} against the volume."""
    near = lam < simplified((d if log_total else needed) / start)
    reason = f"Near 0 phi is {start}*log(s), and {about}."
    if rate is sp.oo:
        return Propriety(IF, near, reason)
    if log_total or not (rate - start).is_positive:
        why = f"{reason} It grows like {rate} times that: one end always diverges."
        return Propriety(NEVER, sp.false, why)
    return Propriety(IF, sp.And(near, lam > simplified(needed / rate)), reason)
