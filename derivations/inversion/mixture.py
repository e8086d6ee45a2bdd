"""A density with a point mass at 0, written ``0.9*atom + 0.1*exp(-a)``: atom, slab, penalty."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy as sp

from neglog.derivations.frozen.frozen import FrozenPrior
from neglog.derivations.inversion.from_density import from_density
from neglog.derivations.inversion.spike import smoothed
from neglog.derivations.numbers import value_at
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, parameter

ATOM = parameter("atom")  # the reserved word: a unit point mass at 0
WIDTH = parameter("eps")
DIGITS = 12


@dataclass(frozen=True)
class Mixture:
    """weight·δ₀ + (1 − weight)·slab.

    Attributes:
        atom: the weight of the point mass, a number in (0, 1) or an expression in parameters.
        slab: −log of the rest, constants dropped.
        smoothed: the penalty with the atom widened to ``eps``.
        notes: what had to be assumed, one sentence each.
    """

    atom: sp.Expr
    slab: Penalty
    smoothed: Penalty
    notes: tuple[str, ...] = ()

    @property
    def number(self) -> float:
        """The weight as a number.

        Raises:
            InputError: it holds a parameter.
        """
        if not self.atom.is_number:
            raise InputError(f"put a number for {self.atom} in the weight of the atom.")
        return float(self.atom)


def split(density: sp.Expr, domain: str | None) -> Mixture:
    """The atom and the slab of a density that is linear in ``atom``.

    Weights are read as given; where the masses do not add to 1 they are scaled, and that is said.

    Raises:
        InputError: the atom is multiplied by ``a`` or by itself, its weight is not in (0, 1), no
            slab is left, or the slab has no finite mass.
    """
    density = sp.expand(density, deep=False, power_base=False, power_exp=False)
    weight, rest = density.diff(ATOM), density.subs(ATOM, 0)
    if weight.has(ATOM, a) or not (density - weight * ATOM - rest).equals(0):
        raise InputError("atom may only be added with a weight, as in 0.9*atom + 0.1*exp(-a).")
    weight = sp.simplify(weight)
    if weight.is_number and not 0 < weight < 1:
        raise InputError(f"the weight {weight} of the atom is not between 0 and 1.")
    if not rest.has(a):
        raise InputError("an atom alone has no penalty; add a slab, as in 0.9*atom + 0.1*exp(-a).")
    slab = from_density(rest, domain)
    if rest.free_symbols - {a} or not weight.is_number:
        return _symbolic(weight, rest, slab)
    z = FrozenPrior(slab, 1.0).normalizer
    mass = z * _constant(rest, slab)
    total = float(weight) + mass
    notes: tuple[str, ...] = ()
    if abs(total - 1) > 1e-9:
        notes = (
            f"The masses add to {total:.6g}, atom {float(weight):.6g} and slab {mass:.6g}: both "
            "are divided by that.",
        )
        weight = _decimal(float(weight) / total)
    return Mixture(weight, slab, smoothed(slab, weight, WIDTH, _decimal(z)), notes)


def _symbolic(weight: sp.Expr, rest: sp.Expr, slab: Penalty) -> Mixture:
    """With parameters in it: the slab's mass is taken to be one minus the weight."""
    note = f"The slab is taken to have the mass 1 - ({weight})."
    spike = weight * _spike(slab.domain)
    moved = rest.subs(a, (sp.Abs(a) if slab.domain == "real" else a) + WIDTH)
    return Mixture(weight, slab, Penalty(-sp.log(spike + moved), slab.domain), (note,))


def _spike(domain: str) -> sp.Expr:
    size, sides = (sp.Abs(a), 2) if domain == "real" else (a, 1)
    return sp.exp(-size / WIDTH) / (sides * WIDTH)


def _constant(density: sp.Expr, slab: Penalty) -> float:
    """density/exp(−φ), the same wherever both are positive."""
    for at in (sp.Rational(13, 11), sp.Rational(1, 97), sp.Rational(47, 11), -sp.Rational(13, 11)):
        value, phi = value_at(density, {a: at}), value_at(slab.expr, {a: at})
        if value is not None and phi is not None and value.real > 0:
            return float(value.real * np.exp(phi.real))
    raise InputError(f"the slab {density} is zero wherever it was looked at.")


def _decimal(value: float) -> sp.Expr:
    """A short fraction that is the number to twelve digits, else these digits."""
    short = Fraction(value).limit_denominator(10**6)
    if abs(float(short) - value) < 1e-13 * value:
        return sp.Rational(short.numerator, short.denominator)
    return sp.Rational(f"{value:.{DIGITS}g}")
