"""What a joint derivation knows beyond a scalar one, and its part of the JSON document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from neglog.derivations.joint.budget import Budget
from neglog.derivations.joint.dependence import Dependence
from neglog.derivations.joint.kendall import Kendall
from neglog.derivations.joint.marginal import Marginal
from neglog.derivations.joint.mixing import StrengthMixture


@dataclass
class JointFacts:
    """None: not known, or not closed."""

    dependence: Dependence | None = None
    marginal: Marginal | None = None
    kendall: Kendall | None = None
    mixture: StrengthMixture | None = None
    budget: Budget | None = None
    totals: tuple[str, ...] = field(default_factory=tuple)


def joint_document(found: JointFacts) -> dict[str, Any]:
    """The fields that only joint documents have."""
    law = found.dependence
    return {
        "dependence_theorem": None if law is None else law.theorem,
        "dependence_regions": None if law is None else list(law.regions),
        "cross_derivative": None if law is None else law.cross,
        "marginal": _marginal(found.marginal),
        "kendall_tau": _kendall(found.kendall),
        "strength_mixture": _mixture(found.mixture),
        "budget": _budget(found.budget),
    }


def _marginal(found: Marginal | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "density": f"{_bracket(found.density)}/Z_1",
        "law": found.law,
        "dim": found.dim,
        "verified_digits": found.digits,
    }


def _bracket(expr: sp.Expr) -> str:
    return f"({expr})" if expr.is_Add else str(expr)


def _kendall(found: Kendall | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": _text(found.value), "when": _text(found.when), "reason": found.reason}


def _mixture(found: StrengthMixture | None) -> dict[str, Any] | None:
    if found is None:
        return None
    record = {"of": found.of, "mixing": found.mixing, "reason": found.reason}
    return record if found.when is None else {**record, "when": found.when}


def _budget(found: Budget | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "index": _text(found.index),
        "when": _text(found.when),
        "limit": _text(found.limit),
        "price": str(found.price),
        "reason": found.reason,
    }


def _text(expr: sp.Basic | None) -> str | None:
    return None if expr is None else str(expr)
