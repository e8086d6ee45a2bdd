"""A prior with numbers put in: pdf, cdf, ppf, rvs, moments and entropy, as in scipy.stats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from neglog.derivations.service import derive as ask
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.prior import Prior
from neglog.priors.symbols import a, lam, parameter

Floats = NDArray[np.float64]


def freeze(prior: Prior, values: dict[str, Any]) -> FrozenPrior:
    """The prior at numbers for ``lam`` and every parameter (λ = 1 where not given).

    Raises:
        InputError: a name is unknown or missing, a value not positive, or the prior improper there.
    """
    phi = prior.phi
    if phi.joint:
        raise InputError("at() is for scalar priors; use neglog derive --at --dim for joint ones.")
    at = {name: repr(float(value)) for name, value in values.items()}
    at.setdefault("lam", "1.0")
    request = {"penalty": str(phi.expr), "domain": phi.domain, "timeout": 10.0, "at": at}
    numeric = ask(request)["numeric"]
    if numeric["normalizer"] in ("oo", "undefined"):
        raise InputError(
            f"the prior is not proper at {', '.join(f'{k}={v}' for k, v in at.items())}."
        )
    numbers = {parameter(k): sp.Rational(v) for k, v in at.items() if k != "lam"}
    fixed = Penalty(phi.expr.subs(numbers), phi.domain)
    return FrozenPrior(fixed, float(at["lam"]), float(numeric["normalizer"]), prior.atom)


@dataclass(frozen=True)
class FrozenPrior:
    """p(a) = exp(−λφ(a))/Z with numbers for everything; an atom at 0 adds to cdf, rvs, moments.

    ``pdf`` and ``logpdf`` are of the slab alone, times 1 − atom.
    """

    phi: Penalty
    strength: float
    normalizer: float
    atom: float = 0.0

    @cached_property
    def _slab_log(self) -> Callable[[Floats], Floats]:
        from neglog.derivations.compile.numpy_backend import function

        y = sp.Symbol("x", real=True)
        f = function([y], [(-lam * self.phi.expr).subs({lam: sp.Rational(self.strength), a: y})])
        shift = np.log1p(-self.atom) - np.log(self.normalizer)
        positive = self.phi.domain == "positive"

        def log_density(x: Floats) -> Floats:
            with np.errstate(all="ignore"):
                value = np.broadcast_to(f(x)[0], x.shape) + shift
            return np.where(positive & (x < 0), -np.inf, value)

        return log_density

    def logpdf(self, x: ArrayLike) -> Floats:
        """log p(x) in nats; −∞ outside the domain."""
        return self._slab_log(np.asarray(x, dtype=np.float64))

    def pdf(self, x: ArrayLike) -> Floats:
        """p(x)."""
        return np.exp(self.logpdf(x))

    def cdf(self, x: ArrayLike) -> Floats:
        """P(A ≤ x), accurate in the left tail."""
        return self._each(x, self._below)

    def sf(self, x: ArrayLike) -> Floats:
        """P(A > x), accurate in the right tail."""
        return self._each(x, self._above)

    def ppf(self, q: ArrayLike) -> Floats:
        """The quantile: the smallest x with P(A ≤ x) ≥ q."""
        return self._each(q, self._quantile)

    def moment(self, order: int) -> float:
        """E[A^order] by quadrature; infinite where it diverges."""
        return self.expect(lambda x: x**order)

    def entropy(self) -> float:
        """−E log p of the slab, in nats."""
        slab = FrozenPrior(self.phi, self.strength, self.normalizer)
        return -slab.expect(lambda x: slab.logpdf(x))

    def expect(self, f: Callable[[Floats], Floats]) -> float:
        """E f(A) by quadrature, the atom included."""

        def weighted(x: float) -> float:
            density = float(self.pdf(x))
            return float(f(np.asarray(x))) * density if density > 0 else 0.0

        left = -np.inf if self.phi.domain == "real" else 0.0
        total = self._integral(weighted, 0.0, np.inf)
        if left < 0:
            total += self._integral(weighted, -np.inf, 0.0)
        return total + (self.atom * float(f(np.asarray(0.0))) if self.atom else 0.0)

    def rvs(self, size: int | tuple[int, ...] = 1, seed: int | None = None) -> Floats:
        """Samples by numerical inversion of the CDF (Derflinger, Hörmann & Leydold, 2010)."""
        from scipy.stats.sampling import NumericalInversePolynomial

        rng = np.random.default_rng(seed)
        domain = (-np.inf, np.inf) if self.phi.domain == "real" else (0.0, np.inf)
        generator = NumericalInversePolynomial(self, domain=domain, random_state=rng)
        values = np.asarray(generator.rvs(size))
        return np.where(rng.random(values.shape) < self.atom, 0.0, values) if self.atom else values

    def _each(self, x: ArrayLike, f: Callable[[float], float]) -> Floats:
        x = np.asarray(x, dtype=np.float64)
        return np.array([f(float(v)) for v in x.ravel()]).reshape(x.shape)

    def _integral(self, f: Callable[[float], float], lo: float, hi: float) -> float:
        from scipy.integrate import quad

        # Cut at decades: an adaptive rule on a half-infinite interval misses narrow peaks.
        if lo < 0:
            return self._integral(lambda x: f(-x), -hi if hi < 0 else 0.0, -lo)
        far = max(1e6, lo)
        edges = [lo, *[e for e in np.logspace(-8, 6, 29) if lo < e < hi], min(far, hi)]
        parts = [quad(f, p, q, limit=200)[0] for p, q in pairwise(edges)]
        if hi > far:  # in logs: a heavy tail fades exponentially there
            logs = np.log(far) + np.array([0, 5, 15, 40, 100, 300, 690 - np.log(far)])
            tail = min(hi, 1e299)
            cuts = [t for t in logs if t < np.log(tail)]
            parts += [
                quad(lambda t: f(np.exp(t)) * np.exp(t), p, q, limit=200)[0]
                for p, q in pairwise([*cuts, np.log(tail)])
            ]
        return float(np.sum(parts))

    def _density(self, x: float) -> float:
        return float(self.pdf(x))

    def _below(self, x: float) -> float:
        if self.phi.domain == "positive":
            return 0.0 if x < 0 else self.atom + self._integral(self._density, 0.0, x)
        if x <= 0:
            return self._integral(self._density, -np.inf, x) + (self.atom if x == 0 else 0.0)
        return 1.0 - self._above(x)

    def _above(self, x: float) -> float:
        if x >= 0:
            return self._integral(self._density, x, np.inf)
        return 1.0 - self._below(x)

    def _quantile(self, q: float) -> float:
        from scipy.optimize import brentq

        if not 0 <= q <= 1:
            return float("nan")
        if q in (0.0, 1.0):
            return (0.0 if self.phi.domain == "positive" else -np.inf) if q == 0 else np.inf
        if self.atom and self._below(-1e-300) < q <= self._below(0.0):
            return 0.0

        def excess(t: float) -> float:
            x = np.sinh(t)
            return self._below(x) - q if q < 0.5 else (1 - q) - self._above(x)

        low = 0.0 if self.phi.domain == "positive" else -1.0
        high = 1.0
        while excess(high) < 0:
            high *= 2
        while low < 0 and excess(low) > 0:
            low *= 2
        return float(np.sinh(brentq(excess, low, high, xtol=1e-14)))
