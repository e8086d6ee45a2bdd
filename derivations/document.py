"""The derivation as one JSON document, schema ``neglog.derivation/1``.

Expressions are strings that sympy reads and that :func:`neglog.priors.text.parse` reads back.
"""

from __future__ import annotations

from typing import Any

import mpmath as mp
import sympy as sp

from neglog.derivations.integrals.quadrature import Estimate
from neglog.derivations.laws.half_line import Law
from neglog.derivations.scalar import Derivation, Moment
from neglog.priors.symbols import Largest, Multiple, Total, a, lam, y

SCHEMA = "neglog.derivation/1"
DIGITS = 20


def document(found: Derivation) -> dict[str, Any]:
    """The JSON document of a derivation, without its ``seconds``."""
    phi, propriety, norm = found.penalty, found.propriety, found.normalizer
    whole = {
        "schema": SCHEMA,
        "penalty": str(phi.expr),
        "domain": phi.domain,
        "parameters": [str(p) for p in phi.parameters],
        "proper": propriety.proper,
        "proper_when": None if propriety.when is None else condition(propriety.when),
        "reason": propriety.reason,
        "density": density(phi.expr, phi.domain) if propriety.proper != "never" else None,
        "normalizer": None if norm is None else str(norm.expr),
        "normalizer_when": None if norm is None else condition(open_ended(norm.when)),
        "normalizer_kind": None if norm is None else _kind(norm.expr),
        "verified_digits": None if norm is None else norm.digits,
        "moments": {name: _moment(m) for name, m in found.moments.items()},
        "cdf": _text(found.cdf),
        "quantile": _text(found.quantile),
        "entropy": _text(found.entropy),
        "tail": _tail(found.tail),
        "law_at": None,
        "law": None if found.law is None else law_document(found.law),
        "score": _text(found.score),
        "scale_information": _text(found.scale_information),
        "kink": _text(found.kink),
        "exact_zeros": found.exact_zeros,
        "exact_zeros_when": _text(found.exact_zeros_when),
        "convex": found.convex,
        "convex_when": _text(found.convex_when),
        "concave_on_positive": found.concave_on_positive,
        "concave_when": _text(found.concave_when),
        "curvature_proof": found.curvature_proof,
        "prox": _prox(found.prox),
        "scale_mixture": found.mixing.first,
        "normal_mixture": found.mixing.normal,
        "laplace_mixture": found.mixing.laplace,
        "scale_mixture_reason": found.mixing.reason,
        "irls_weight": _in_a(found.irls_weight, phi.domain),
        "dependence": found.dependence,
        "dependence_reason": found.dependence_reason,
        "conditional": found.conditional,
        "numeric": None,
    }
    if found.joint is not None:
        from neglog.derivations.joint.facts import joint_document

        whole |= joint_document(found.joint)
    return whole


def condition(when: sp.Basic) -> str:
    """A condition with the strength on the left, as people write it: ``lam > d + 1``."""
    if isinstance(when, sp.And):
        return " & ".join(f"({condition(part)})" for part in sorted(when.args, key=str))
    if isinstance(when, sp.core.relational.Relational) and when.rhs == lam:
        when = when.reversed
    return str(when)


def open_ended(when: sp.Basic) -> sp.Basic:
    """The condition without its border, where a closed form may be a limit only."""
    return when.replace(sp.Ge, sp.Gt).replace(sp.Le, sp.Lt).replace(sp.Eq, lambda *_: sp.false)


def _kind(expr: sp.Expr) -> str:
    return "integral" if expr.has(sp.Integral) else "closed"


def density(phi: sp.Expr, domain: str) -> str:
    """exp(−λφ)/Z, with e^{−λ log f} written as a power of f."""
    from neglog.derivations.integrals.closed import density_as_powers

    if phi.has(Total, Multiple, Largest):
        powers = phi.func is sp.log
        return f"({phi.args[0]})**(-lam)/Z" if powers else f"exp(-lam*({phi}))/Z"
    if domain == "positive":
        in_a = density_as_powers(phi.xreplace({a: y}))
    else:  # a may be negative: Max(k*a, -a) is not k*a, and log(a**2) not 2*log(a)
        in_a = density_as_powers(phi, force=False)
    return f"{_bracket(in_a.xreplace({y: a}))}/Z"


def _bracket(expr: sp.Expr) -> str:
    return f"({expr})" if expr.is_Add or expr.is_Piecewise else str(expr)


def _text(expr: sp.Basic | None) -> str | None:
    return None if expr is None else str(expr)


def _in_a(expr: sp.Expr | None, domain: str) -> str | None:
    if expr is None:
        return None
    return str(expr.xreplace({y: sp.Abs(a) if domain == "real" else a}))


def _moment(moment: Moment) -> dict[str, str | None]:
    when = None if moment.when is None else condition(moment.when)
    return {"value": _text(moment.value), "when": when}


def law_document(law: Law) -> dict[str, Any]:
    """A law as JSON: its name, its scipy.stats expression, and where it has other names."""
    out: dict[str, Any] = {"name": law.name, "scipy": law.scipy}
    if law.when is not None:
        out["when"] = law.when
    if law.cases:
        out["cases"] = {when: law_document(case) for when, case in law.cases.items()}
    return out


def _tail(tail: dict[str, Any] | None) -> dict[str, Any] | None:
    if tail is None:
        return None
    return {key: str(v) if isinstance(v, sp.Basic) else v for key, v in tail.items()}


def _prox(prox: dict[str, Any] | None) -> dict[str, Any] | None:
    if prox is None:
        return None
    return {key: str(v) if isinstance(v, sp.Basic) else v for key, v in prox.items()}


def numeric(values: dict[str, Any], point: dict[sp.Symbol, sp.Expr]) -> dict[str, Any]:
    """The numbers of ``--at`` as decimal strings, with one bound on all absolute errors.

    What could not be computed is None.
    """
    out: dict[str, Any] = {str(k): float(v) for k, v in point.items()}
    worst = mp.mpf(0)
    for name, value in values.items():
        if isinstance(value, Estimate):
            worst = max(worst, value.error)
            out[name] = decimal(value)
        else:
            out[name] = value
    known = any(isinstance(value, Estimate) for value in values.values())
    out["error"] = mp.nstr(worst, 2) if known else None
    return out


def decimal(value: Estimate) -> str:
    """The value to the digits that its error bound supports, at most twenty."""
    with mp.workdps(40):
        if value.value == 0:
            return "0"
        trusted = DIGITS
        if value.error > 0:
            trusted = int(-mp.log10(value.error / abs(value.value)))
        return str(mp.nstr(value.value, max(1, min(DIGITS, trusted)), strip_zeros=True))
