"""Do features exclude each other or fire together? The sign of ∂²φ/∂|aᵢ|∂|aⱼ| decides.

For the density p ∝ exp(−λφ) on |a|: a sign ≤ 0 everywhere makes p multivariate totally positive of
order 2 and its features associated (Karlin & Rinott, Classes of orderings of measures and related
correlation inequalities I, 1980): *coactivating*. A sign ≥ 0 makes every pair reverse-rule (RR₂)
given the rest: *exclusive* conditionally; for d > 2 that alone does not imply negative association
(Karlin & Rinott II, 1980). Zero everywhere: *independent*. Otherwise *mixed*.
For φ = g(T), T = Σ u(aᵢ) with u monotone, the sign is that of g″: concave, linear, convex.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.numbers import samples, simplified, value_at
from neglog.priors.symbols import Largest, Total, a

INDEPENDENT, COACTIVATING, EXCLUSIVE, MIXED = "independent", "coactivating", "exclusive", "mixed"


@dataclass(frozen=True)
class Dependence:
    """The verdict and one sentence of reason."""

    verdict: str | None
    reason: str


_REASONS = {
    COACTIVATING: "The cross derivative of phi in |a_i|, |a_j| is <= 0{how}: the prior is MTP2, "
    "its features are positively associated.",
    EXCLUSIVE: "The cross derivative of phi in |a_i|, |a_j| is >= 0{how}: given the others, each "
    "pair of features is RR2, so one firing lowers the other.",
    INDEPENDENT: "The cross derivative of phi in |a_i|, |a_j| is 0{how}: phi is a sum over "
    "features.",
    MIXED: "The cross derivative of phi in |a_i|, |a_j| takes both signs{how}.",
}


def dependence(expr: sp.Expr) -> Dependence:
    """The dependence that a joint penalty, written in totals, assumes."""
    if expr.has(Largest):
        return _of_largest(expr)
    yi, yj = sp.symbols("y_i y_j", positive=True)
    cross = _cross_derivative(expr, yi, yj)
    if cross == 0:
        return _say(INDEPENDENT, proved=True)
    short = within(2.0, lambda: sp.factor(simplified(cross)), cross)
    for form in (short, sp.expand(short)):
        if form == 0:
            return _say(INDEPENDENT, proved=True)
        if form.is_nonpositive:
            return _say(COACTIVATING, proved=True)
        if form.is_nonnegative:
            return _say(EXCLUSIVE, proved=True)
    return _by_sampling(short)


def _say(verdict: str, *, proved: bool) -> Dependence:
    how = "" if proved else " (checked numerically)"
    return Dependence(verdict, _REASONS[verdict].format(how=how))


def _cross_derivative(expr: sp.Expr, yi: sp.Symbol, yj: sp.Symbol) -> sp.Expr:
    """∂²φ/∂y_i∂y_j with every total split into two features and a non-negative rest."""
    totals = sorted(expr.atoms(Total), key=str)
    split = {}
    for number, total in enumerate(totals):
        u = total.args[0]
        rest = sp.Symbol(f"rest_{number}", positive=True)
        split[total] = u.subs(a, yi) + u.subs(a, yj) + rest
    return sp.diff(expr.xreplace(split), yi, yj)


def _by_sampling(cross: sp.Expr) -> Dependence:
    """The signs at many activations, for several values of the parameters."""
    parameters = sorted((n for n in cross.free_symbols if not _is_activation(n)), key=str)
    found = [_signs(cross, point) for point in samples(parameters, 6 if parameters else 1)]
    if not any(found):
        return Dependence(None, "The sign of the cross derivative could not be decided.")
    if any(len(signs) == 2 for signs in found):
        return _say(MIXED, proved=True)
    seen = set().union(*found)
    if len(seen) == 2:
        return Dependence(None, "The sign of the cross derivative depends on the parameters.")
    return _say(EXCLUSIVE if seen.pop() else COACTIVATING, proved=False)


def _is_activation(name: sp.Symbol) -> bool:
    return str(name).startswith(("y_", "rest_"))


def _signs(cross: sp.Expr, parameters: dict[sp.Symbol, sp.Expr]) -> set[bool]:
    fixed = {n: sp.Integer(3) if n.name == "d" else v for n, v in parameters.items()}
    names = sorted((n for n in cross.free_symbols if _is_activation(n)), key=str)
    signs = set()
    for point in samples(names, 12):
        for spread in (sp.Rational(1, 20), 1, 20):
            value = value_at(cross, {**fixed, **{n: v * spread for n, v in point.items()}})
            if value is not None and abs(value) > 1e-12:
                signs.add(value.real > 0)
    return signs


def _of_largest(expr: sp.Expr) -> Dependence:
    """An increasing function of max|aᵢ| is submodular on the lattice, hence MTP₂."""
    nodes = expr.atoms(Largest, Total)
    if len(nodes) != 1:
        return Dependence(None, "Mixtures of max with other reductions are not decided.")
    stand_in = sp.Symbol("m", positive=True)
    slope = simplified(sp.diff(expr.xreplace({nodes.pop(): stand_in}), stand_in))
    if slope.is_nonnegative:
        return Dependence(
            COACTIVATING,
            "An increasing function of max|a_i| is submodular: the prior is MTP2, its features "
            "are positively associated.",
        )
    return Dependence(None, "phi is not an increasing function of max|a_i|.")
