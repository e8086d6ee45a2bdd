"""Profile-likelihood intervals: where twice the log-likelihood has fallen by a χ² quantile.

For a parameter p with the others maximised, r(p) = ±√(2(ℓ̂ − ℓ_p)) is nearly a straight line in log
p (in log(1 + p) for a shape that may be negative), so a safeguarded secant finds each end in a few
steps. Where the likelihood never falls that far, the end is that of the parameter space: ∞, 0 or
−1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from neglog.validation.full import EDGE
from neglog.validation.mle import Optimum, maximise
from neglog.validation.profile import Profile
from neglog.validation.segments import Floats, Segments

if TYPE_CHECKING:
    from neglog.validation.families import Family

FAR = 1e7  # in the feature's unit: what reaches it is reported as infinite
STEPS = 24
CLOSE = 1e-3  # of r, whose quantile is about 2
UNUSABLE = {"boundary", "not-converged", "no-fit"}


def profile_intervals(
    row: "Family",
    chunk: Segments,
    optimum: Optimum,
    level: float,
    only: Sequence[str] | None = None,
) -> Floats:
    """Ends (2, params, m), lower and upper, in the samples' unit; nan where there was no fit.

    only: names of the parameters to do; the others are nan.
    """
    profile = (row if chunk.cut is None else row.truncated).full
    ends = np.full((2, *optimum.params.shape), np.nan)
    usable = np.isfinite(optimum.loglik) & np.array(
        [not UNUSABLE & set(flags) for flags in optimum.flags], dtype=bool
    )
    if not usable.any():
        return ends
    chunk = chunk if usable.all() else chunk.take(usable)
    theta = optimum.params[:, usable]
    for number, name in enumerate(row.params):
        if only is not None and name not in only:
            continue
        search = _Search(profile, number, chunk, theta, optimum.loglik[usable], _target(level))
        spread = _spread(search, optimum.se[number, usable])
        for side, sign in enumerate((-1, 1)):
            ends[side, number, usable] = search.end(sign, spread)
    return ends


def _target(level: float) -> float:
    return float(np.sqrt(stats.chi2.ppf(level, 1)))


@dataclass
class _Search:
    profile: Profile
    number: int  # of the parameter
    chunk: Segments
    theta: Floats
    loglik: Floats
    target: float

    @property
    def shift(self) -> int:
        return self.profile.free[self.number].offset

    @property
    def middle(self) -> Floats:
        """The estimate as u = log(θ + shift), inside the bounds."""
        low, high = self.bounds
        return np.clip(np.log(self.theta[self.number] + self.shift), low, high)

    @property
    def bounds(self) -> tuple[float, float]:
        low = 1 + EDGE if self.shift else 1 / FAR
        return float(np.log(low)), float(np.log(FAR))

    def root(self, u: Floats, which: NDArray[np.int64], start: Floats) -> Floats:
        """√(2(ℓ̂ − ℓ_p)) at u for some of the features; ``start`` keeps the other parameters."""
        fixed = start[:, which].copy()
        fixed[self.number] = np.exp(u) - self.shift
        self._inside(fixed, self.chunk.top[which])
        pinned = [i == self.number for i in range(len(fixed))]
        mask = np.zeros(self.chunk.features, dtype=bool)
        mask[which] = True
        part = self.chunk if mask.all() else self.chunk.take(mask)
        found = maximise(self.profile, part, fixed, pinned)
        good = np.isfinite(found.loglik)
        # `start` is where the next search of these features begins
        start[:, which] = np.where(good & np.isfinite(found.params), found.params, start[:, which])
        fall = np.where(good, self.loglik[which] - found.loglik, np.inf)
        return np.sqrt(np.maximum(2 * fall, 0.0))

    def _inside(self, theta: Floats, top: Floats) -> None:
        """Move the free ones so that a support bounded by a negative shape holds the values."""
        signed = [i for i, free in enumerate(self.profile.free) if free.offset]
        scale = [i for i, free in enumerate(self.profile.free) if str(free.symbol) == "scale"]
        for i, j in zip(signed, scale, strict=False):
            if self.number == j:
                theta[i] = np.maximum(theta[i], -0.99 * theta[j] / top)
            else:
                theta[j] = np.maximum(theta[j], -1.01 * theta[i] * top)

    def end(self, sign: int, spread: Floats) -> Floats:
        """The end of the interval on one side."""
        low, high = self.bounds
        start = self.theta.copy()
        inside, r_inside = self.middle.copy(), np.zeros(len(self.loglik))
        outside, r_outside = np.full_like(inside, np.nan), np.full_like(inside, np.nan)
        step = spread.copy()
        open_end = np.zeros(len(inside), dtype=bool)
        active = np.arange(len(inside))
        for _ in range(STEPS):
            u = np.clip(inside[active] + sign * step[active], low, high)
            r = self.root(u, active, start)
            over = r >= self.target
            outside[active[over]], r_outside[active[over]] = u[over], r[over]
            under = active[~over]
            inside[under], r_inside[under] = u[~over], r[~over]
            open_end[under] = (u[~over] <= low) | (u[~over] >= high)
            step[under] *= 2
            active = under[~open_end[under]]
            if not len(active):
                break
        found = self._close_in(sign, inside, r_inside, outside, r_outside, start)
        value = np.exp(found) - self.shift
        limit = np.inf if sign > 0 else float(-self.shift)
        return np.where(open_end, limit, value)

    def _close_in(
        self, sign: int, inside: Floats, r_in: Floats, outside: Floats, r_out: Floats, start: Floats
    ) -> Floats:
        """Secant between a point inside and one outside, kept off both ends of the bracket."""
        found = np.where(np.isfinite(r_out), outside, inside)
        active = np.flatnonzero(~np.isnan(outside) & (np.abs(r_out - self.target) > CLOSE))
        for _ in range(STEPS):
            if not len(active):
                break
            a, b = inside[active], outside[active]
            share = (self.target - r_in[active]) / (r_out[active] - r_in[active])
            u = a + np.clip(np.where(np.isfinite(share), share, 0.5), 0.05, 0.95) * (b - a)
            r = self.root(u, active, start)
            over = r >= self.target
            outside[active[over]], r_out[active[over]] = u[over], r[over]
            inside[active[~over]], r_in[active[~over]] = u[~over], r[~over]
            found[active] = u
            narrow = np.abs(outside[active] - inside[active]) < 1e-6
            active = active[(np.abs(r - self.target) > CLOSE) & ~narrow]
        return found


def _spread(search: _Search, se: Floats) -> Floats:
    """A first step in u: the quantile times the standard error where there is one."""
    theta = search.theta[search.number] + search.shift
    with np.errstate(all="ignore"):
        spread = search.target * se / theta
    return np.where(np.isfinite(spread), np.clip(spread, 1e-4, 1.0), 0.5)
