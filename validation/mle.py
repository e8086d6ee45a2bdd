"""Batched maximum likelihood: a safeguarded Newton iteration over many features at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neglog.validation.numeric import numpy_function
from neglog.validation.profile import TOP, Free, N, Profile
from neglog.validation.segments import Floats, Segments

Mask = NDArray[np.bool_]

TOLERANCE = 1e-9  # nat per sample that one more Newton step would gain
MAX_ITERATIONS = 100
SMALLEST_RADIUS = 1e-9


@dataclass(frozen=True)
class Optimum:
    """Maximum of m log-likelihoods, in the segments' units."""

    loglik: Floats  # (m,) nat
    params: Floats  # (params, m)
    se: Floats  # (params, m), nan where the maximum is not interior
    flags: list[tuple[str, ...]]  # (m,)


@dataclass
class _State:
    """Iterates of the features still moving; ``which`` are their places among all m."""

    which: NDArray[np.int64]
    segments: Segments
    still: list[Floats]
    u: Floats  # (k, m)
    low: Floats
    high: Floats
    reach: Floats
    hole: Floats
    radius: Floats  # (m,)
    sums: Floats
    loglik: Floats
    gradient: Floats  # in u
    hessian: Floats

    def keep(self, mask: Mask) -> "_State":
        cut = {
            name: value[..., mask]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray)
        }
        still = [value[mask] for value in self.still]
        return replace(self, segments=self.segments.take(mask), still=still, **cut)


def maximise(
    profile: Profile,
    segments: Segments,
    start: Floats | None = None,
    pinned: Sequence[bool] | None = None,
) -> Optimum:
    """The maximum-likelihood fit of every feature, with standard errors and flags.

    start: θ (k, m) to begin with instead of the profile's own; pinned: which of the k stay there.

    Newton's step with the Hessian's eigenvalues made negative, inside a trust region, in
    coordinates u that respect the parameters' ranges. A feature is finished when the step would
    gain less than 1e-9 nat per sample; that last step is taken, the sums following by Taylor
    expansion, which leaves an error of the third order in it.
    """
    k, m = len(profile.free), segments.features
    state = _begin(profile, segments, start, np.array(pinned or [False] * k, dtype=bool))
    theta = np.empty((k, m))
    sums = np.empty((len(profile.rows), m))
    loglik = np.empty(m)
    at_low: Mask = np.zeros(m, dtype=bool)
    at_high, stuck = at_low.copy(), at_low.copy()
    for iteration in range(MAX_ITERATIONS + 1):
        step, gain = _newton(state)
        stop: Mask = np.asarray(gain <= TOLERANCE * state.segments.n)
        lost = ~stop & ((state.radius < SMALLEST_RADIUS) | (iteration == MAX_ITERATIONS))
        done = stop | lost
        if done.any():
            step = np.where(lost, 0.0, step)
            now, then = _theta(profile, state, state.u), _theta(profile, state, state.u + step)
            where = state.which[done]
            theta[:, where] = then[:, done]
            sums[:, where] = _expand(profile, state.sums, then - now)[:, done]
            loglik[where] = (state.loglik + np.where(lost, 0.0, gain))[done]
            end = state.u + step
            at_low[where] = np.any(end <= state.low, axis=0)[done]
            at_high[where] = np.any(end >= state.high, axis=0)[done]
            stuck[where] = lost[done]
            if done.all():
                break
            state, step, gain = state.keep(~done), step[:, ~done], gain[~done]
        _advance(profile, state, step, gain)
    flags = [[] for _ in range(m)]  # type: list[list[str]]
    if at_low.any():
        _to_limit(profile, segments, at_low, theta, sums, loglik)
        _flag(flags, at_low, next((f.limit_flag for f in profile.free if f.limit), "boundary"))
    _flag(flags, at_high, "boundary")
    _flag(flags, stuck, "not-converged")
    _, _, hessian = profile.value(segments.given, theta, sums)
    params, se = profile.report(segments.given, theta, sums, -hessian)
    if profile.corner is not None:
        beaten = _corner(profile, segments, loglik, params)
        for entry in np.flatnonzero(beaten):
            flags[entry] = [profile.corner.flag]
        at_low |= beaten
    se[:, at_low | at_high | stuck] = np.nan
    _flag(flags, np.isnan(se).any(axis=0) & ~(at_low | at_high | stuck), "no-curvature")
    return Optimum(loglik, params, se, [tuple(f) for f in flags])


