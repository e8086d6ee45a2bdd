"""Where a proximal map leaves 0, how far it jumps there, and which strength puts it at a place.

prox(x) = 0 holds where ½z² − xz + cφ(z) ≥ 0 for all z > 0, so that
t(c) = min_z z/2 + cφ(z)/z, attained where the map lands: J; and, solved for the strength,
c(t) = max_z z(t − z/2)/φ(z). By the envelope theorem dt/dc = φ(J)/J, or φ'(0⁺) where J = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neglog.derivations.compile.elementwise import Elementwise
from neglog.derivations.compile.numpy_penalty import elementwise

GRID = np.logspace(-9, 9, 541)
ROUNDS, POINTS = 5, 41


@dataclass(frozen=True)
class Threshold:
    """Thresholds for an array of strengths.

    Attributes:
        strength: c; at: t(c).
        landing: J, 0 where the map is continuous there.
        rate: dt/dc.
    """

    strength: np.ndarray
    at: np.ndarray
    landing: np.ndarray
    rate: np.ndarray


def threshold(spec: Elementwise, strength: np.ndarray) -> Threshold:
    """t(c) and what belongs to it, for φ on the right half line."""
    c = np.asarray(strength, dtype=float)[..., None]
    z, at = _least(lambda z: z / 2 + c * _value(spec, z) / z, c.shape)
    return _settled(spec, strength, z, at)


def strength_at(spec: Elementwise, at: np.ndarray) -> Threshold:
    """The strength c(t) whose map leaves 0 at t > 0."""
    t = np.asarray(at, dtype=float)[..., None]

    def cost(z: np.ndarray) -> np.ndarray:
        gain = z * (t - z / 2)
        return np.where(gain > 0, -gain / _value(spec, z), np.inf)

    z, least = _least(cost, t.shape)
    slope = spec.partial(0).right.number_at_zero
    c = -least if slope == 0 else np.maximum(-least, np.asarray(at, dtype=float) / slope)
    return _settled(spec, c, z, np.asarray(at, dtype=float))


def _settled(spec: Elementwise, c: np.ndarray, z: np.ndarray, at: np.ndarray) -> Threshold:
    slope = spec.partial(0).right.number_at_zero
    smooth = z < 10 * GRID[0]
    if np.isfinite(slope):
        smooth |= np.isclose(np.asarray(c) * slope, at, rtol=1e-7, atol=1e-8)
        at = np.where(smooth, np.asarray(c) * slope, at)
    landing = np.where(smooth, 0.0, z)
    safe = np.where(smooth, 1.0, z)
    rate = np.where(smooth, slope, _value(spec, safe) / safe)
    return Threshold(np.asarray(c, dtype=float), at, landing, rate)


def _value(spec: Elementwise, z: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return elementwise(spec, z, single=True)


def _least(
    cost: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """(z, cost) at the least cost over z > 0: a grid, then finer ones around the best place."""
    z = np.broadcast_to(GRID, (*shape[:-1], len(GRID)))
    for _ in range(ROUNDS):
        with np.errstate(all="ignore"):
            costs = cost(z)
        best = np.nanargmin(costs, axis=-1, keepdims=True)
        found = np.take_along_axis(z, best, -1), np.take_along_axis(costs, best, -1)
        last = z.shape[-1] - 1
        low = np.take_along_axis(z, np.maximum(best - 1, 0), -1)
        high = np.take_along_axis(z, np.minimum(best + 1, last), -1)
        z = low + (high - low) * np.linspace(0, 1, POINTS)
    return found[0][..., 0], found[1][..., 0]
