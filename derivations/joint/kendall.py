"""Kendall's τ of |aᵢ|, |aⱼ| where the features spread uniformly over a simplex given their total.

With u = |a| or log(1 + |a|/k), P(uᵢ > x, uⱼ > x′) = ψ(x + x′) with ψ(x) = E(1 − x/s)₊^{d−1}: an
Archimedean copula of survival times whose generator is the Williamson transform of the law of s
(McNeil & Nešlehová, Multivariate Archimedean copulas, d-monotone functions and ℓ₁-norm symmetric
distributions, 2009). Hence, for any g and any d,

    τ = 1 − 4 ∫₀^∞ x ψ′(x)² dx.

τ does not change under monotone maps of each feature and exists without any moment. For
log(1 + Σ|a|) the copula is Clayton's and τ = 1/(2(λ − d) + 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.integrals.closed import points_where
from neglog.derivations.integrals.terms import terms_of
from neglog.derivations.joint.budget import shape
from neglog.derivations.joint.law_of_total import TotalLaw, law_of_total
from neglog.derivations.joint.totals import OneTotal, s
from neglog.derivations.numbers import samples, simplified
from neglog.priors.errors import InputError
from neglog.priors.symbols import d, lam, y

NODES = 1600
INNER = 200
CHECKED = 1e-7


@dataclass(frozen=True)
class Kendall:
    """τ in closed form (None where not), under ``when``; why it is known or not."""

    value: sp.Expr | None
    when: sp.Basic | None
    reason: str


def kendall(total: OneTotal, when: sp.Basic, dim: int | None) -> Kendall:
    """τ for symbolic d, or for the number of features asked for."""
    if total.largest or shape(total) != 1:
        return Kendall(
            None, None, "Known where the features are uniform on a simplex given their total."
        )
    if not sp.diff(total.g, s, 2).has(s) and simplified(sp.diff(total.g, s, 2)) == 0:
        return Kendall(sp.S.Zero, when, "The features are independent.")
    found = within(8.0, lambda: _closed(total, dim), None)
    if found is not None and not _checked(found, total, when, dim):
        found = None
    return Kendall(found, when, "An Archimedean copula: tau = 1 - 4*int x*psi'(x)**2 dx.")


def _closed(total: OneTotal, dim: int | None) -> sp.Expr | None:
    terms = terms_of(total.g.subs(s, y))
    if total.measure.power is not None and terms.kinds == ("log-binomial",):
        term = terms.of("log-binomial")
        if term.parameters[1] == 1 and len(terms.terms) == 1:  # Clayton with θ = 1/(λc − d)
            return 1 / (2 * (lam * term.coefficient - d) + 1)
    if dim == 2 and total.measure.power is not None and terms.kinds == ("power",):
        # ψ′(x) = −∫ₓ^∞ e^{−λg}/∫₀^∞ s e^{−λg}
        x = sp.Symbol("x", positive=True)
        weight = sp.exp(-lam * total.g.subs(d, 2))
        over = sp.integrate(weight, (s, x, sp.oo), conds="none")
        under = sp.integrate(s * weight, (s, 0, sp.oo), conds="none")
        if over.has(sp.Integral) or under.has(sp.Integral):
            return None
        outer = sp.integrate(sp.expand(x * over**2), (x, 0, sp.oo), conds="none")
        if outer.has(sp.Integral):
            return None
        return sp.simplify(1 - 4 * outer / under**2)
    return None


def _checked(found: sp.Expr, total: OneTotal, when: sp.Basic, dim: int | None) -> bool:
    """Whether a closed form agrees with quadrature at several points."""
    names = (found.free_symbols | total.g.free_symbols) - {s, lam}
    points = points_where(when, names, 3) or samples(names, 3)
    for point in points:
        at = dict(point)
        size = dim or int(at.get(d, 2))
        if size < 2:
            size = 2
        at[d] = sp.Integer(size)
        if when.subs(at) != sp.true:
            continue
        numbers = {n: float(v) for n, v in at.items() if n not in (lam, d)}
        truth, _ = kendall_number(total, numbers, float(at[lam]), size)
        if abs(float(found.subs(at)) - truth) > CHECKED:
            return False
    return bool(points)


def kendall_number(
    total: OneTotal, numbers: Mapping[sp.Symbol, float], strength: float, dim: int
) -> tuple[float, float]:
    """(τ, error bound) at numbers, by quadrature in double precision.

    Raises:
        InputError: the total is not one of these, or d = 1.
    """
    if total.largest or shape(total) != 1 or dim < 2:
        raise InputError("Kendall's tau is known for simplex-uniform totals and d >= 2 only.")
    law = law_of_total(total, numbers, strength, dim)
    fine, coarse = (_tau(law, dim, n) for n in (NODES, NODES // 2))
    return fine, abs(fine - coarse) + 1e-12


def _tau(law: TotalLaw, dim: int, nodes: int) -> float:
    """1 − 4∫ x ψ′² dx with ψ′(x) = −(d − 1) E[(1 − x/s)^{d−2}/s; s > x], on x = e^t.

    The inner integral is a Gauss rule on x … ∞ graded towards x, where (1 − x/s)^{d−2} lives for
    large d; the outer one is trapezoidal.
    """
    low, high = float(law.x[0]), float(law.x[-1])
    t = np.linspace(low - 45.0, high - 1e-9, nodes)
    node, weight = np.polynomial.legendre.leggauss(INNER)
    unit, jacobian = ((node + 1) / 2) ** 2, (node + 1) / 2 * weight
    squares = np.empty_like(t)
    for start in range(0, len(t), 256):
        part = t[start : start + 256, None]
        left = np.maximum(part, low)
        at = left + (high - left) * unit
        with np.errstate(all="ignore"):
            # x/s · (1 − x/s)^{d−2}, so that nothing over- or underflows before it must
            share = np.exp(part - at)
            kernel = (dim - 1) * share * np.exp((dim - 2) * np.log1p(-share)) if dim > 2 else share
            density = np.exp(law.log_density(at.ravel()).reshape(at.shape))
        squares[start : start + 256] = ((high - left) * jacobian * density * kernel).sum(1) ** 2
    return float(1 - 4 * squares.sum() * (t[1] - t[0]))
