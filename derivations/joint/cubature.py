"""Numbers of any joint prior of a few features: cubature over [0, ∞)^d with an error bound.

Each |aᵢ| = exp(t − e^{−t}): the doubly exponential map of a half line (Takahasi & Mori, Double
exponential formulas for numerical integration, 1974), under which heavy tails, kinks at 0 and
logarithmic scales all become smooth, and the product trapezoidal rule converges exponentially.
The bound on the error is the difference from the rule with twice the step, and what the rule has at
its outermost points: conservative where the integrand is smooth, honest where it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from neglog.derivations.compile.numpy_backend import function
from neglog.derivations.joint.features import in_features, stable_logs
from neglog.priors.errors import InputError

Floats = NDArray[np.float64]
LogWeight = Callable[..., Floats]
POINTS = {1: 4097, 2: 513, 3: 129}  # along each axis; odd, so that every other one is a rule too
LOW = -3.9  # there |a| = exp(t − e^{−t}) is 1e-23
DEEP = 44.0  # nats
FARTHEST = (690.0, 170.0, 80.0)  # of t; nearer where a power in φ overflows farther out


@dataclass(frozen=True)
class Cubature:
    """Z and moments of |a| at numbers, each with a bound on its absolute error."""

    normalizer: tuple[float, float]
    mean: tuple[float, float]
    square: tuple[float, float]
    product: tuple[float, float]
    log_scale: float  # Z is normalizer·exp(log_scale)

    @property
    def moments(self) -> tuple[tuple[float, float], ...]:
        """E|a₁|, E a₁² and E|a₁||a₂|, each with its error."""
        return self.mean, self.square, self.product


def cubature(
    expr: sp.Expr,
    numbers: Mapping[sp.Symbol, sp.Expr],
    strength: float,
    dim: int,
    orthants: float,
    order: int = 2,
) -> Cubature:
    """∫ exp(−λφ) and moments of |a| up to ``order`` (2, 1 or 0) that are known to exist.

    Args:
        expr: φ in totals, even in every feature or on the positive domain.
        numbers: a number for each parameter.
        strength: λ; dim: 1, 2 or 3 features; orthants: 2^d on ℝ, 1 on [0, ∞).

    Raises:
        InputError: another number of features, or an integrand that does not fade.
    """
    if dim not in POINTS:
        raise InputError(f"cubature is for 1, 2 or 3 features, not {dim}.")
    names, phi = in_features(expr, dim)
    run = function(names, [stable_logs(phi.subs(numbers))])

    def log_weight(*points: Floats) -> Floats:
        """−λφ + log of the element, at t of each axis."""
        at = [np.exp(t - np.exp(-t)) for t in points]
        with np.errstate(all="ignore"):
            value = -strength * np.asarray(run(*at)[0], dtype=float)
            element = sum(t - np.exp(-t) + np.log1p(np.exp(-t)) for t in points)
            return value + element

    high = _edge(log_weight, dim, order)
    return _rule(log_weight, dim, high, orthants, order)


def _edge(log_weight: LogWeight, dim: int, order: int) -> float:
    """t at which the weight times |a|^order has faded, along the axis and along the diagonal."""
    for far in FARTHEST:
        t = np.linspace(LOW, far, 20_000)
        rays = []
        for active in range(1, dim + 1):
            points = [t] * active + [np.zeros_like(t)] * (dim - active)
            rays.append(log_weight(*points) + order * t)
        if not any(np.isnan(ray).any() or np.isposinf(ray).any() for ray in rays):
            return _faded(t, rays)
    raise InputError("the penalty is not a number far out, in double precision.")


def _faded(t: Floats, rays: list[Floats]) -> float:
    highest = 1.0
    for along in rays:
        top = along.max()
        if not np.isfinite(top):
            raise InputError("the penalty has no finite value along a ray.")
        alive = np.flatnonzero(along > top - DEEP)
        if alive[-1] == len(t) - 1:
            raise InputError("the density does not fade within double precision there.")
        highest = max(highest, float(t[alive[-1]]))
    return highest + 0.1


def _rule(log_weight: LogWeight, dim: int, high: float, orthants: float, order: int) -> Cubature:
    count = POINTS[dim]
    t = np.linspace(LOW, high, count)
    step = t[1] - t[0]
    y = np.exp(t - np.exp(-t))
    ends = np.ones(count)
    ends[0] = ends[-1] = 0.5
    top = max(
        float(np.max(log_weight(*points))) for points in _slabs(t[:: max(1, count // 65)], dim)
    )
    fine, coarse = np.zeros(4), np.zeros(4)
    shell = np.zeros(4)
    even = np.arange(count) % 2 == 0
    for i in range(count):
        grids = np.meshgrid(*[t] * (dim - 1), indexing="ij") if dim > 1 else []
        w = np.exp(log_weight(np.full_like(grids[0] if grids else t[:1], t[i]), *grids) - top)
        for axis in range(dim - 1):
            w = w * ends.reshape([-1 if k == axis else 1 for k in range(dim - 1)])
        sums = _sums(w, y, y[i], dim, order) * ends[i]
        fine += sums
        if even[i]:
            part = w[(slice(None, None, 2),) * (dim - 1)] if dim > 1 else w
            coarse += _sums(part, y[::2], y[i], dim, order) * ends[i]
        if i == count - 1:
            shell += np.abs(sums)
    fine, coarse = fine * step**dim, coarse * (2 * step) ** dim
    error = np.abs(fine - coarse) + dim * 2 * shell * step**dim * count / 8 + 1e-14 * np.abs(fine)
    z, dz = fine[0], error[0]
    mean, square, product = [
        (fine[k] / z, (error[k] + abs(fine[k] / z) * dz) / z) for k in (1, 2, 3)
    ]
    return Cubature((orthants * z, orthants * dz), mean, square, product, top)


def _slabs(t: Floats, dim: int) -> list[list[Floats]]:
    return [list(np.meshgrid(*[t] * dim, indexing="ij"))]


def _sums(w: Floats, y: Floats, first: float, dim: int, order: int) -> Floats:
    """∫ 1, |a₁|, |a₁|² and |a₁||a₂| over the other features, for one value of the first."""
    mass = float(w.sum())
    found = [mass, 0.0, 0.0, 0.0]
    if order >= 1:
        found[1] = first * mass
    if order >= 2:
        found[2] = first**2 * mass
        second = w.reshape(len(y), -1).sum(1) @ y if dim > 1 else 0.0
        found[3] = first * float(second)
    return np.array(found)
