"""The law of one feature given the others, where it has a name."""

from __future__ import annotations

import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.joint.totals import OneTotal, s
from neglog.derivations.laws import half_line as laws
from neglog.derivations.numbers import simplified
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import Largest, Total, lam, y


def conditional(total: OneTotal, domain: str) -> str | None:
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


def conditional_of_several(expr: sp.Expr, domain: str) -> str | None:
    """The same where φ has several totals, each less the feature's own share: S_1, S_2, …"""
    if expr.has(Largest):
        return None
    totals = sorted(expr.atoms(Total), key=str)
    names = [sp.Symbol(f"S_{i + 1}", positive=True) for i in range(len(totals))]
    shares = [Penalty(t.args[0], domain).on_half_line for t in totals]
    if any(u is None for u in shares):
        return None
    given = expr.xreplace({t: u + n for t, u, n in zip(totals, shares, names, strict=True)})
    given = sp.expand(given)
    given -= sum((t for t in sp.Add.make_args(given) if not t.has(y)), sp.S.Zero)
    form = laws.Form(terms_of(sp.collect(given, y)), domain)
    law = within(2.0, lambda: laws.named(form), None)
    if law is None:
        return None
    used = [(n, t) for n, t in zip(names, totals, strict=True) if given.has(n)]
    about = " and ".join(f"{n} = {_others(t)}" for n, t in used)
    body = law.scipy or f"density proportional to {simplified(sp.exp(-lam * given))}"
    return f"{law.name}: {body}" + (f" with {about} over j != i" if about else "")


def _others(total: sp.Expr) -> str:
    inner = str(total.args[0]).replace("Abs(a)", "|a_j|")
    return f"sum {inner.replace('a**', '|a_j|**') if 'a_j' not in inner else inner}"
