"""Samples of joint priors: exact where the one picture allows it, else Markov chains.

* separable: d independent draws of the scalar prior;
* one total: s from its law, then the features from s·Dirichlet(α, …, α) (for the maximum: one
  feature at s, the others uniform below it), u inverted, and signs on ℝ;
* anything else even in every feature: slice sampling, with R̂ and the effective size beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from neglog.derivations.joint.budget import shape
from neglog.derivations.joint.chains import Target, run_chains, target
from neglog.derivations.joint.diagnostics import effective_size, r_hat
from neglog.derivations.joint.features import even
from neglog.derivations.joint.law_of_total import law_of_total
from neglog.derivations.joint.totals import OneTotal, in_totals, one_total, separable_part
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import d, y

Floats = NDArray[np.float64]
CHAINS, WARMUP = 512, 150
LARGEST_R_HAT = 1.02


@dataclass(frozen=True)
class Sample:
    """Draws with how they were made.

    Attributes:
        values: [n, d]; exact draws are independent, those of chains nearly so where ``effective``
            is near n.
        method: ``"exact"`` or ``"slice"``.
        r_hat: the largest R̂ over |a₁|, Σ|aᵢ| and φ (1 for exact draws).
        effective: the least effective number of independent draws over the same.
    """

    values: Floats
    method: str
    r_hat: float
    effective: float

    @property
    def converged(self) -> bool:
        """Whether the chains agree: R̂ below 1.02 and 100 effective draws or more."""
        return self.method == "exact" or (self.r_hat < LARGEST_R_HAT and self.effective >= 100)


def sample(
    phi: Penalty,
    size: int,
    dim: int,
    strength: float,
    numbers: Mapping[sp.Symbol, sp.Expr],
    rng: np.random.Generator,
    thin: int = 3,
) -> Sample:
    """``size`` codes of ``dim`` features from exp(−λφ)/Z, which must be proper there.

    Raises:
        InputError: φ is no function of the |aᵢ|, or its total's law leaves the doubles.
    """
    expr = in_totals(phi)
    f = separable_part(expr)
    if f is not None:
        return _independent(Penalty(f.subs(d, dim), phi.domain), size, dim, strength, numbers, rng)
    if phi.domain == "real" and not even(expr):
        raise InputError(f"{phi} is no function of the |a_i|; it cannot be sampled.")
    total = one_total(expr, phi.domain)
    if total is not None:
        floats = {n: float(v) for n, v in numbers.items()}
        sizes = _one_total(total, size, dim, strength, floats, rng)
        return Sample(_signed(sizes, phi.domain, rng), "exact", 1.0, float(size))
    goal = target(expr, numbers, strength, dim)
    return _by_chains(goal, size, dim, phi.domain, rng, thin)


def _independent(
    phi: Penalty,
    size: int,
    dim: int,
    strength: float,
    numbers: Mapping[sp.Symbol, sp.Expr],
    rng: np.random.Generator,
) -> Sample:
    from neglog.derivations.frozen.frozen import FrozenPrior

    used = {n: v for n, v in numbers.items() if n in phi.expr.free_symbols}
    values = FrozenPrior(phi, strength, used).rvs((size, dim), random_state=rng)
    return Sample(np.asarray(values), "exact", 1.0, float(size))


def _one_total(
    total: OneTotal,
    size: int,
    dim: int,
    strength: float,
    numbers: Mapping[sp.Symbol, float],
    rng: np.random.Generator,
) -> Floats:
    s = law_of_total(total, numbers, strength, dim).rvs(size, rng)[:, None]
    if total.largest:
        found = s * rng.random((size, dim))
        found[np.arange(size), rng.integers(dim, size=size)] = s[:, 0]
        return found
    alpha = float(sp.N(shape(total).subs(numbers)))
    gammas = rng.standard_gamma(alpha, (size, dim))
    u = s * gammas / gammas.sum(axis=1, keepdims=True)
    if total.measure.q is not None:
        return np.asarray(u ** (1 / float(sp.N(total.measure.q.subs(numbers)))))
    assert total.measure.conditional is not None
    k = float(sp.N((1 / sp.diff(total.measure.conditional, y).subs(y, 0)).subs(numbers)))
    return np.asarray(k * np.expm1(u))


def _signed(sizes: Floats, domain: str, rng: np.random.Generator) -> Floats:
    return sizes if domain == "positive" else sizes * rng.choice([-1.0, 1.0], sizes.shape)


def _by_chains(
    goal: Target, size: int, dim: int, domain: str, rng: np.random.Generator, thin: int
) -> Sample:
    draws = -(-size // CHAINS)
    kept = max(draws, 50)
    sizes = run_chains(goal, dim, CHAINS, kept * thin, WARMUP, rng)[:, ::thin]
    looked = (sizes[:, :, 0], sizes.sum(-1), goal(sizes.reshape(-1, dim)).reshape(CHAINS, kept))
    values = sizes.transpose(1, 0, 2).reshape(-1, dim)[:size]
    share = len(values) / (CHAINS * kept)
    return Sample(
        _signed(values, domain, rng),
        "slice",
        max(r_hat(x) for x in looked),
        share * min(effective_size(x) for x in looked),
    )
