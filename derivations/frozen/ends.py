"""What a density weighs beyond the last panel, where it is close to an exponential in t = log u.

Two cases. A light tail has fallen by hundreds of e-folds there: Gauss–Laguerre at the local rate is
exact to rounding, at any distance. A power tail has reached the largest double instead: it goes on
as the straight line that log p is in t, however far; where a logarithm still bends it, its mass is
taken in log t with extended precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neglog.derivations.frozen.segments import DEEP, Segment
from neglog.priors.errors import InputError

Floats = NDArray[np.float64]
Height = Callable[[Floats], Floats]

_S, _V = np.polynomial.laguerre.laggauss(24)
LEAST_RATE = 1e-9  # below, a power is taken for log-flat: its integral diverges


@dataclass(frozen=True)
class End:
    """One end: ``rim`` where the panels stop, ``outward`` ±1 in t, ``rate`` > 0 of the fall there.

    Attributes:
        mass: log of all that lies beyond the rim.
        deep: whether nothing of weight is left there, so that the height itself is followed.
    """

    height: Height
    rim: float
    outward: int
    rate: float
    level: float
    mass: float
    deep: bool

    def tail(self, t: Floats) -> Floats:
        """log of the mass beyond each t."""
        if not self.deep:
            return self.mass - self.rate * np.abs(t - self.rim)
        out = np.full(t.shape, -np.inf)
        known = np.isfinite(t)
        out[known] = laguerre(self.height, t[known], self.outward)
        return out

    def where(self, mass: Floats, from_rim: bool) -> Floats:
        """The t with this log mass beyond it (or between it and the rim)."""
        if from_rim:
            with np.errstate(divide="ignore"):
                mass = self.mass + np.log(-np.expm1(np.minimum(mass - self.mass, 0.0)))
        return self.rim + self.outward * np.maximum(self.mass - mass, 0.0) / self.rate


def beyond(height: Height, rim: float, outward: int, segment: Segment, top: float) -> End | None:
    """The end of a segment's panels; None where nothing is left.

    Raises:
        InputError: the density does not fall there, so that its integral diverges.
    """
    at = np.array([rim])
    level = float(height(at)[0])
    if not np.isfinite(level):
        return None
    if level < top - DEEP + 20:
        if not np.isfinite(height(at + outward * 1e-3)[0]):
            return None
        mass = float(laguerre(height, at, outward)[0])
        return End(height, rim, outward, float(_rates(height, at, outward)[0]), level, mass, True)
    near, far = (float(height(at - outward * k)[0]) for k in (64.0, 32.0))
    rate, before = (far - level) / 32.0, (near - far) / 32.0
    if abs(rate - before) > 1e-10 * max(1e-3, abs(rate)) and outward > 0:
        mass = _slow(segment, height, rim, level, rate)
        return End(height, rim, outward, max(rate, LEAST_RATE), level, mass, False)
    if rate <= LEAST_RATE:
        where = "in the tail" if outward > 0 else f"at a = {segment.anchor:g}"
        raise InputError(f"the density has no finite integral {where} at these numbers.")
    return End(height, rim, outward, rate, level, level - float(np.log(rate)), False)


def _rates(height: Height, t: Floats, outward: int) -> Floats:
    """How fast the height falls outwards."""
    step = 1e-3 / (1.0 + np.abs(height(t)))
    return (height(t - step * outward) - height(t + step * outward)) / (2 * step)


def laguerre(height: Height, t: Floats, outward: int) -> Floats:
    """log of the mass beyond each t, where the height falls almost linearly."""
    level, rate = height(t), _rates(height, t, outward)
    with np.errstate(all="ignore"):
        rate = np.where(rate > 0, rate, np.nan)
        fall = height(t[:, None] + outward * _S / rate[:, None]) - level[:, None] + _S
        value = level + np.log(np.exp(np.minimum(fall, 600.0)) @ _V) - np.log(rate)
    return np.where(np.isnan(value), -np.inf, value)


def _slow(segment: Segment, height: Height, rim: float, level: float, rate: float) -> float:
    """log ∫ beyond the rim where a logarithm bends the power: Gauss–Laguerre in v = log(t/rim)."""
    bend = rim * rate - 1.0
    if bend <= 1e-3:
        raise InputError("the density has no finite integral in the tail at these numbers.")
    v = _S / bend
    v = np.minimum(v, 60.0)
    t = rim * np.exp(v)
    fall = segment.far(t, rim) + v + _S
    return float(level + np.log(rim) - np.log(bend) + np.log(np.exp(np.minimum(fall, 600.0)) @ _V))
