"""Shape: the tail's class and the reweighted least-squares weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from neglog.derivations.asymptotics.equivalents import equivalent
from neglog.derivations.asymptotics.growth import AT_INFINITY, ratio
from neglog.derivations.asymptotics.orders import (
    EXPONENTIAL,
    FASTER,
    LOG,
    LOG_SQUARE,
    Order,
    leading,
)
from neglog.derivations.deadline import within
from neglog.derivations.derivatives import derivative
from neglog.derivations.half_line import Side
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.numbers import simplified
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
    first = leading(terms_of(equivalent(phi, AT_INFINITY)))
    if first is not None:
        return _of_order(first)
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


def _of_order(order: Order) -> dict[str, Any] | None:
    """The class of a tail whose leading order is known."""
    c, rate = order.coefficient, order.rate
    if not c.is_positive:
        return {"class": "none", "index": None} if c.is_nonpositive else None
    if order.level == LOG:
        return {"class": "regularly-varying", "index": simplified(lam * c)}
    if order.level == LOG_SQUARE:
        return {"class": "subexponential", "index": None}
    if order.level in (EXPONENTIAL, FASTER):
        return {"class": "gaussian-or-lighter", "index": None}
    if (rate - 1).is_zero:
        return {"class": "exponential", "index": simplified(lam * c)}
    known = {"subexponential": 1 - rate, "gaussian-or-lighter": rate - 2}
    for name, sign in known.items():
        if sign.is_positive or (sign.is_zero and name != "subexponential"):
            return {"class": name, "index": None}
    if (rate - 1).is_positive and (2 - rate).is_positive:
        return {"class": "superexponential", "index": None}
    return {"cases": _cases(rate), "index": None}


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
    plain = derivative(phi) / y
    rational = plain.is_rational_function(y)
    forms = [sp.factor(sp.together(plain)), plain] if rational else [plain]
    if not rational and not plain.has(sp.log):  # logs are joined by simplify
        forms.append(within(SIMPLIFY_SECONDS, lambda: simplified(plain), plain))
    return min(forms, key=lambda f: f.count_ops())
