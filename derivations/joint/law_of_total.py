"""The law of the total s at numbers: density ∝ w(s) exp(−λ g(s)), in double precision, for any d.

On x = log s the integrand is analytic and fades at both ends, so the trapezoidal rule converges
exponentially (Trefethen & Weideman, The exponentially convergent trapezoidal rule, 2014).
Everything is kept in logarithms: d = 100,000 is no harder than d = 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from neglog.derivations.compile.numpy_backend import function
from neglog.derivations.joint.totals import OneTotal, s
from neglog.priors.errors import InputError
from neglog.priors.symbols import d

Floats = NDArray[np.float64]
POINTS = 8001
DEPTH = 45.0  # nats below the peak at which the grid ends: e^-45 is 3e-20
FARTHEST = 700.0  # |log s| beyond this is beyond the doubles


@dataclass(frozen=True)
class TotalLaw:
    """The total's law on a grid of x = log s.

    Attributes:
        x: the grid, even.
        mass: probability of each cell (trapezoidal weights), summing to one.
        log_integral: log ∫ w(s) exp(−λ g(s)) ds.
        log_weight: x ↦ log of s·w(s) exp(−λ g(s)) at s = eˣ.
    """

    x: Floats
    mass: Floats
    log_integral: float
    log_weight: Callable[[Floats], Floats]

    def log_density(self, x: Floats) -> Floats:
        """log of the density of x = log s, at any x."""
        return self.log_weight(x) - self.log_integral

    def moment_exists(self, order: int) -> bool:
        """Whether s^order still fades where the grid ends, far below its peak."""
        tilted = self.log_weight(self.x) + order * self.x
        return bool(tilted[-1] < tilted.max() - DEPTH / 3)

    def expect(self, values: Floats) -> float:
        """E f(s) for values f(s) on the grid."""
        return float(np.sum(self.mass * values))

    @property
    def mean(self) -> float:
        """E s."""
        return self.expect(np.exp(self.x))

    @property
    def sd(self) -> float:
        """The standard deviation of s."""
        with np.errstate(over="ignore"):
            return float(np.sqrt(self.expect((np.exp(self.x) - self.mean) ** 2)))

    def rvs(self, size: int, rng: np.random.Generator) -> Floats:
        """Draws of s, by inversion of the distribution function on the grid.

        Inside a cell the density of log s is taken as linear: an error of order 1e-6 of a
        probability.
        """
        density = self.mass / np.max(self.mass)
        cell = (density[1:] + density[:-1]) / 2
        edges = np.concatenate([[0.0], np.cumsum(cell)])
        u = rng.random(size) * edges[-1]
        i = np.clip(np.searchsorted(edges, u, side="right") - 1, 0, len(cell) - 1)
        left, right, room = density[i], density[i + 1], u - edges[i]
        # left·t + (right − left)·t²/2 = room, by the form of the root that keeps its digits
        root = np.sqrt(np.maximum(left**2 + 2 * (right - left) * room, 0.0))
        t = np.where(left + root > 0, 2 * room / np.maximum(left + root, 1e-300), 0.5)
        return np.exp(self.x[i] + np.clip(t, 0.0, 1.0) * (self.x[1] - self.x[0]))


def law_of_total(
    total: OneTotal, numbers: Mapping[sp.Symbol, float], lam: float, dim: int
) -> TotalLaw:
    """The law of the total at numbers for λ, the parameters and d.

    Raises:
        InputError: the law has no finite peak or does not fade within the doubles.
    """
    measure = total.measure
    at = {**{k: sp.Float(v, 30) for k, v in numbers.items()}, d: sp.Integer(dim)}
    g = function([s], [total.g.subs(at)])
    power = dim - 1.0 if measure.power is None else float(sp.N(measure.power.subs(at))) - 1.0
    tilt = 1.0 if measure.power is None else 0.0  # the element e^s of log totals

    def log_density(x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            at_s = np.exp(x)
            value = (power + 1) * x + tilt * at_s - lam * np.broadcast_to(g(at_s)[0], x.shape)
            return np.where(np.isfinite(value), value, -np.inf)

    low, high = _support(log_density)
    x = np.linspace(low, high, POINTS)
    logs = log_density(x)
    top = float(logs.max())
    weights = np.exp(logs - top)
    sum_of = float(weights.sum())
    return TotalLaw(x, weights / sum_of, top + np.log(sum_of * (x[1] - x[0])), log_density)


def _support(log_density: Callable[[Floats], Floats]) -> tuple[float, float]:
    """Where the density of log s has faded on both sides of its peak."""
    grid = np.linspace(-FARTHEST, FARTHEST, 20_001)
    logs = log_density(grid)
    i = int(np.argmax(logs))
    if not np.isfinite(logs[i]) or i in (0, len(grid) - 1):
        raise InputError("the law of the total does not fade within double precision there.")
    found = minimize_scalar(
        lambda t: -float(log_density(np.array([t]))[0]), bounds=(grid[i - 1], grid[i + 1]),
        method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    peak = float(found.x)
    top = float(log_density(np.array([peak]))[0])

    def edge(direction: int) -> float:
        far = 1e-4
        while far < 2 * FARTHEST:
            if log_density(np.array([peak + direction * far]))[0] < top - DEPTH:
                return peak + direction * far
            far *= 1.5
        raise InputError("the law of the total does not fade within double precision there.")

    return edge(-1), edge(+1)
