"""An atom at 0 and a slab, as one penalty that can be trained with.

A point mass has no penalty: −log of infinity. A narrow exponential of width ε stands in for it,

    φ(a) = −log[ (π₀/ε) e^{−a/ε} + (1 − π₀) h(a + ε) ],

so that a code well above ε pays −log h and the odds of firing, one below ε is drawn to an exact 0
(φ′(0⁺) ≈ 1/ε > 0), and the level in between is where atom and slab are equally likely. Below ε
the two cannot be told apart, so the slab is read ε further out: a density that diverges or vanishes
at 0 (Weibull, gamma, log-normal) does no harm. Mitchell & Beauchamp, Bayesian variable selection in
linear regression, 1988; George & McCulloch, Variable selection via Gibbs sampling, 1993.
"""

from __future__ import annotations

import mpmath as mp
import sympy as sp

from neglog.derivations.half_line import sides
from neglog.derivations.integrals.quadrature import integral
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, lam


def spike_and_slab(phi: Penalty, atom: float, width: float | None) -> Penalty:
    """The penalty of an atom of weight ``atom`` at 0 and the slab exp(−φ)/Z.

    Args:
        phi: the slab's penalty at strength 1, numbers put in for its parameters.
        atom: π₀ in (0, 1).
        width: ε > 0 of the spike, in the units of a.

    Raises:
        InputError: no width, a width that is not positive, or a slab without finite normaliser.
    """
    if width is None or not width > 0:
        raise InputError("a prior with an atom needs spike=WIDTH > 0, in the units of a.")
    if phi.parameters:
        names = ", ".join(map(str, phi.parameters))
        raise InputError(f"put numbers for {names} into the slab before adding the atom.")
    epsilon, weight = sp.Rational(repr(float(width))), sp.Rational(repr(float(atom)))
    return smoothed(phi, weight, epsilon, normaliser(phi))


def smoothed(phi: Penalty, weight: sp.Expr, epsilon: sp.Expr, z: sp.Expr) -> Penalty:
    """The same with ``weight``, ``epsilon`` and the slab's normaliser as expressions."""
    size = sp.Abs(a) if phi.domain == "real" else a
    both_signs = 2 if phi.domain == "real" else 1
    spike = weight / (both_signs * epsilon) * sp.exp(-size / epsilon)
    slab = (1 - weight) / z * sp.exp(-phi.expr.subs(a, size + epsilon))
    return Penalty(-sp.log(spike + slab), phi.domain, "spike and slab")


def normaliser(phi: Penalty) -> sp.Expr:
    """∫ exp(−φ) by quadrature, as a decimal of fifteen digits."""
    halves = sides(phi)
    found = None if halves is None else integral(halves, {lam: sp.S.One})
    if found is None:
        raise InputError(f"{phi} at strength 1 has no finite normaliser on {phi.domain}.")
    return sp.Rational(mp.nstr(found.value, 15))
