"""Inputs made from a known dictionary and codes of known laws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.validation.debiased.linear import Floats
from neglog.validation.planted.laws import LAWS, draw

GROUP = 4  # features that exclude each other or fire together
SUPPORTS = ("independent", "exclusive", "coactivating")


@dataclass(frozen=True)
class Design:
    """What is planted.

    Rates differ between features by a factor of up to two about ``l0``/``features``. ``support``:
    ``independent``; ``exclusive``: of four features at most one; ``coactivating``: four features
    fire with probability ½ each while their group is on. ``coherence``: mean cosine of the
    directions of a group. ``noise`` is that of each coordinate; directions have unit norm.
    """

    laws: tuple[str, ...] = tuple(name for name in LAWS if name != "half-cauchy")
    features: int = 128
    dimension: int = 96
    tokens: int = 40_000
    l0: float = 4.0
    noise: float = 0.05
    support: str = "independent"
    coherence: float = 0.0

    def __post_init__(self) -> None:
        if self.support not in SUPPORTS:
            raise InputError(f"support is {self.support!r}; choose one of {', '.join(SUPPORTS)}.")
        if not self.laws or not set(self.laws) <= set(LAWS):
            raise InputError(f"laws must be among {', '.join(LAWS)}.")
        if not 0 < self.l0 < self.features / 4 or self.noise < 0 or not 0 <= self.coherence < 1:
            raise InputError("l0 must lie in (0, features/4), noise ≥ 0 and coherence in [0, 1).")
        if self.features % GROUP:
            raise InputError(f"features must be a multiple of {GROUP}, not {self.features}.")


@dataclass(frozen=True)
class Planted:
    """Inputs x = codes·dictionary + noise, and what they were made of."""

    design: Design
    x: Floats  # (tokens, d)
    dictionary: Floats  # (features, d), unit rows
    codes: Floats  # (tokens, features)
    law: tuple[str, ...]  # (features,)


def plant(design: Design, seed: int = 0) -> Planted:
    """Draw a dictionary, codes and inputs.

    Each group of four features has one law, so that joint supports never mix laws.
    """
    rng = np.random.default_rng(seed)
    shape = (design.features, design.dimension)
    directions = rng.standard_normal(shape)
    shared = np.repeat(rng.standard_normal((shape[0] // GROUP, shape[1])), GROUP, axis=0)
    rho = design.coherence
    directions = np.sqrt(1 - rho) * directions + np.sqrt(rho) * shared
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    groups = shape[0] // GROUP
    law = tuple(np.repeat([design.laws[g % len(design.laws)] for g in range(groups)], GROUP))
    codes = np.zeros((design.tokens, design.features), dtype=np.float32)
    on = support(design, rng)
    for feature, name in enumerate(law):
        rows = np.flatnonzero(on[:, feature])
        codes[rows, feature] = draw(name, len(rows), rng)
    x = codes @ directions.astype(np.float32)
    x += design.noise * rng.standard_normal(x.shape, dtype=np.float32)
    return Planted(design, x, directions.astype(np.float32), codes, law)


def support(design: Design, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which features are active on which tokens, (tokens, features)."""
    tokens, features = design.tokens, design.features
    spread = np.exp(rng.uniform(-np.log(2) / 2, np.log(2) / 2, features // GROUP))
    rate = np.repeat(spread / spread.mean(), GROUP) * design.l0 / features
    if design.support == "independent":
        return rng.random((tokens, features)) < rate
    group = rate[::GROUP]
    if design.support == "exclusive":
        on = rng.random((tokens, features // GROUP)) < GROUP * group
        which = rng.integers(GROUP, size=on.shape)
        return (on[:, :, None] & (which[:, :, None] == np.arange(GROUP))).reshape(tokens, features)
    on = np.repeat(rng.random((tokens, features // GROUP)) < 2 * group, GROUP, axis=1)
    return on & (rng.random((tokens, features)) < 0.5)
