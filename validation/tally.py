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

MEAN = 0.5  # expected co-firings up to which exclusion cannot be significant at alpha < 0.3


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
        # So many firings that together on each would be significant, by Chernoff's bound at MEAN.
        some = np.arange(1.0, 1_000.0)
        bound = some - MEAN - some * np.log(some / MEAN)
        self.enough = float(some[np.argmax(bound <= np.log(alpha))])
        self.scarce = counts < self.enough

    def add(self, rows: slice, columns: slice, together: NDArray[Any]) -> int:
        """Count the pairs i < j of a block (rows, columns); returns how many there were."""
        i0, j0, width = rows.start, columns.start, columns.stop - columns.start
        upper = np.arange(j0, columns.stop) > np.arange(i0, rows.stop)[:, None]
        pairs = int(np.count_nonzero(upper))
        mean, variance = self.null.moments(rows, columns)
        factor = None if self.rho is None else inflation(self.rho[rows], self.rho[columns])
        self.dependence += float(pairs if factor is None else factor[upper].sum())

        # Few pairs can be anything but unsurprising: with at most MEAN expected, none seen and
        # enough firings of both, exclusion is out of reach and coactivation is within it.
        worth = together > 0
        worth |= mean > MEAN if factor is None else mean > MEAN * factor
        if factor is not None or self.scarce.any():
            most = np.minimum(self.counts[rows][:, None], self.counts[columns])
            worth |= most < (self.enough if factor is None else self.enough * factor)
        worth &= upper
        place = np.flatnonzero(worth)
        quiet = pairs - len(place)
        self.never += quiet
        self.never_untestable += quiet
        self.joint.add(np.empty(0), quiet)

        i, j = place // width + i0, place % width + j0
        observed = together.ravel()[place].astype(float)
        f = np.ones(len(place)) if factor is None else factor.ravel()[place]
        mean, variance = mean.ravel()[place] / f, variance.ravel()[place] / f
        self._judge(i, j, observed, mean, variance, f)
        return pairs

    def _judge(
        self,
        i: NDArray[np.int64],
        j: NDArray[np.int64],
        observed: Floats,
        mean: Floats,
        variance: Floats,
        factor: Floats,
    ) -> None:
        """Test pairs in both directions; mean and variance are divided by the factor already."""
        seen = observed / factor
        z = (seen - mean) / np.sqrt(variance)
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
                at = where[keep]
                columns = (size[keep], log_p[keep], i[at], j[at], observed[at], mean[at])
                self._remember(kind, np.stack([*columns, factor[at]], axis=1))

        remember("exclusive", -z[low], log_p, low)
        most = np.minimum(self.counts[i], self.counts[j]) / factor
        can = _reachable(most, mean, variance, log_alpha)
        high = np.flatnonzero(can & (z > self.least))
        log_p = log_upper_tail(seen[high], mean[high], variance[high])
        self.joint.add(log_p, int(can.sum()))
        remember("coactivating", z[high], log_p, high)

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
