"""False-discovery control over any number of tests in constant memory."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neglog.validation.segments import Floats

STEP, DEPTH = 0.005, 750.0  # grid on −log p: spacing and end (the least double is exp(−745))


@dataclass
class Discoveries:
    """Benjamini and Hochberg (1995), Controlling the false discovery rate, on a grid of p-values.

    Rejects p ≤ t for the largest grid point t with t·tests ≤ α·#{p ≤ t}: as Benjamini–Hochberg,
    with t rounded down by at most 0.5%, so never less strict.
    """

    tests: int = 0
    histogram: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(int(DEPTH / STEP) + 2, np.int64)
    )

    def add(self, log_p: Floats, tests: int) -> None:
        """Count log p-values of ``tests`` tests; those left out count as p = 1."""
        self.tests += tests
        depth = np.minimum(np.maximum(-log_p, 0.0), DEPTH)
        place = (depth / STEP).astype(np.int64)
        self.histogram += np.bincount(place, minlength=len(self.histogram))

    def _adjusted(self) -> Floats:
        """log q at each grid point, rising towards p = 1."""
        at_most = np.cumsum(self.histogram[::-1])[::-1]  # #{p ≤ exp(−STEP·k)}
        grid = -STEP * np.arange(len(self.histogram))
        with np.errstate(divide="ignore"):
            raw = grid + np.log(max(self.tests, 1)) - np.log(at_most)
        return np.minimum(np.minimum.accumulate(raw), 0.0)

    def rejected(self, alpha: float) -> int:
        """How many tests are discoveries at false-discovery rate alpha."""
        passing = np.flatnonzero(self._adjusted() <= np.log(alpha))
        return int(self.histogram[passing[0] :].sum()) if len(passing) else 0

    def q(self, log_p: Floats) -> Floats:
        """The least α at which each p-value is a discovery."""
        depth = np.minimum(np.maximum(-log_p, 0.0), DEPTH)
        return np.exp(self._adjusted()[(depth / STEP).astype(np.int64)])
