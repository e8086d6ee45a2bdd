"""Vector approximate message passing; each feature learns a spike-and-exponential prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from neglog.validation.debiased.linear import Floats, Linear

ROOT_TWO_PI = np.sqrt(2 * np.pi)


@dataclass(frozen=True)
class Settings:
    """How long to pass messages: ``rounds`` of ``steps`` each, the dictionary moved in between."""

    rounds: int = 3
    steps: int = 6
    damping: float = 0.8  # share of the new message
    learn_dictionary: bool = True


@dataclass
class Prior:
    """(1 − rate)δ₀ + rate·Exponential(1/mean), one for each feature."""

    rate: Floats  # (features,)
    mean: Floats  # (features,)


def message_passing(
    model: Linear, z: Floats, tau: Floats, settings: Settings
) -> tuple[Floats, Floats]:
    """Observations z = a + N(0, τ²) of all tokens, in units of unit-norm rows, and τ.

    Rangan, Schniter and Fletcher (2019), algorithm 1, with precisions of each token's own.
    """
    u = model.u.astype(np.float64)
    dictionary: Floats = model.dictionary.astype(np.float64)
    r: Floats = z.astype(np.float64)
    precision: Floats = 1 / np.maximum(tau.astype(np.float64), 1e-6) ** 2
    noise: Floats = np.full(len(u), (tau**2).mean() / 2)
    prior = _first_prior(r, tau)
    offset: Floats = np.zeros(u.shape[1])
    for number in range(settings.rounds):
        factors = np.linalg.svd(dictionary.T, full_matrices=False)
        for _ in range(settings.steps):
            mean, variance, prior = denoise(r, 1 / np.sqrt(precision), prior)
            spread = np.clip(precision * variance.mean(axis=1), 1e-6, 1 - 1e-6)
            eta = precision / spread
            extrinsic = eta - precision
            back = (eta[:, None] * mean - precision[:, None] * r) / extrinsic[:, None]
            new, new_precision, noise = _least_squares(u - offset, factors, back, extrinsic, noise)
            share = settings.damping
            r = share * new + (1 - share) * r
            precision = 1 / (share / np.sqrt(new_precision) + (1 - share) / np.sqrt(precision)) ** 2
        if settings.learn_dictionary and number + 1 < settings.rounds:
            mean, variance, prior = denoise(r, 1 / np.sqrt(precision), prior)
            offset = offset + (u - offset - mean @ dictionary).mean(axis=0)
            dictionary, length = _better_dictionary(u - offset, dictionary, mean, variance)
            r, prior.mean = r * length, prior.mean * length
    return r, 1 / np.sqrt(precision)


def _first_prior(z: Floats, tau: Floats) -> Prior:
    """Rates and means of what lies above 3τ, each extrapolated to 0 by an exponential."""
    above = z > 3 * tau[:, None]
    count = above.sum(axis=0)
    excess = np.where(above, z - 3 * tau[:, None], 0.0).sum(axis=0) / np.maximum(count, 1)
    mean = np.maximum(excess, 1e-3 * tau.mean())
    rate = count / len(z) * np.exp(np.minimum(3 * tau.mean() / mean, 3.0))
    return Prior(np.clip(rate, 1e-5, 0.5), mean)


def denoise(r: Floats, tau: Floats, prior: Prior) -> tuple[Floats, Floats, Prior]:
    """Posterior means and variances of a given r = a + N(0, τ²), and the prior's next EM estimate.

    Where r < τ the posterior is taken to be the spike: a denoiser may be any function whose
    divergence is known, and five sixths of the entries are there.
    """
    token, feature = np.nonzero(r > tau[:, None])
    at, sd = r[token, feature], tau[token]
    slope, rate = 1 / prior.mean[feature], prior.rate[feature]
    centre = at / sd - slope * sd
    log_tail = special.log_ndtr(centre)
    slab = np.log(slope) + 0.5 * (slope * sd) ** 2 - slope * at + log_tail
    spike = -0.5 * (at / sd) ** 2 - np.log(sd * ROOT_TWO_PI)
    weight = special.expit(np.log(rate / (1 - rate)) + slab - spike)
    ratio = np.exp(-0.5 * centre**2 - log_tail) / ROOT_TWO_PI
    inside = sd * (centre + ratio)
    second = sd**2 * np.maximum(1 - ratio * (centre + ratio), 1e-12) + inside**2
    mean, variance = np.zeros_like(r), np.zeros_like(r)
    mean[token, feature] = weight * inside
    variance[token, feature] = weight * second - (weight * inside) ** 2
    active = np.bincount(feature, weight, minlength=r.shape[1])
    size = np.bincount(feature, weight * inside, minlength=r.shape[1])
    new = Prior(
        np.clip(active / len(r), 1e-6, 0.9),
        np.where(active > 1, size / np.maximum(active, 1), prior.mean),
    )
    return mean, variance, new


def _least_squares(
    u: Floats,
    factors: tuple[Floats, Floats, Floats],
    back: Floats,
    precision: Floats,
    noise: Floats,
) -> tuple[Floats, Floats, Floats]:
    """The linear half of the iteration: its message, precision, and each token's noise."""
    left, singular, right = factors
    features, d = right.shape[1], u.shape[1]
    strength = singular**2 / noise[:, None]  # (tokens, rank)
    whole = strength + precision[:, None]
    miss = u @ left - (back @ right.T) * singular
    step = miss * (singular / noise[:, None] / whole)
    solved = back + step @ right
    rank = len(singular)
    variance = ((1 / whole).sum(axis=1) + (features - rank) / precision) / features
    eta = 1 / variance
    new_precision = np.maximum(eta - precision, 1e-9)
    message = (eta[:, None] * solved - precision[:, None] * back) / new_precision[:, None]
    outside = (u**2).sum(axis=1) - ((u @ left) ** 2).sum(axis=1)
    residual = ((miss - step * singular) ** 2).sum(axis=1) + np.maximum(outside, 0.0)
    explained = (singular**2 / whole).sum(axis=1)
    return message, new_precision, np.maximum((residual + explained) / d, 1e-12)


def _better_dictionary(
    u: Floats, dictionary: Floats, mean: Floats, variance: Floats
) -> tuple[Floats, Floats]:
    """The dictionary of largest likelihood given the codes' posterior, unit rows, and the norms."""
    gram = mean.T @ mean
    gram[np.diag_indices_from(gram)] += variance.sum(axis=0)
    alive = np.diag(gram) > 1e-9 * np.diag(gram).max()
    new = dictionary.copy()
    rest = u - mean[:, ~alive] @ dictionary[~alive]
    new[alive] = np.linalg.solve(gram[np.ix_(alive, alive)], mean[:, alive].T @ rest)
    length = np.linalg.norm(new, axis=1)
    length = np.where(length > 0, length, 1.0)
    return new / length[:, None], length
