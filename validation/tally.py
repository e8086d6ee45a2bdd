"""Running counts of discoveries, and the most striking pairs, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from neglog.validation.dependence import inflation
from neglog.validation.discovery import Discoveries
from neglog.validation.firing import log_lower_tail, log_none, log_upper_tail
from neglog.validation.segments import Floats


@dataclass(frozen=True)
class Pair:
    """Two features and how often they fired together: observed, and expected if independent."""

    i: int
    j: int
    kind: str  # "exclusive" | "coactivating"
    observed: int
    expected: float
    log_ratio: float  # log((observed + ½)/(expected + ½))
    low: float | None  # 95% interval of log(true rate/expected); None where it reaches −∞
    high: float
    z: float
    q: float  # least false-discovery rate at which the pair is reported


class Null(Protocol):
    """Mean and variance of co-firing counts of features rows × columns."""

    def moments(self, rows: slice, columns: slice) -> tuple[Floats, Floats]: ...


class Tally:
    """What the blocks have shown so far.

    ``rho`` (features, lags): how each feature's tokens depend on each other. A factor f on the
    null's variance is taken as f times fewer tokens: counts, means and variances are divided by
    it, which leaves z its value and asks more of a pair before it is testable.
    """

    def __init__(
        self,
        null: Null,
        counts: NDArray[np.int64],
        alpha: float,
        top: int,
        rho: NDArray[np.float32] | None = None,
    ) -> None:
        self.null, self.counts, self.alpha, self.top, self.rho = null, counts, alpha, top, rho
        self.apart, self.joint = Discoveries(), Discoveries()
        self.never = self.never_untestable = 0
        self.dependence = 0.0
        self.best: dict[str, list[NDArray[Any]]] = {"exclusive": [], "coactivating": []}
        # A one-sided p below alpha needs at least this |z|, with room for skewed laws.
        self.least = max(0.0, float(stats.norm.isf(min(0.5, 1.6 * alpha))))

    def add(self, rows: slice, columns: slice, together: Floats) -> int:
        """Count the pairs i < j of a block (rows, columns); returns how many there were."""
        upper = np.arange(columns.start, columns.stop) > np.arange(rows.start, rows.stop)[:, None]
        observed = together[upper]
        mean, variance = (x[upper] for x in self.null.moments(rows, columns))
        factor = np.ones_like(mean)
        if self.rho is not None:
            factor = inflation(self.rho[rows], self.rho[columns])[upper]
        self.dependence += float(factor.sum())
        place = np.flatnonzero(upper)
        width = columns.stop - columns.start
        z = (observed - mean) / np.sqrt(variance * factor)
        seen, mean, variance = observed / factor, mean / factor, variance / factor
        never, log_alpha = observed == 0, np.log(self.alpha)

        can = log_none(mean, variance) <= log_alpha
        self.never += int(never.sum())
        self.never_untestable += int((never & ~can).sum())
        # A count that is not far from its mean has p > alpha: it is counted, not computed.
        low = np.flatnonzero(can & (z < -self.least))
        log_p = log_lower_tail(seen[low], mean[low], variance[low])
        self.apart.add(log_p, int(can.sum()))

        def remember(kind: str, size: Floats, log_p: Floats, where: NDArray[np.int64]) -> None:
            if self.top:
                keep = np.argsort(-size, kind="stable")[: self.top]
                where, size, log_p = where[keep], size[keep], log_p[keep]
                i, j = place[where] // width + rows.start, place[where] % width + columns.start
                columns_ = (size, log_p, i, j, observed[where], mean[where], factor[where])
                self._remember(kind, np.stack(columns_, axis=1))

        remember("exclusive", -z[low], log_p, low)
        most = self._most(rows, columns)[upper] / factor
        can = _reachable(most, mean, variance, log_alpha)
        high = np.flatnonzero(can & (z > self.least))
        log_p = log_upper_tail(seen[high], mean[high], variance[high])
        self.joint.add(log_p, int(can.sum()))
        remember("coactivating", z[high], log_p, high)
        return len(observed)

    def _most(self, rows: slice, columns: slice) -> Floats:
        return np.minimum(self.counts[rows][:, None], self.counts[columns]).astype(float)

    def _remember(self, kind: str, rows: NDArray[Any]) -> None:
        """Keep the ``top`` largest of all blocks."""
        together = np.concatenate([*self.best[kind], rows])
        self.best[kind] = [together[np.argsort(-together[:, 0], kind="stable")][: self.top]]

    def listed(self, active: NDArray[np.int64]) -> list[Pair]:
        """The discoveries with the largest |z|, exclusive ones first."""
        out = []
        for kind, tests in (("exclusive", self.apart), ("coactivating", self.joint)):
            if not self.best[kind]:
                continue
            (rows,) = self.best[kind]
            sign = -1 if kind == "exclusive" else 1
            for row, q in zip(rows, tests.q(rows[:, 1]), strict=True):
                if q <= self.alpha:
                    out.append(_pair(row, kind, sign, active, float(q)))
        return out


def _pair(row: Floats, kind: str, sign: int, active: NDArray[np.int64], q: float) -> Pair:
    size, _, i, j, observed, mean, factor = row
    low, high = ratio_interval(observed / factor, mean)
    expected = float(mean * factor)
    ratio = float(np.log((observed + 0.5) / (expected + 0.5)))
    return Pair(
        int(active[int(i)]), int(active[int(j)]), kind, int(observed), expected,
        ratio, low, high, float(sign * size), q,
    )  # fmt: skip


def ratio_interval(count: float, mean: float, level: float = 0.95) -> tuple[float | None, float]:
    """The exact interval of log(rate/expected) of a Poisson count (Garwood 1936, Fiducial limits).

    The lower end is None, −∞, where nothing was counted.
    """
    tail = (1 - level) / 2
    high = special.gammaincinv(count + 1, 1 - tail) / mean
    low = special.gammaincinv(count, tail) / mean if count > 0 else 0.0
    return (float(np.log(low)) if low > 0 else None), float(np.log(high))


def _reachable(most: Floats, mean: Floats, variance: Floats, log_alpha: float) -> NDArray[Any]:
    """Whether firing together as often as possible would be significant.

    Chernoff's bound log P(X ≥ k) ≤ k − μ − k log(k/μ) settles nearly all pairs.
    """
    can = most - mean - most * np.log(most / mean) <= log_alpha
    can &= most > mean
    unsure = np.flatnonzero(~can)
    can[unsure] = log_upper_tail(most[unsure], mean[unsure], variance[unsure]) <= log_alpha
    return np.asarray(can)
