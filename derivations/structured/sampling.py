"""Draws from structured priors: exact, but for supports of many coupled features (Gibbs)."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.derivations.structured.facts import ENUMERABLE, support_law
from neglog.priors.errors import InputError
from neglog.priors.structured import (
    ExclusiveGroups,
    FixedSupport,
    GroupNorm,
    OneActive,
    PairwiseSupport,
    SharedThreshold,
)
from neglog.priors.structured.base import Structured

Floats = NDArray[np.float64]
SWEEPS = 200  # Gibbs sweeps of every code's own chain


def draw(
    penalty: Structured, size: int, rng: np.random.Generator, lam: float, zeros: bool
) -> Floats:
    """``size`` codes [size, d] at strength λ.

    Raises:
        InputError: no draws asked for, or a mixture over supports at λ ≠ 1.
    """
    if size < 1:
        raise InputError(f"size is {size}; at least one code is drawn.")
    if isinstance(penalty, GroupNorm | ExclusiveGroups):
        found = _sizes(penalty, size, rng, lam)
    elif lam != 1:
        raise InputError(f"{penalty} is a mixture at lam = 1, and sampled there only.")
    else:
        found = _mixture(penalty, supports(penalty, size, rng), rng, zeros)
    return found * rng.choice([-1.0, 1.0], found.shape) if penalty.domain == "real" else found


def _sizes(
    penalty: GroupNorm | ExclusiveGroups, size: int, rng: np.random.Generator, lam: float
) -> Floats:
    """A total for each group, spread over its features."""
    out = np.empty((size, penalty.features))
    labels = penalty.groups.array
    for g, n in enumerate(penalty.groups.sizes):
        if isinstance(penalty, GroupNorm):  # r ~ Gamma(n)/λ, uniform on the sphere's orthant
            direction = np.abs(rng.standard_normal((size, n)))
            direction /= np.sqrt((direction**2).sum(1, keepdims=True))
            total = rng.standard_gamma(n, (size, 1)) / lam
        else:  # λs² ~ Gamma(n/2), uniform on the simplex
            direction = rng.standard_exponential((size, n))
            direction /= direction.sum(1, keepdims=True)
            total = np.sqrt(rng.standard_gamma(n / 2, (size, 1)) / lam)
        out[:, labels == g] = total * direction
    return out


def _mixture(
    penalty: Any, active: NDArray[np.bool_], rng: np.random.Generator, zeros: bool
) -> Floats:
    slab = penalty.slab * rng.standard_exponential(active.shape)
    spike = getattr(penalty, "spike", 0.0)
    low = np.zeros(()) if zeros else spike * rng.standard_exponential(active.shape)
    return np.where(active, slab, low)


@singledispatch
def supports(penalty: Structured, size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which features are active in each of ``size`` codes: [size, d].

    Raises:
        InputError: a penalty without supports.
    """
    raise InputError(f"{penalty} has no law of supports.")


@supports.register
def _one_active(penalty: OneActive, size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    weights = np.concatenate([penalty.weights, [1 - penalty.active]])
    chosen = rng.choice(len(weights), size=size, p=weights / weights.sum())
    return penalty.groups.array[None, :] == chosen[:, None]


@supports.register
def _pairwise(penalty: PairwiseSupport, size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    if penalty.features <= ENUMERABLE:
        z, p = support_law(penalty)
        return z[rng.choice(len(z), size=size, p=p)].astype(bool)
    return gibbs(penalty, size, SWEEPS, rng)


def gibbs(
    penalty: PairwiseSupport, size: int, sweeps: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """``size`` independent chains of ``sweeps`` Gibbs sweeps from independent supports."""
    d = penalty.features
    logit = np.log(penalty.rates / (1 - penalty.rates))
    neighbours: list[list[tuple[int, float]]] = [[] for _ in range(d)]
    for i, j, c in zip(penalty.rows, penalty.columns, penalty.couplings, strict=True):
        neighbours[i].append((int(j), float(c)))
        neighbours[j].append((int(i), float(c)))
    z = rng.random((size, d)) < penalty.rates
    coupled = [i for i in range(d) if neighbours[i]]
    for _ in range(sweeps):
        for i in coupled:
            field = sum((c * z[:, j] for j, c in neighbours[i]), np.zeros(size))
            z[:, i] = rng.random(size) < 1 / (1 + np.exp(field - logit[i]))
    return z


@supports.register
def _fixed(penalty: FixedSupport, size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    ranks = rng.random((size, penalty.features)).argsort(axis=1).argsort(axis=1)
    return ranks < penalty.k


@supports.register
def _shared(penalty: SharedThreshold, size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    batch, d = penalty.batch, penalty.features
    parts = []
    for _ in range(-(-size // batch)):
        flat = np.zeros(batch * d, dtype=bool)
        flat[rng.choice(batch * d, penalty.k * batch, replace=False)] = True
        parts.append(flat.reshape(batch, d))
    return np.concatenate(parts)[:size]
