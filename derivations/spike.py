"""An atom at 0 and a slab, as one penalty that can be trained with.

A point mass has no penalty: −log of infinity. A narrow exponential of width ε stands in for it,

    φ(a) = −log[ (π₀/ε) e^{−a/ε} + (1 − π₀) h(max(a, ε)) ],

so that a code well above ε pays −log h and the odds of firing, one below ε is drawn to an exact 0
(φ′(0⁺) ≈ 1/ε > 0), and the level in between is where atom and slab are equally likely. Below ε
the two cannot be told apart, so the slab is held at h(ε) there: a density that diverges or vanishes
at 0 (Weibull, gamma, log-normal) does no harm. Mitchell & Beauchamp, Bayesian variable selection in
linear regression, 1988; George & McCulloch, Variable selection via Gibbs sampling, 1993.
"""

from __future__ import annotations

import sympy as sp

from neglog.derivations.service import derive as ask
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior
from neglog.priors.symbols import a


def spike_and_slab(prior: Prior, width: float | None) -> Penalty:
    """The penalty of a prior with an atom, its spike ``width`` wide (in the units of a).

    Raises:
        InputError: no width, a width that is not positive, or a slab without finite normaliser.
    """
    if width is None or not width > 0:
        raise InputError("a prior with an atom needs spike=WIDTH > 0, in the units of a.")
    if prior.phi.parameters:
        names = ", ".join(map(str, prior.phi.parameters))
        raise InputError(f"put numbers for {names} into the slab before adding the atom.")
    z = normaliser(prior.phi)
    size = sp.Abs(a) if prior.domain == "real" else a
    epsilon, weight = sp.Rational(repr(float(width))), sp.Rational(repr(float(prior.atom)))
    sides = 2 if prior.domain == "real" else 1
    spike = weight / (sides * epsilon) * sp.exp(-size / epsilon)
    slab_at = prior.phi.expr.subs(a, sp.Max(size, epsilon))
    slab = (1 - weight) / z * sp.exp(-slab_at)
    return Penalty(-sp.log(spike + slab), prior.domain, "spike and slab")


def normaliser(phi: Penalty) -> sp.Expr:
    """∫ exp(−φ) as a rational number to fifteen digits, λ = 1."""
    request = {"penalty": str(phi.expr), "domain": phi.domain, "timeout": 10.0}
    numeric = ask({**request, "at": {"lam": "1"}})["numeric"]
    if numeric["normalizer"] in ("oo", "undefined"):
        raise InputError(f"{phi} at strength 1 has no finite normaliser on {phi.domain}.")
    return sp.Rational(sp.Float(numeric["normalizer"], 15))
