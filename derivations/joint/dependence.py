"""Do features exclude each other or fire together? The sign of ∂²φ/∂|aᵢ|∂|aⱼ| decides.

For the density p ∝ exp(−λφ) on |a|, with φ even in every feature:

* ≤ 0 everywhere: p is multivariate totally positive of order 2 (MTP₂), hence its features are
  *associated*: Cov(f, g) ≥ 0 for all increasing f, g of all features (Karlin & Rinott, Classes of
  orderings of measures and related correlation inequalities I, 1980; Sarkar, Some lower bounds of
  reliability, 1969): *coactivating*. MTP₂ is kept by marginals and by monotone maps of features.
* ≥ 0 everywhere: given the others, every pair is reverse-rule (RR₂): *exclusive*. RR₂ is **not**
  kept by marginals, so that for d > 2 this alone implies neither a negative correlation nor
  negative association (Karlin & Rinott II, 1980, on multivariate reverse rule distributions).
* zero everywhere: φ is a sum over features: *independent*. Otherwise *mixed*, with regions.

Corollaries for one total, φ = g(Σu(aᵢ)) with u monotone: the sign is that of g″, so concave,
linear, convex g are coactivating, independent, exclusive. There more is true: the law of a pair is
∝ exp(−λg₂(uᵢ + uⱼ)), e^{−λg₂(x)} = ∫ w(t) e^{−λg(x + t)} dt. For convex g and log-concave w
(u = |a|^q with q ≤ 1, and log totals) g₂ is convex (Prékopa, On logarithmic concave measures and
functions, 1973): every pair is RR₂ with nothing given, hence negatively correlated for every d.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from neglog.derivations.deadline import within
from neglog.derivations.joint.features import even
from neglog.derivations.joint.regions import mixed_regions, parameter_regions
from neglog.derivations.joint.totals import OneTotal
from neglog.derivations.numbers import samples, simplified, value_at
from neglog.priors.symbols import Largest, Total, a

INDEPENDENT, COACTIVATING, EXCLUSIVE, MIXED = "independent", "coactivating", "exclusive", "mixed"


@dataclass(frozen=True)
class Dependence:
    """The verdict and one sentence of reason.

    Attributes:
        theorem: what follows from it and what does not, with the reference.
        regions: for *mixed*: where the cross derivative has which sign.
        cross: the cross derivative in y_i, y_j and rests, where it is short.
    """

    verdict: str | None
    reason: str
    theorem: str | None = None
    regions: tuple[dict[str, str], ...] = ()
    cross: str | None = None


THEOREMS = {
    COACTIVATING: "MTP2 implies positive association: Cov(f, g) >= 0 for all increasing f and g of "
    "the |a_i|, also of any subset of features (Karlin & Rinott I, 1980).",
    EXCLUSIVE: "Each pair is RR2 given the others. For more than two features this alone does not "
    "imply negative correlation or negative association, as RR2 is not kept by marginals "
    "(Karlin & Rinott II, 1980).",
    INDEPENDENT: "The density is a product.",
    MIXED: "No ordering theorem applies; the regions tell where features help and where they "
    "exclude each other.",
}
CONVEX_TOTAL = (
    "Each pair is RR2 given the others, and also with nothing given: the law of a pair is a "
    "function of u_i + u_j, log-concave by Prekopa (1973), so that every pair is negatively "
    "correlated for every d."
)
LONGEST = 120  # characters of a cross derivative that is shown


_REASONS = {
    COACTIVATING: "The cross derivative of phi in |a_i|, |a_j| is <= 0{how}: the prior is MTP2, "
    "its features are positively associated.",
    EXCLUSIVE: "The cross derivative of phi in |a_i|, |a_j| is >= 0{how}: given the others, each "
    "pair of features is RR2, so one firing lowers the other.",
    INDEPENDENT: "The cross derivative of phi in |a_i|, |a_j| is 0{how}: phi is a sum over "
    "features.",
    MIXED: "The cross derivative of phi in |a_i|, |a_j| takes both signs{how}.",
}


def dependence(expr: sp.Expr, domain: str = "real", total: OneTotal | None = None) -> Dependence:
    """The dependence that a joint penalty, written in totals, assumes."""
    if domain == "real" and not even(expr):
        return Dependence(
            None, "phi is not a function of the |a_i|: a per-feature function is not even in a."
        )
    found = _verdict(expr)
    theorem = THEOREMS.get(found.verdict or "")
    if found.verdict == EXCLUSIVE and total is not None and _keeps_pairs(total):
        theorem = CONVEX_TOTAL
    regions: tuple[dict[str, str], ...] = ()
    if found.verdict == MIXED:
        regions = within(3.0, lambda: mixed_regions(total, found.cross_derivative), ())
    if found.verdict is None and total is not None and not total.largest:
        regions = within(2.0, lambda: parameter_regions(total), ())
    shown = None if found.cross_derivative is None else str(found.cross_derivative)
    return Dependence(
        found.verdict,
        found.reason,
        theorem,
        regions,
        shown if shown is not None and len(shown) <= LONGEST else None,
    )


def _keeps_pairs(total: OneTotal) -> bool:
    """Whether w is log-concave for every number of other features: α ≥ 1."""
    if total.largest:
        return False
    q = total.measure.q
    return q is None or bool((1 - q).is_nonnegative)


@dataclass(frozen=True)
class _Found:
    verdict: str | None
    reason: str
    cross_derivative: sp.Expr | None = None


def _verdict(expr: sp.Expr) -> _Found:
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
            return _say(COACTIVATING, proved=True, cross=short)
        if form.is_nonnegative:
            return _say(EXCLUSIVE, proved=True, cross=short)
    return _by_sampling(short, _reachable(expr))


def _reachable(expr: sp.Expr) -> dict[sp.Symbol, sp.Expr]:
    """The rests of the totals as two more features make them: not every rest goes with another."""
    more = sp.symbols("y_k y_l", positive=True)
    totals = sorted(expr.atoms(Total), key=str)
    return {
        sp.Symbol(f"rest_{i}", positive=True): sum(t.args[0].subs(a, y) for y in more)
        for i, t in enumerate(totals)
    }


def _say(verdict: str, *, proved: bool, cross: sp.Expr | None = None) -> _Found:
    how = "" if proved else " (checked numerically)"
    return _Found(verdict, _REASONS[verdict].format(how=how), cross)


def _cross_derivative(expr: sp.Expr, yi: sp.Symbol, yj: sp.Symbol) -> sp.Expr:
    """∂²φ/∂y_i∂y_j with every total split into two features and a non-negative rest."""
    totals = sorted(expr.atoms(Total), key=str)
    split = {}
    for number, total in enumerate(totals):
        u = total.args[0]
        rest = sp.Symbol(f"rest_{number}", positive=True)
        split[total] = u.subs(a, yi) + u.subs(a, yj) + rest
    return sp.diff(expr.xreplace(split), yi, yj)


def _by_sampling(short: sp.Expr, rests: dict[sp.Symbol, sp.Expr]) -> _Found:
    """The signs at many activations, for several values of the parameters."""
    cross = short.xreplace(rests)
    parameters = sorted((n for n in cross.free_symbols if not _is_activation(n)), key=str)
    found = [_signs(cross, point) for point in samples(parameters, 6 if parameters else 1)]
    if not any(found):
        return _Found(None, "The sign of the cross derivative could not be decided.")
    if any(len(signs) == 2 for signs in found):
        return _say(MIXED, proved=True, cross=cross)
    seen = set().union(*found)
    if len(seen) == 2:
        return _Found(None, "The sign of the cross derivative depends on the parameters.")
    return _say(EXCLUSIVE if seen.pop() else COACTIVATING, proved=False, cross=cross)


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


def _of_largest(expr: sp.Expr) -> _Found:
    """An increasing function of max|aᵢ| is submodular on the lattice, hence MTP₂."""
    nodes = expr.atoms(Largest, Total)
    if len(nodes) != 1:
        return _Found(None, "Mixtures of max with other reductions are not decided.")
    stand_in = sp.Symbol("m", positive=True)
    slope = simplified(sp.diff(expr.xreplace({nodes.pop(): stand_in}), stand_in))
    if slope.is_nonnegative:
        return _Found(
            COACTIVATING,
            "An increasing function of max|a_i| is submodular: the prior is MTP2, its features "
            "are positively associated.",
        )
    return _Found(None, "phi is not an increasing function of max|a_i|.")
