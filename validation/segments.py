"""Positive samples of many features side by side, each in its own unit: what a batched fit sees.

Samples are raw values, or nodes that stand for many values, with weights: a fit from a sketch and
a fit from raw codes differ in nothing but the segments they are given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SMALL = 1e-2


@dataclass(frozen=True)
class Exact:
    """Sums known better than the samples tell, in the unit the codes came in; each (m,)."""

    a: Floats  # Σ a
    square: Floats  # Σ a²
    log: Floats  # Σ log a
    log_square: Floats  # Σ (log a)²
    top: Floats  # max a

    def take(self, keep: NDArray[np.bool_]) -> "Exact":
        return Exact(*(value[keep] for value in vars(self).values()))


@dataclass(frozen=True)
class Segments:
    """m features' samples, concatenated: feature j is ``a[starts[j]:starts[j] + size[j]]``, rising.

    ``a`` is measured in the feature's ``unit`` (its geometric mean, or 1), ``log`` is log a. A
    sample counts ``weight`` times (None: once); ``cut`` is where the values were truncated on the
    left (0: not at all), in the feature's unit.
    """

    a: Floats  # (samples,)
    log: Floats  # (samples,)
    starts: NDArray[np.int64]  # (m,)
    size: NDArray[np.int64]  # (m,), all ≥ 1
    unit: Floats  # (m,)
    weight: Floats | None = None  # (samples,), all > 0
    cut: Floats | None = None  # (m,)
    exact: Exact | None = None
    pair: NDArray[np.bool_] | None = None  # (samples,): the first of a bin's two nodes

    @property
    def features(self) -> int:
        return len(self.size)

    @cached_property
    def n(self) -> Floats:
        """How many values each feature's samples stand for, (m,): the sum of the weights."""
        return self.sum(np.ones(())) if self.weight is None else self.sum(np.ones_like(self.a))

    def sum(self, values: Floats) -> Floats:
        """Σ weight · value over each feature's samples, (samples,) or a number → (m,)."""
        if np.ndim(values) == 0:
            count = self.size if self.weight is None else self.n
            return np.asarray(count * float(values), dtype=np.float64)
        if self.weight is not None:
            values = values * self.weight
        return np.add.reduceat(values, self.starts)

    def sum_log1p(self, values: Floats) -> Floats:
        """Σ weight · log(1 + value), values > −1, monotone in a: logarithms of products of eight.

        The rounding of 1 + value is at most 1e-16 a sample in the sum. Features whose largest value
        is so small that this matters, weighted samples and products that overflow are summed one by
        one.
        """
        if self.weight is not None or np.ndim(values) == 0:
            return self.sum(np.log1p(values))
        products = np.multiply.reduceat(values + 1.0, self._eights[0])
        if not np.isfinite(products).all() or not products.all():
            return self.sum(np.log1p(values))
        found = np.add.reduceat(np.log(products), self._eights[1])
        small = np.abs(values[self.starts + self.size - 1]) < SMALL
        if small.any():
            few = np.log1p(values[np.repeat(small, self.size)])
            found[small] = np.add.reduceat(few, starts_of(self.size[small]))
        return found

    @cached_property
    def _eights(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where groups of at most eight samples of a feature begin; each feature's first group."""
        groups = -(-self.size // 8)
        first = starts_of(groups)
        within = np.arange(int(groups.sum())) - np.repeat(first, groups)
        return np.repeat(self.starts, groups) + 8 * within, first

    def spread(self, per_feature: NDArray[Any]) -> NDArray[Any]:
        """A number per feature repeated for each of its samples, (m,) → (samples,)."""
        return np.repeat(per_feature, self.size)

    def take(self, keep: NDArray[np.bool_]) -> "Segments":
        """The features where ``keep`` (m,) is true."""
        samples = np.repeat(keep, self.size)
        size = self.size[keep]
        return Segments(
            self.a[samples],
            self.log[samples],
            starts_of(size),
            size,
            self.unit[keep],
            None if self.weight is None else self.weight[samples],
            None if self.cut is None else self.cut[keep],
            None if self.exact is None else self.exact.take(keep),
            None if self.pair is None else self.pair[samples],
        )

    def original(self) -> "Segments":
        """The same samples in the unit they came in."""
        unit = self.spread(self.unit)
        return replace(
            self,
            a=self.a * unit,
            log=self.log + np.log(unit),
            unit=np.ones_like(self.unit),
            cut=None if self.cut is None else self.cut * self.unit,
        )

    @property
    def given(self) -> tuple[Floats, Floats, Floats]:
        """What a log-likelihood depends on beside sums over samples: n, top and cut, each (m,)."""
        cut = np.zeros(self.features) if self.cut is None else self.cut
        return self.n, self.top, cut

    @cached_property
    def mean(self) -> Floats:
        return self.sum(self.a) / self.n

    @cached_property
    def mean_square(self) -> Floats:
        with np.errstate(over="ignore"):  # of starts alone: ∞ is then clipped
            return self.sum(self.a * self.a) / self.n

    @cached_property
    def variance(self) -> Floats:
        """Second central moment (divided by n), two passes so that it does not cancel."""
        with np.errstate(over="ignore"):
            return self.sum((self.a - self.spread(self.mean)) ** 2) / self.n

    @cached_property
    def mean_log(self) -> Floats:
        return self.sum(self.log) / self.n

    @cached_property
    def variance_log(self) -> Floats:
        return self.sum((self.log - self.spread(self.mean_log)) ** 2) / self.n

    @cached_property
    def median(self) -> Floats:
        if self.weight is not None:
            reached = np.cumsum(self.weight)
            before = np.concatenate([[0.0], reached])[self.starts]
            place = np.searchsorted(reached, before + self.n / 2)
            return self.a[np.clip(place, self.starts, self.starts + self.size - 1)]
        size = self.size
        return 0.5 * (self.a[self.starts + (size - 1) // 2] + self.a[self.starts + size // 2])

    @cached_property
    def top(self) -> Floats:
        """The largest value of each feature."""
        if self.exact is not None:
            return self.exact.top / self.unit
        return self.a[self.starts + self.size - 1]

    @cached_property
    def distinct(self) -> NDArray[np.int64]:
        """How many different samples each feature has."""
        new = np.empty(len(self.a), dtype=bool)
        new[1:] = self.a[1:] != self.a[:-1]
        new[self.starts] = True
        return np.add.reduceat(new.astype(np.int64), self.starts)


def starts_of(size: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each segment begins."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(size)[:-1]])


def segments(
    columns: Sequence[NDArray[np.floating]],
    weights: Sequence[Floats] | None = None,
    cut: Floats | None = None,
) -> Segments:
    """Segments, in units of geometric means, from each feature's positive samples (none empty).

    weights: one for each sample, > 0; cut: (m,) where values were truncated, in the samples' unit.
    """
    size = np.array([len(column) for column in columns], dtype=np.int64)
    if weights is None:
        a = np.concatenate([np.sort(column) for column in columns]).astype(np.float64, copy=False)
        return in_own_units(a, size, None, cut)
    orders = [np.argsort(column, kind="stable") for column in columns]
    a = np.concatenate([c[o] for c, o in zip(columns, orders, strict=True)]).astype(np.float64)
    weight = np.concatenate([w[o] for w, o in zip(weights, orders, strict=True)])
    return in_own_units(a, size, weight.astype(np.float64), cut)


def in_own_units(
    a: Floats,
    size: NDArray[np.int64],
    weight: Floats | None = None,
    cut: Floats | None = None,
    exact: Exact | None = None,
    pair: NDArray[np.bool_] | None = None,
) -> Segments:
    """Segments from samples that are sorted within each feature already."""
    log, starts = np.log(a), starts_of(size)
    if weight is None:
        centre = np.add.reduceat(log, starts) / size
    else:
        centre = np.add.reduceat(log * weight, starts) / np.add.reduceat(weight, starts)
    unit = np.exp(centre)
    return Segments(
        a / np.repeat(unit, size),
        log - np.repeat(centre, size),
        starts,
        size,
        unit,
        weight,
        None if cut is None else cut / unit,
        exact,
        pair,
    )
