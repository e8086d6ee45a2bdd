"""Closed normalisers of one or two features where there is more than one total.

With one feature a joint penalty is a scalar one. With two, the first is integrated out with the
second given (the table of known integrals, its parameters depending on the second), then the
second: Σ|a| + cΣ_{i<j}|aᵢ||aⱼ| gives ∫ e^{−λy}/(λ(1 + cy)) dy, an exponential integral. A closed
form counts when it agrees with the product cubature.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.integrals.closed import FUNCTIONS_NOT_CLOSED, Closed, points_where, tidy
from neglog.derivations.integrals.mellin import transform
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.joint.cubature import cubature
from neglog.derivations.joint.features import in_features
from neglog.derivations.numbers import UNCOMPUTABLE, substitute
from neglog.derivations.scalar import derive_scalar
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, d, lam, y

SECONDS = 6.0
ENOUGH = 11  # digits of agreement with cubature in double precision


def closed_normalizer(expr: sp.Expr, domain: str, when: sp.Basic, dim: int) -> Closed | None:
    """Z of one or two features in closed form, verified; None where none is found."""
    when = when.subs(d, dim)
    if when == sp.false:
        return None
    if dim == 1:
        (feature,), phi = in_features(expr, 1)
        inside = sp.Abs(a) if domain == "real" else a
        return derive_scalar(Penalty(phi.subs(feature, inside), domain)).normalizer
    found = within(SECONDS, lambda: _iterated(expr, 2**dim if domain == "real" else 1), None)
    if found is None or found.has(*FUNCTIONS_NOT_CLOSED):
        return None
    digits = _agreement(found, expr, when, 2**dim if domain == "real" else 1)
    return Closed(tidy(found), when, digits) if digits >= ENOUGH else None


def _iterated(expr: sp.Expr, orthants: int) -> sp.Expr | None:
    (first, second), phi = in_features(expr, 2)
    inner = transform(terms_of(sp.expand(phi.subs(first, y))), sp.S.One)
    if inner is None or inner.has(*FUNCTIONS_NOT_CLOSED):
        return None
    # what the inner integral left of the penalty: its constant in the first feature
    try:
        outer = sp.integrate(sp.powsimp(inner), (second, 0, sp.oo), conds="none")
    except (*UNCOMPUTABLE, RecursionError, sp.PoleError, TypeError, AttributeError):
        return None  # sympy's integrator raises all of these on inputs it cannot do
    return orthants * _elementary(outer)


def _elementary(expr: sp.Expr) -> sp.Expr:
    """Γ(0, x) as E₁(x), and the polar numbers of sympy's integrals as plain ones."""
    expr = sp.unpolarify(sp.hyperexpand(expr))
    expr = expr.replace(
        lambda e: isinstance(e, sp.uppergamma) and e.args[0] == 0, lambda e: sp.expint(1, e.args[1])
    )
    return expr.replace(
        lambda e: isinstance(e, sp.expint) and e.args[0] == 1,
        lambda e: sp.expint(1, sp.powsimp(e.args[1])),
    )


def _agreement(found: sp.Expr, expr: sp.Expr, when: sp.Basic, orthants: int) -> int:
    names = found.free_symbols - {lam}
    points = points_where(when, names, 3)
    least = 15
    for point in points:
        strength = float(point[lam])
        at = {n: v for n, v in point.items() if n not in (lam, d)}
        try:
            number = cubature(expr, at, strength, 2, orthants, order=0)
            value = float(sp.N(substitute(found, {**at, lam: point[lam]}, 30), 20))
        except (*UNCOMPUTABLE, TypeError, InputError):
            return 0
        z, error = number.normalizer
        scale = np.exp(number.log_scale)
        gap = max(abs(value / (z * scale) - 1), error / z, 1e-15)
        least = min(least, int(-np.log10(gap)))
    return least if points else 0
