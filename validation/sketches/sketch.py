"""``Sketch``: what is kept of a billion codes, and how two sketches become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.validation.segments import Floats, Segments
from neglog.validation.sketches.bins import MANTISSA, left, mantissa_bits, right, steps

Counts = NDArray[np.int64]
NO_GRID = 200  # of a feature without values: above every exponent of float32


@dataclass(frozen=True)
class Sketch:
    """Counts, sums and a histogram of each feature's non-zero codes.

    Feature f's occupied bins are the entries ``indptr[f]:indptr[f + 1]``, rising; an entry holds
    the bin's number (see ``bins``), how many values fell into it, and the sum of their distances
    from its lower edge in steps of float32. These are integers: histogram, counts and Σa do not
    depend on the order in which tokens or sketches come (associative, commutative). The other sums
    are float64 and depend on it by rounding only.

    Memory: 18 bytes an occupied bin (a feature whose codes span a factor of 1,000 occupies at most
    320) and 54 bytes a feature, whatever the number of tokens.
    """

    tokens: int
    indptr: Counts  # (features + 1,)
    bins: NDArray[np.uint16]  # (entries,)
    counts: Counts  # (entries,) ≥ 1
    offsets: Counts  # (entries,)
    square: Floats  # (features,) Σ a²
    log: Floats  # (features,) Σ log a
    log_square: Floats  # (features,) Σ (log a)²
    low: Floats  # (features,) min a, ∞ where there is none
    top: Floats  # (features,) max a, 0 where there is none
    used: NDArray[np.uint32]  # (features,) bitwise or of the values' bits
    grid: NDArray[np.int16]  # (features,) largest k with all values multiples of 2ᵏ

    @property
    def features(self) -> int:
        return len(self.indptr) - 1

    @cached_property
    def nonzero(self) -> Counts:
        """Tokens on which each feature is active, (features,)."""
        reached = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])
        return np.diff(reached[self.indptr])

    @property
    def zeros(self) -> Counts:
        """Tokens on which each feature is zero, (features,)."""
        return self.tokens - self.nonzero

    @property
    def zero_fraction(self) -> Floats:
        """Weight of the atom at zero, by maximum likelihood, (features,)."""
        return 1.0 - self.nonzero / self.tokens

    @cached_property
    def sum(self) -> Floats:
        """Σ a of each feature, from integers, (features,)."""
        value = self.counts * left(self.bins) + self.offsets * steps(self.bins)
        filled = np.diff(self.indptr) > 0
        out = np.zeros(self.features)
        if filled.any():
            out[filled] = np.add.reduceat(value, self.indptr[:-1][filled])
        return out

    @property
    def mantissa(self) -> NDArray[np.int64]:
        """Bits of the mantissa the codes use: 10 for float16, 7 for bfloat16, up to 23."""
        return mantissa_bits(self.used)

    @property
    def coarse(self) -> NDArray[np.bool_]:
        """Whether most values lie in bins that can hold one value only: rounded codes, (features,).

        Known from the grid the values lie on and the bits they use; other ties are not seen.
        """
        size = np.diff(self.indptr)
        spacing = np.exp2(np.repeat(self.grid.astype(np.float64), size))
        most = np.repeat(np.exp2(np.maximum(self.mantissa - MANTISSA, 0)), size)
        single = np.minimum((right(self.bins) - left(self.bins)) / spacing, most) < 2
        reached = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts * single)])
        return 2 * np.diff(reached[self.indptr]) > self.nonzero

    @property
    def nbytes(self) -> int:
        """Memory of the arrays."""
        return sum(value.nbytes for value in self.arrays().values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "tokens"}

    def merge(self, *others: Sketch) -> Sketch:
        """The sketch of all their tokens; InputError where the numbers of features differ."""
        from neglog.validation.sketches.merging import merged

        return merged([self, *others])

    def __add__(self, other: Sketch) -> Sketch:
        return self.merge(other)

    def take(self, features: NDArray[Any] | Sequence[int]) -> Sketch:
        """The sketch of some features."""
        chosen = np.asarray(features, dtype=np.int64)
        size = np.diff(self.indptr)[chosen]
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(size)])
        entries = np.repeat(self.indptr[:-1][chosen] - indptr[:-1], size) + np.arange(indptr[-1])
        per_feature = ("square", "log", "log_square", "low", "top", "used", "grid")
        return Sketch(
            self.tokens,
            indptr,
            *(getattr(self, name)[entries] for name in ("bins", "counts", "offsets")),
            *(getattr(self, name)[chosen] for name in per_feature),
        )

    def samples(self, features: NDArray[np.int64], exact: bool = True) -> Segments:
        """Weighted samples that stand for the features' values (each must have some)."""
        from neglog.validation.sketches.nodes import nodes

        return nodes(self.take(features), exact)

    def save(self, path: str | Path) -> None:
        """Write a ``.safetensors`` file, whole or not at all."""
        from neglog.validation.sketches.storage import save

        save(self, Path(path))

    @staticmethod
    def load(path: str | Path) -> Sketch:
        """Read a file that ``save`` wrote.

        Raises InputError if it is damaged, no sketch, or of another version.
        """
        from neglog.validation.sketches.storage import load

        return load(Path(path))

    def all_reduce(self, group: Any = None) -> Sketch:
        """The sketch of all processes' tokens, the same on each, by ``torch.distributed``."""
        from neglog.validation.sketches.processes import all_reduce

        return all_reduce(self, group)


def empty(features: int, tokens: int = 0) -> Sketch:
    """A sketch in which nothing fired."""
    if features < 1:
        raise InputError("there are no codes: the number of features is 0.")
    none, zero = np.zeros(0, np.int64), np.zeros(features)
    return Sketch(
        tokens, np.zeros(features + 1, np.int64), none.astype(np.uint16), none, none,
        zero, zero, zero, np.full(features, np.inf), zero, np.zeros(features, np.uint32),
        np.full(features, NO_GRID, np.int16),
    )  # fmt: skip
