"""Batched maximum likelihood of convolved families: Fisher scoring with Levenberg's safeguard."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from neglog.validation.debiased.likelihood import Problem, Slab, bins_of, look
from neglog.validation.debiased.linear import Floats

GAIN = 1e-4  # nat, of the whole sample, that one more step would bring
MAX_STEPS = 80
LONGEST = 1.5  # step in any coordinate
BOUND = 11.0  # of each coordinate: scales and shapes within e^±11 of the feature's own size
ODDS = (-16.0, 4.0)
SCALES = (0.1, 0.3, 0.7, 1.5)  # where the search begins, in units of the mean observation
SHAPES = (0.3, 0.6, 1.2, 3.0)
SIGNED = (-0.5, -0.2, 0.1, 0.5)


@dataclass(frozen=True)
class Found:
    """The optima of one family for m features."""

    loglik: Floats  # (m,)
    v: Floats  # (k, m)
    odds: Floats  # (m,)
    se: Floats  # (k + 1, m) of v and the log odds; nan on the boundary
    stuck: NDArray[np.bool_]
    boundary: NDArray[np.bool_]


def maximise(of: Slab, data: Problem) -> Found:
    """The maximum-likelihood fit of every feature, from the best of a grid of starts."""
    v, odds = _start(of, data)
    k, m = v.shape
    point = np.concatenate([v, odds[None]])
    low = np.array([-BOUND] * k + [ODDS[0]])[:, None]
    high = np.array([BOUND] * k + [ODDS[1]])[:, None]
    low[:k][np.array(of.signed)] = np.log(0.02)  # c of the generalised Pareto above −0.98
    point = np.clip(point, low, high)
    loglik, gradient, information = look(of, point[:k], point[k], data)
    damping = np.full(m, 1e-3)
    moving = np.ones(m, dtype=bool)
    for _ in range(MAX_STEPS):
        which = np.flatnonzero(moving)
        if not len(which):
            break
        g, info = gradient[:, which], information[:, :, which]
        step, gain = _step(point[:, which], g, info, damping[which], low, high)
        there = point[:, which] + step
        new, new_g, new_info = look(of, there[:k], there[k], data.take(which))
        better = new >= loglik[which]
        enough = new - loglik[which] > 0.2 * gain
        damping[which] = np.where(
            better, damping[which] * np.where(enough, 0.2, 1.0), damping[which] * 8
        )
        damping[which] = np.clip(damping[which], 1e-9, 1e9)
        good = which[better]
        point[:, good], loglik[good] = there[:, better], new[better]
        gradient[:, good], information[:, :, good] = new_g[:, better], new_info[:, :, better]
        moving[which] = ~((gain < GAIN) | (damping[which] >= 1e9))
    boundary = ((point[:k] <= low[:k]) | (point[:k] >= high[:k])).any(axis=0)
    se = _errors(information)
    se[:, boundary] = np.nan
    return Found(loglik, point[:k], point[k], se, moving, boundary)


def _start(of: Slab, data: Problem) -> tuple[Floats, Floats]:
    """The best point of a grid; at each the atom is what the exceedances ask for."""
    m = len(data.unit)
    names = list(of.family.params)
    shapes = SHAPES if of.family.scaled else tuple(np.geomspace(0.01, 100, 9))
    choices = [
        np.log(SCALES) if name == "scale" else np.log1p(SIGNED) if signed else np.log(shapes)
        for name, signed in zip(names, of.signed, strict=True)
    ]
    total = data.counts.sum(axis=2, keepdims=True)
    seen = data.counts[:, :, 1:].sum(axis=(1, 2)) / total.sum(axis=(1, 2))
    best = np.full(m, -np.inf)
    v, odds = np.zeros((len(names), m)), np.zeros(m)
    spike = data.kernel.spike
    for values in product(*choices):
        here = np.repeat(np.array(values)[:, None], m, axis=1)
        p, _ = bins_of(of, here, data, slopes=False)
        mass = ((1 - p[:, :, :1]) * total).sum(axis=(1, 2)) / total.sum(axis=(1, 2))
        rate = np.clip(seen / np.maximum(mass, 1e-12), 1e-6, 0.9)
        whole = rate[:, None, None] * p + (1 - rate)[:, None, None] * spike
        loglik = (data.counts * np.log(np.maximum(whole, 1e-300))).sum(axis=(1, 2))
        better = loglik > best
        best[better], v[:, better] = loglik[better], here[:, better]
        odds[better] = np.log(rate / (1 - rate))[better]
    return v, odds


def _step(
    point: Floats, g: Floats, info: Floats, damping: Floats, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """A step inside the bounds and what it promises; coordinates that push outwards stay."""
    held = ((point <= low) & (g < 0)) | ((point >= high) & (g > 0))
    g = np.where(held, 0.0, g)
    matrix = np.where(held[:, None] | held[None], 0.0, info)
    k = len(g)
    diagonal = np.arange(k)
    size = np.maximum(matrix[diagonal, diagonal], 1e-10)
    matrix = matrix.copy()
    matrix[diagonal, diagonal] = size * (1 + damping) + np.where(held, 1.0, 0.0)
    step = np.linalg.solve(np.moveaxis(matrix, -1, 0), g.T[:, :, None])[:, :, 0].T
    step = step * np.minimum(1.0, LONGEST / np.maximum(np.abs(step).max(axis=0), 1e-300))
    step = np.clip(point + step, low, high) - point
    # A step that a bound cuts short may point downhill; one along each axis never does.
    downhill = (g * step).sum(axis=0) <= 0
    axes = np.clip(point + np.clip(g / (size * (1 + damping)), -LONGEST, LONGEST), low, high)
    step = np.where(downhill, axes - point, step)
    gain = (g * step).sum(axis=0) - 0.5 * np.einsum("im,ijm,jm->m", step, info, step)
    return step, np.maximum(gain, 0.1 * (g * step).sum(axis=0))


def _errors(information: Floats) -> Floats:
    """Standard errors (k, m) from information (k, k, m), nan where it is not positive definite."""
    stacked = np.moveaxis(information, -1, 0)
    values, vectors = np.linalg.eigh(stacked)
    values = np.where(values > 1e-12 * values[:, -1:], values, np.nan)
    variance = np.einsum("mik,mk->im", vectors**2, 1 / values)
    return np.sqrt(variance)
