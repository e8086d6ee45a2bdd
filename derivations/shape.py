"""Shape: the tail's class and the reweighted least-squares weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.growth import AT_INFINITY, ratio
from neglog.derivations.half_line import Side
from neglog.derivations.numbers import simplified
from neglog.derivations.terms import terms_of
from neglog.priors.symbols import lam, y

SECONDS = 1.5
SIMPLIFY_SECONDS = 0.5


def tail(sides: Sequence[Side]) -> dict[str, Any] | None:
    """The class of the heaviest tail and its index (a rate λc or a power λc)."""
    found = [_tail(side) for side in sides]
    if any(t is None for t in found):
        return None
    order = list(_LIGHT_TO_HEAVY)
    ranked = [t for t in found if t is not None]
    if any("cases" in t for t in ranked):
        return ranked[0] if len(ranked) == 1 else None
    return max(ranked, key=lambda t: order.index(t["class"]))


_LIGHT_TO_HEAVY = (
    "compact",
    "gaussian-or-lighter",
    "superexponential",
    "exponential",
    "subexponential",
    "regularly-varying",
    "none",
)


def _tail(side: Side) -> dict[str, Any] | None:
    phi = side.pieces[-1].phi
    if phi is sp.oo:
        return {"class": "compact", "index": None}
    if not phi.has(y):
        return {"class": "none", "index": None}
    exponent = _leading_power(phi)
    if exponent is not None and not exponent.is_number:
        return {"cases": _cases(exponent), "index": None}
    against_log = ratio(phi, sp.log(y), AT_INFINITY)
    if against_log is None:
        return None
    if against_log is not sp.oo:
        if against_log.is_positive:
            return {"class": "regularly-varying", "index": simplified(lam * against_log)}
        return {"class": "none", "index": None}
    linear = ratio(phi, y, AT_INFINITY)
    if linear is None:
        return None
    if linear.is_zero:
        return {"class": "subexponential", "index": None}
    if linear is not sp.oo:
        return {"class": "exponential", "index": simplified(lam * linear)}
    square = ratio(phi, y**2, AT_INFINITY)
    if square is None:
        return None
    name = "superexponential" if square.is_zero else "gaussian-or-lighter"
    return {"class": name, "index": None}


def _leading_power(phi: sp.Expr) -> sp.Expr | None:
    """q where the only growing term is y^q with q > 0."""
    powers = [t for t in terms_of(phi).terms if t.kind != "log"]
    if len(powers) == 1 and powers[0].kind == "power" and powers[0].coefficient.is_positive:
        return powers[0].parameters[0]
    return None


def _cases(q: sp.Expr) -> dict[str, str]:
    return {
        f"{q} < 1": "subexponential",
        f"Eq({q}, 1)": "exponential",
        f"({q} > 1) & ({q} < 2)": "superexponential",
        f"{q} >= 2": "gaussian-or-lighter",
    }


def irls_weight(sides: Sequence[Side]) -> sp.Expr | None:
    """φ'(y)/y, the weight of iteratively reweighted least squares, in y = |a|.

    Holland & Welsch, Robust regression using iteratively reweighted least-squares, 1977.
    """
    if len(sides) > 1:
        return None
    pieces = sides[0].pieces
    weights = [within(SECONDS, lambda p=p: _weight(p.phi), None) for p in pieces]  # type: ignore[misc]
    if any(w is None for w in weights):
        return None
    if len(pieces) == 1:
        return weights[0]
    ends = [y < p.hi for p in pieces[:-1]]
    return sp.Piecewise(*zip(weights, [*ends, sp.true], strict=True))


def _weight(phi: sp.Expr) -> sp.Expr:
    if phi is sp.oo:
        return sp.oo
    plain = sp.diff(phi, y) / y
    rational = plain.is_rational_function(y)
    forms = [sp.factor(sp.together(plain)), plain] if rational else [plain]
    if not rational and not plain.has(sp.log):  # logs are joined by simplify
        forms.append(within(SIMPLIFY_SECONDS, lambda: simplified(plain), plain))
    return min(forms, key=lambda f: f.count_ops())
