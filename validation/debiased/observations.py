"""Debiased codes as counts: what a convolved fit reads, mergeable and of bounded size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.validation.debiased.debiasing import Debiased
from neglog.validation.debiased.kernel import bin_edges
from neglog.validation.debiased.linear import Floats

LEVEL = 1.3  # tokens whose τ lies within this ratio share one, the middle of the level


@dataclass
class Observations:
    """Histograms of z in units of its noise, one for each feature and level of τ.

    ``counts[level]`` is (features, bins + 1): bin 0 holds every z ≤ above·τ. Levels are powers of
    1.3, so that records of other tokens, files and machines can be added (``merge``).
    """

    width: Floats  # (features,) noise of each feature in units of τ
    above: float = 4.0
    tokens: int = 0
    counts: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    squares: dict[int, float] = field(default_factory=dict)  # Σ τ² of each level's tokens

    @property
    def features(self) -> int:
        """How many features."""
        return len(self.width)

    @property
    def edges(self) -> Floats:
        """Lower edges of bins 1, 2, … in units of the noise."""
        return bin_edges(self.above)

    def add(self, block: Debiased) -> None:
        """Count a block of debiased codes.

        Raises InputError for another number of features.
        """
        if block.z.shape[1] != self.features:
            raise InputError(
                f"the block has {block.z.shape[1]} features where {self.features} were counted."
            )
        levels = np.floor(np.log(np.maximum(block.tau, 1e-30)) / np.log(LEVEL)).astype(int)
        for level in np.unique(levels):
            rows = levels == level
            noise = level_noise(int(level)) * self.width
            self._count(int(level), block.z[rows], noise)
            square = float((block.tau[rows].astype(float) ** 2).sum())
            self.squares[int(level)] = self.squares.get(int(level), 0.0) + square
        self.tokens += len(block.z)

    def _count(self, level: int, z: Floats, noise: Floats) -> None:
        edges, features = self.edges, self.features
        found = self.counts.setdefault(level, np.zeros((features, len(edges) + 1), np.int64))
        token, feature = np.nonzero(z > self.above * noise)
        place = np.searchsorted(edges, z[token, feature] / noise[feature], side="right")
        place = np.maximum(place, 1)
        flat = np.bincount(feature * found.shape[1] + place, minlength=found.size)
        found += flat.reshape(found.shape)
        found[:, 0] += len(z) - np.bincount(feature, minlength=features)

    def merge(self, other: Observations) -> None:
        """Add another record's counts; InputError unless bins and widths are the same."""
        if self.above != other.above or not np.array_equal(self.width, other.width):
            raise InputError("records with other widths or bins cannot be added.")
        for level, counts in other.counts.items():
            self.counts[level] = self.counts.get(level, np.zeros_like(counts)) + counts
            self.squares[level] = self.squares.get(level, 0.0) + other.squares[level]
        self.tokens += other.tokens


def relative_noise(record: Observations, level: int) -> float:
    """Root mean square τ of a level's tokens, in units of the level's τ."""
    tokens = int(record.counts[level][0].sum())
    return float(np.sqrt(record.squares[level] / tokens)) / level_noise(level)


def level_noise(level: int) -> float:
    """The τ of a level: its geometric middle."""
    return float(LEVEL ** (level + 0.5))


def observe(blocks: Debiased | Iterable[Debiased], above: float = 4.0) -> Observations:
    """Count debiased codes, given whole or in blocks; widths are those of the first block.

    Raises InputError if there is no block, or ``above`` is not between 0 and 10.
    """
    if not 0 < above < 10:
        raise InputError(f"above is {above}: truncate between 0 and 10 standard deviations.")
    record = None
    for block in [blocks] if isinstance(blocks, Debiased) else blocks:
        if record is None:
            record = Observations(np.asarray(block.width, dtype=float), above)
        record.add(block)
    if record is None:
        raise InputError("there are no debiased codes to count.")
    return record
