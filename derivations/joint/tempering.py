"""The product penalty over thousands of features: how to scale it so that training can use it.

∏(1 + |aᵢ|/k) = e^s with s = Σlog(1 + |aᵢ|/k) reaches 10²⁵ on real codes. The tempered form

    φ(a) = τ·e^{(s − s*)/τ},    ∂φ/∂|aᵢ| = e^{(s − s*)/τ}/(k + |aᵢ|),

has the gradient of the log-sum penalty times e^{(s − s*)/τ}: codes above the target total s* pay
more for every feature, codes below it less. τ → ∞ is the log-sum (independent), τ = 1 the product
itself. Given its total s the vector uᵢ = log(1 + |aᵢ|/k) is uniform on a simplex, whatever τ is,
and that determines every choice:

* **s* from the target L0.** P(uᵢ > ℓ | s) = (1 − ℓ/s)^{d−1}, so that at the total s* the expected
  number of features above the threshold θ = k(e^ℓ − 1) is n exactly when
  s* = ℓ/(1 − (n/d)^{1/(d−1)}).
* **λ from s*.** The law of s, ∝ s^{d−1}e^{s − λφ}, peaks where (d − 1)/s + 1 = λe^{(s−s*)/τ}: at s*
  when λ = 1 + (d − 1)/s*. Each feature is then close to a Lomax law of strength λ and unit k.
* **τ from how fixed the budget should be.** To second order about s* the index β = d·Var(s)/E(s)²
  of ``budget`` is 1/(1 + (s*/τ)(1 + s*/(d − 1))): the share that the variance of the total keeps of
  what independent features would have. So τ = s*(1 + s*/(d − 1))·β/(1 − β).

In training the strength is steered to the target L0 and s*, τ can be read off codes: s* their mean
total, τ no less than its standard deviation over tokens, so that the price e^{(s−s*)/τ} stays
within a few factors of e (:func:`tempered_to`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import Total, a


@dataclass(frozen=True)
class Tempered:
    """The numbers of τe^{(s − s*)/τ} and what they say.

    Attributes:
        total: s*; tau: τ; strength: λ at which the prior's total peaks at s*; unit: k.
        features: d; l0: expected features above ``threshold`` at the total s*.
        budget: the index β that τ gives, to second order.
    """

    total: float
    tau: float
    strength: float
    unit: float
    features: int
    l0: float
    threshold: float
    budget: float

    def penalty(self, domain: str = "positive") -> Penalty:
        """τe^{(s − s*)/τ} as a penalty, with numbers for its parameters."""
        k, tau, total = (sp.Rational(repr(float(v))) for v in (self.unit, self.tau, self.total))
        s = Total(sp.log(1 + sp.Abs(a) / k))
        return Penalty(tau * sp.exp((s - total) / tau), domain)


def tempered(
    features: int, l0: float, *, threshold: float = 1.0, unit: float = 1.0, budget: float = 0.5
) -> Tempered:
    """The tempered product prior whose codes have ``l0`` features above ``threshold``.

    Args:
        features: d ≥ 2.
        l0: the target n, 0 < n < d.
        threshold: θ > 0, the least activation that counts; unit: k > 0.
        budget: β in (0, 1): the variance of the total as a share of that of independent features.

    Raises:
        InputError: a number out of its range.

    >>> found = tempered(12288, 32)
    >>> round(found.total, 1), round(found.strength, 2)
    (1431.6, 9.58)
    """
    _check(features, l0, threshold, unit)
    if not 0 < budget < 1:
        raise InputError(f"budget is {budget}; an index between 0 (fixed) and 1 (independent).")
    level = math.log1p(threshold / unit)
    # 1 − (n/d)^{1/(d−1)}, without the cancellation at large d
    total = level / -math.expm1(math.log(l0 / features) / (features - 1))
    tau = total * (1 + total / (features - 1)) * budget / (1 - budget)
    strength = 1 + (features - 1) / total
    return Tempered(total, tau, strength, unit, features, l0, threshold, budget)


def tempered_to(codes: Any, *, unit: float = 1.0, spread: float = 1.0) -> Tempered:
    """The tempered product for codes like these: s* their mean total, τ its spread over tokens.

    Args:
        codes: [tokens, features], dense; unit: k > 0.
        spread: τ in standard deviations of the total.

    Raises:
        InputError: codes that are no matrix of finite numbers, are all 0, or whose totals agree.
    """
    x = np.abs(np.asarray(codes, dtype=float))
    if x.ndim != 2 or x.shape[1] < 2 or len(x) < 2 or not np.isfinite(x).all():
        raise InputError("codes must be a finite matrix, tokens × features, of at least 2 × 2.")
    if not (unit > 0 and spread > 0):
        raise InputError(f"unit is {unit} and spread {spread}; both must be positive.")
    totals = np.log1p(x / unit).sum(1)
    total, tau = float(totals.mean()), float(spread * totals.std())
    if total == 0 or tau == 0:
        raise InputError("the codes' totals do not vary; there is no spread to take tau from.")
    d, active = x.shape[1], x > 0
    l0, least = float(active.sum(1).mean()), float(x[active].min())
    budget = 1 / (1 + total / tau * (1 + total / (d - 1)))
    return Tempered(total, tau, 1 + (d - 1) / total, unit, d, l0, least, budget)


def _check(features: int, l0: float, threshold: float, unit: float) -> None:
    if features < 2:
        raise InputError(f"features is {features}; a joint penalty needs at least 2.")
    if not 0 < l0 < features:
        raise InputError(f"l0 is {l0}; it lies between 0 and the {features} features.")
    if not (threshold > 0 and unit > 0):
        raise InputError(f"threshold is {threshold} and unit {unit}; both must be positive.")