def _flag(flags: list[list[str]], where: Mask, flag: str) -> None:
    for entry in np.flatnonzero(where):
        flags[entry].append(flag)


def _begin(profile: Profile, segments: Segments, start: Floats | None, pinned: Mask) -> _State:
    k, m = len(profile.free), segments.features

    def rows(statistic: str, default: float = 0.0) -> Floats:
        out = np.full((k, m), default)
        for row, free in enumerate(profile.free):
            if (function := getattr(free, statistic)) is not None:
                out[row] = function(segments)
        return out

    reach = rows("reach")
    offset = _offset(profile.free)
    low, high = (np.log(offset + reach * rows(name)) for name in ("low", "high"))
    begin = rows("start") if start is None else np.broadcast_to(start, (k, m))
    u = np.clip(np.log(offset + reach * begin), low, high)
    low[pinned], high[pinned] = u[pinned], u[pinned]
    still = profile.statistics(segments)
    state = _State(
        np.arange(m), segments, still, u, low, high, reach, rows("hole"), np.full(m, 2.0),
        *(np.empty(0),) * 4,
    )  # fmt: skip
    state.sums, state.loglik, state.gradient, state.hessian = _look(profile, state, u)
    return state


def _offset(free: tuple[Free, ...]) -> Floats:
    return np.array([f.offset for f in free], dtype=float)[:, None]


def _theta(profile: Profile, state: _State, u: Floats) -> Floats:
    if not len(u):
        return u
    offset = _offset(profile.free)
    theta = np.where(offset == 1, np.expm1(u), np.exp(u)) / state.reach
    return np.where(np.abs(theta) < state.hole, np.copysign(state.hole, theta), theta)


