"""Where a penalty on ℝ is even about a point other than 0: φ(m + t) = φ(m − t)."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from neglog.derivations.numbers import simplified
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a


def centre(phi: Penalty) -> tuple[sp.Expr, Penalty] | None:
    """(m, t ↦ φ(m + t)) for a scalar penalty on ℝ; None where no m ≠ 0 makes it even."""
    if phi.domain != "real" or phi.joint:
        return None
    for m in dict.fromkeys(_candidates(phi.expr)):
        if not m.is_real or m == 0:
            continue
        shifted = phi.expr.subs(a, a + m)
        mirrored = phi.expr.subs(a, m - a)
        if shifted == mirrored or simplified(sp.expand(shifted - mirrored)) == 0:
            return m, Penalty(_short(shifted), "real")
    return None


def _candidates(expr: sp.Expr) -> Iterator[sp.Expr]:
    """Zeros of linear and vertices of quadratic subexpressions in ``a``."""
    for node in sp.preorder_traversal(expr):
        if not (isinstance(node, sp.Add) and node.has(a) and node.is_polynomial(a)):
            continue
        powers = sp.Poly(node, a).all_coeffs()
        if len(powers) == 2:
            yield simplified(-powers[1] / powers[0])
        elif len(powers) == 3:
            yield simplified(-powers[1] / (2 * powers[0]))


def _short(expr: sp.Expr) -> sp.Expr:
    """The shifted expression with what cancels cancelled."""
    expanded = expr.replace(lambda e: e.is_polynomial(a) and e.has(a), sp.expand)
    return min((expr, expanded, sp.expand(expr)), key=sp.count_ops)
