"""Positive samples of many features side by side, each in its own unit: what a batched fit sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Segments:
    """m features' samples, concatenated: feature j is ``a[starts[j]:starts[j] + n[j]]``, rising.

    ``a`` is measured in the feature's ``unit`` (its geometric mean, or 1), ``log`` is log a.
    """

    a: Floats  # (samples,)
    log: Floats  # (samples,)
    starts: NDArray[np.int64]  # (m,)
    n: NDArray[np.int64]  # (m,), all ≥ 1
    unit: Floats  # (m,)

    def sum(self, values: Floats) -> Floats:
        """Σ over each feature's samples, (samples,) → (m,)."""
        return np.add.reduceat(values, self.starts)

    def spread(self, per_feature: Floats) -> Floats:
        """A number per feature repeated for each of its samples, (m,) → (samples,)."""
        return np.repeat(per_feature, self.n)

    def take(self, keep: NDArray[np.bool_]) -> "Segments":
        """The features where ``keep`` (m,) is true."""
        samples = np.repeat(keep, self.n)
        n = self.n[keep]
        return Segments(self.a[samples], self.log[samples], _starts(n), n, self.unit[keep])

    def original(self) -> "Segments":
        """The same samples in the unit they came in."""
        unit = self.spread(self.unit)
        return Segments(
            self.a * unit, self.log + np.log(unit), self.starts, self.n, np.ones_like(self.unit)
        )

    @cached_property
    def mean(self) -> Floats:
        return self.sum(self.a) / self.n

    @cached_property
    def mean_square(self) -> Floats:
        return self.sum(self.a * self.a) / self.n

    @cached_property
    def variance(self) -> Floats:
        """Second central moment (divided by n), two passes so that it does not cancel."""
        return self.sum((self.a - self.spread(self.mean)) ** 2) / self.n

    @cached_property
    def mean_log(self) -> Floats:
        return self.sum(self.log) / self.n

    @cached_property
    def variance_log(self) -> Floats:
        return self.sum((self.log - self.spread(self.mean_log)) ** 2) / self.n

    @cached_property
    def median(self) -> Floats:
        return 0.5 * (self.a[self.starts + (self.n - 1) // 2] + self.a[self.starts + self.n // 2])

    @cached_property
    def top(self) -> Floats:
        """The largest sample of each feature."""
        return self.a[self.starts + self.n - 1]

    @cached_property
    def distinct(self) -> NDArray[np.int64]:
        """How many different values each feature takes."""
        new = np.empty(len(self.a), dtype=bool)
        new[1:] = self.a[1:] != self.a[:-1]
        new[self.starts] = True
        return np.add.reduceat(new.astype(np.int64), self.starts)


def _starts(n: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(n)[:-1]])


def segments(columns: Sequence[NDArray[np.floating]]) -> Segments:
    """Segments, in units of geometric means, from each feature's positive samples (none empty)."""
    n = np.array([len(column) for column in columns], dtype=np.int64)
    a = np.concatenate([np.sort(column) for column in columns]).astype(np.float64, copy=False)
    log, starts = np.log(a), _starts(n)
    centre = np.add.reduceat(log, starts) / n
    unit = np.exp(centre)
    return Segments(a / np.repeat(unit, n), log - np.repeat(centre, n), starts, n, unit)