def _look(profile: Profile, state: _State, u: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Sums, ℓ, and its derivatives in u: θ' = θ'' = eᵘ/reach, H_u = θ'θ'H_θ + diag(g_θ θ'')."""
    theta = _theta(profile, state, u)
    sums = profile.evaluate(state.segments, theta, state.still)
    loglik, gradient, hessian = profile.value(state.segments.given, theta, sums)
    slope = np.exp(u) / state.reach
    gradient = gradient * slope
    hessian = hessian * slope[:, None] * slope[None]
    diagonal = np.arange(len(u))
    hessian[diagonal, diagonal] += gradient
    return sums, loglik, gradient, hessian


def _newton(state: _State) -> tuple[Floats, Floats]:
    """The step (k, m) inside trust region and bounds, and the gain it promises (m,)."""
    g, h = state.gradient, state.hessian
    outward = ((state.u <= state.low) & (g < 0)) | ((state.u >= state.high) & (g > 0))
    g = np.where(outward, 0.0, g)
    step = ascent(g, np.where(outward[:, None] | outward[None], 0.0, h))
    there = state.u + step
    if len(g) > 1 and (cut := ((there < state.low) | (there > state.high)).any(axis=0)).any():
        # A Newton step that a bound cuts short may point downhill; one along each axis never does.
        diagonal = np.abs(h[np.arange(len(g)), np.arange(len(g))])
        with np.errstate(invalid="ignore", over="ignore"):  # where ℓ is −∞ nothing is defined
            step = np.where(cut, g / np.maximum(diagonal, 1e-300), step)
    step = _bounded(state, step)
    gain = (g * step).sum(axis=0) + 0.5 * np.einsum("im,ijm,jm->m", step, h, step)
    return step, np.maximum(gain, (g * step).sum(axis=0) * 1e-3)


def _bounded(state: _State, step: Floats) -> Floats:
    """The step cut at the bounds, then shortened to the trust region.

    In this order: a long step across a bound must not take the room of the other coordinates.
    """
    step = np.clip(state.u + step, state.low, state.high) - state.u
    length = np.sqrt((step**2).sum(axis=0))
    return np.asarray(step * np.minimum(1.0, state.radius / np.maximum(length, 1e-300)))


def ascent(gradient: Floats, hessian: Floats) -> Floats:
    """|H|⁻¹g for gradients (k, m) and Hessians (k, k, m): Newton where H < 0, else upwards."""
    if len(gradient) == 0:
        return gradient
    if len(gradient) == 1:
        return gradient / np.maximum(np.abs(hessian[0]), 1e-300)
    values, vectors = np.linalg.eigh(np.moveaxis(np.nan_to_num(hessian), -1, 0))
    size = np.abs(values)
    size = np.maximum(size, 1e-12 * size.max(axis=1, keepdims=True) + 1e-300)
    along = np.einsum("mik,im->mk", vectors, gradient) / size
    return np.einsum("mik,mk->im", vectors, along)


def _advance(profile: Profile, state: _State, step: Floats, gain: Floats) -> None:
    """Try the step; keep it where ℓ rises, and adapt the trust region by how well it did."""
    there = state.u + step
    sums, loglik, gradient, hessian = _look(profile, state, there)
    finite = np.isfinite(gradient).all(axis=0) & np.isfinite(hessian).all(axis=(0, 1))
    with np.errstate(invalid="ignore"):
        ratio = np.where(finite, (loglik - state.loglik) / gain, -np.inf)
    better = ratio > 1e-4
    length = np.sqrt((step**2).sum(axis=0))
    state.radius = np.where(ratio < 0.25, 0.25 * length, state.radius)
    far = (ratio > 0.75) & (length > 0.9 * state.radius)
    state.radius = np.where(far, 3 * length, state.radius)
    for name, new in (
        ("u", there), ("sums", sums), ("loglik", loglik), ("gradient", gradient),
        ("hessian", hessian),
    ):  # fmt: skip
        setattr(state, name, np.where(better, new, getattr(state, name)))


def _expand(profile: Profile, sums: Floats, shift: Floats) -> Floats:
    """The sums at θ + shift by second-order Taylor expansion, their slopes by first-order."""
    out = sums.copy()
    place = {row: number for number, row in enumerate(profile.rows)}
    for (j, index), number in place.items():
        for i in range(len(shift)):
            if (row := place.get((j, tuple(sorted((*index, i)))))) is not None:
                out[number] += sums[row] * shift[i]
        if not index and profile.moving[j]:
            for a, b in profile.second:
                twice = 0.5 if a == b else 1.0
                out[number] += twice * sums[place[j, (a, b)]] * shift[a] * shift[b]
    return out


def _to_limit(
    profile: Profile,
    segments: Segments,
    where: Mask,
    theta: Floats,
    sums: Floats,
    loglik: Floats,
) -> None:
    """Where the optimum lies at the lower bound, move on to the value that stands for the limit."""
    part = segments.take(where)
    for row, free in enumerate(profile.free):
        if free.limit is not None:
            theta[row, where] = free.limit(part)
    sums[:, where] = profile.evaluate(part, theta[:, where], profile.statistics(part))
    loglik[where] = profile.value(part.given, theta[:, where], sums[:, where])[0]


def _corner(profile: Profile, segments: Segments, loglik: Floats, params: Floats) -> Mask:
    """Replace optima that the corner of the parameter space beats; returns where."""
    corner = profile.corner
    assert corner is not None
    function = numpy_function([N, TOP], [corner.loglik, *corner.params.values()])
    value, *points = function(segments.n, segments.top)
    where = ~(loglik > value)
    loglik[where] = value[where]
    for row, name in enumerate(profile.params):
        point = np.broadcast_to(points[list(corner.params).index(name)], loglik.shape)
        params[row, where] = point[where]
    return where
