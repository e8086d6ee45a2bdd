"""The likelihood of binned observations of (1 − π)δ₀ + π·slab under Gaussian noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from neglog.validation.debiased.kernel import Kernel, kernel
from neglog.validation.debiased.linear import Floats
from neglog.validation.debiased.observations import Observations, level_noise, relative_noise
from neglog.validation.families import Family
from neglog.validation.numeric import numpy_function
from neglog.validation.profile import A

SMALLEST = 1e-300
HOLE = 1e-6  # the generalised Pareto's c = 0 is a limit that its formula does not hold


@dataclass(frozen=True)
class Problem:
    """Counts of some features, (features, levels, bins + 1), and each level's noise in their unit.

    ``noise`` is (features, levels): activations are measured in units in which a feature's typical
    size is 1.
    """

    counts: Floats
    noise: Floats
    kernel: Kernel
    unit: Floats  # (features,)

    def original(self) -> Problem:
        """The same in the unit the codes came in, for families without a scale."""
        return Problem(
            self.counts, self.noise * self.unit[:, None], self.kernel, np.ones_like(self.unit)
        )

    def take(self, keep: Any) -> Problem:
        """Some of the features."""
        return Problem(self.counts[keep], self.noise[keep], self.kernel, self.unit[keep])


def problem(record: Observations, features: Any) -> Problem:
    """The counts of these features; levels that hold no token are left out.

    The bin of the largest observation of all is the last, and reaches to infinity.
    """
    levels = sorted(level for level, counts in record.counts.items() if counts.any())
    counts = np.stack([record.counts[level][features] for level in levels], axis=1).astype(float)
    used = np.flatnonzero(counts.any(axis=(0, 1)))
    bins = max(int(used[-1]) if len(used) else 1, 2)
    noise_of = tuple(round(relative_noise(record, level), 4) for level in levels)
    operator = kernel(record.above, bins, noise_of)
    counts = counts[:, :, : bins + 1]
    noise = record.width[features][:, None] * np.array([level_noise(level) for level in levels])
    unit = _typical(counts, operator, noise)
    return Problem(counts, noise / unit[:, None], operator, unit)


def _typical(counts: Floats, operator: Kernel, noise: Floats) -> Floats:
    """Mean size of what was observed above the truncation."""
    middle = np.concatenate([operator.edges[:-1] * 0.5 + operator.edges[1:] * 0.5,
                             operator.edges[-1:]])  # fmt: skip
    seen = counts[:, :, 1:]
    total = (seen * middle * noise[:, :, None]).sum(axis=(1, 2))
    return np.where(seen.any(axis=(1, 2)), total / np.maximum(seen.sum(axis=(1, 2)), 1), 1.0)


@dataclass(frozen=True)
class Slab:
    """A family's log-density and its slopes in coordinates that know no bounds.

    A positive parameter is exp(v); a signed one (the generalised Pareto's c) is exp(v) − 1.
    """

    family: Family
    function: Callable[..., list[Any]]
    signed: tuple[bool, ...]

    def params(self, v: Floats) -> Floats:
        """Parameters (k, …) of coordinates (k, …); a signed one stays clear of 0, a limit."""
        signed = np.expm1(v)
        signed = np.where(np.abs(signed) < HOLE, HOLE, signed)
        return np.where(np.array(self.signed).reshape(-1, *(1,) * (v.ndim - 1)), signed, np.exp(v))

    def log_density(self, a: Floats, v: Floats) -> tuple[Floats, Floats]:
        """log p (features, …) at a, and d log p/dv (k, features, …); v is (k, features)."""
        if self.family.profile.known and len(a) > 1:  # normalisers by quadrature: one at a time
            one = [self.log_density(a[i : i + 1], v[:, i : i + 1]) for i in range(len(a))]
            return np.concatenate([o[0] for o in one]), np.concatenate([o[1] for o in one], axis=1)
        theta = [p.reshape(-1, *(1,) * (a.ndim - 1)) for p in self.params(v)]
        if self.family.profile.known:
            theta = [float(p.item()) for p in theta]
        with np.errstate(all="ignore"):
            value, *slopes = self.function(a, *theta)
        value = np.broadcast_to(value, a.shape)
        value = np.where(np.isnan(value), -np.inf, value)
        chain = [np.exp(x).reshape(-1, *(1,) * (a.ndim - 1)) for x in v]
        with np.errstate(over="ignore", invalid="ignore"):  # far out, where the density is 0
            out = np.stack(
                [np.broadcast_to(s, a.shape) * c for s, c in zip(slopes, chain, strict=True)]
            )
        return value, np.where(np.isfinite(out), out, 0.0)


def slab(family: Family) -> Slab:
    """The family ready for a convolved fit."""
    symbols = list(family.params.values())
    logpdf = family.logpdf
    if logpdf.has(sympy.Piecewise) and any(not s.is_positive for s in symbols):
        logpdf = logpdf.args[-1].expr  # the branch at c = 0 is its limit, and c is never exactly 0
    slopes = [sympy.diff(logpdf, s) for s in symbols]
    function = numpy_function([A, *symbols], [logpdf, *slopes], family.profile.known)
    return Slab(family, function, tuple(not s.is_positive for s in symbols))


def bins_of(of: Slab, v: Floats, data: Problem, slopes: bool) -> tuple[Floats, Floats | None]:
    """Slab probabilities of all bins, (features, levels, bins + 1), and their slopes in v."""
    operator = data.kernel
    a = data.noise[:, :, None] * operator.nodes
    log_p, slope = of.log_density(a, v)
    mass = np.exp(log_p) * (data.noise[:, :, None] * operator.weights)
    mass = np.where(np.isfinite(mass), mass, 0.0)
    p = _convolved(mass, operator)
    if not slopes:
        return p, None
    return p, np.stack([_convolved(one, operator) for one in slope * mass])


def _convolved(mass: Floats, operator: Kernel) -> Floats:
    """Masses on nodes (features, levels, nodes) → probabilities of bins."""
    out: Floats = np.matmul(mass.transpose(1, 0, 2), operator.matrix).transpose(1, 0, 2)
    return out


def look(of: Slab, v: Floats, odds: Floats, data: Problem) -> tuple[Floats, Floats, Floats]:
    """ℓ (features,), its gradient (k + 1, features) and Fisher's information (k + 1, k + 1, …).

    Coordinates are the family's v and log(π/(1 − π)).
    """
    p, slope = bins_of(of, v, data, slopes=True)
    assert slope is not None
    rate = (1 / (1 + np.exp(-odds)))[:, None, None]
    mixed = rate * p + (1 - rate) * data.kernel.spike
    whole = np.maximum(mixed, SMALLEST)
    d_rate = (p - data.kernel.spike) * (rate * (1 - rate))
    slopes = np.concatenate([slope * rate, d_rate[None]]) / whole
    slopes = np.where(mixed > SMALLEST, slopes, 0.0)  # out of reach of both, ℓ is level
    loglik = (data.counts * np.log(whole)).sum(axis=(1, 2))
    gradient = (data.counts * slopes).sum(axis=(2, 3))
    # Fisher's information, with each level's number of tokens: positive definite wherever it is.
    expected = whole * data.counts.sum(axis=2, keepdims=True)
    information = np.einsum("iflb,jflb,flb->ijf", slopes, slopes, expected, optimize=True)
    return loglik, gradient, information
