"""Fit families to debiased codes: convolved with the noise, truncated, with an atom at zero."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.validation.debiased.debiasing import Debiased
from neglog.validation.debiased.likelihood import Problem, Slab, problem, slab
from neglog.validation.debiased.linear import Floats
from neglog.validation.debiased.observations import Observations, observe
from neglog.validation.debiased.scoring import Found, maximise
from neglog.validation.families import Family
from neglog.validation.fitting import resolve

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 128  # features fitted together
ABOVE = 4.0
TIE = 0.01  # nat below which two families describe a feature equally well


def fit_debiased(
    codes: Debiased | Observations | Iterable[Debiased],
    families: Sequence[str | Penalty | Family] | None = None,
    *,
    above: float = ABOVE,
    min_above: int = 50,
) -> pd.DataFrame:
    """Maximum-likelihood fits of z = a + N(0, τ²), a ~ (1 − π)δ₀ + π·family: a row for each.

    Observations up to above·τ are counted, not weighed: there noise is nearly all, and the least
    misfit of its law would swamp the slab. Above, the density is the slab convolved with the noise
    plus the tail of the spike's, whose size the counted ones fix. The likelihood is that of binned
    data (a quarter of τ wide near 0, 12% far out), each bin's probability by quadrature in float64.

    codes: what ``debias`` returns, blocks of it (``debias_blocks``), or an ``Observations`` record.
    families: as for ``fit``. min_above: features with fewer observations above are not fitted.

    Columns as those of ``fit``, with ``nonzero`` the observations above, ``zero_fraction`` = 1 − π
    estimated, ``loglik`` that of the binned data (only differences between families of one feature
    mean anything), and BIC with the logarithm of ``nonzero``.

    Raises:
        InputError: no codes, unknown families, a truncation outside (0, 10).
    """
    rows = resolve(families)
    if min_above < 3:
        raise InputError(f"min_above is {min_above}; a fit needs at least 3 observations.")
    record = codes if isinstance(codes, Observations) else observe(codes, above)
    exceed = sum((c[:, 1:].sum(axis=1) for c in record.counts.values()), np.zeros(record.features))
    where = np.flatnonzero(exceed >= min_above)
    found: list[list[Found]] = [[] for _ in rows]
    units: list[Floats] = []
    slabs = [slab(row) for row in rows]
    for start in range(0, len(where), CHUNK):
        data: Problem = problem(record, where[start : start + CHUNK])
        units.append(data.unit)
        for of, list_ in zip(slabs, found, strict=True):
            list_.append(maximise(of, data if of.family.scaled else data.original()))
    unit = np.concatenate(units) if units else np.empty(0)
    return _table(record, slabs, where, exceed.astype(int), found, unit)


def _table(
    record: Observations,
    slabs: list[Slab],
    where: Any,
    exceed: Any,
    found: list[list[Found]],
    unit: Floats,
) -> pd.DataFrame:
    import pandas as pd

    features, count = record.features, len(slabs)
    names = list(dict.fromkeys(name for s in slabs for name in s.family.params))
    columns = {f"{kind}{name}": np.full((features, count), np.nan)
               for kind in ("", "se_") for name in names}  # fmt: skip
    loglik, zero = np.full((features, count), np.nan), np.full((features, count), np.nan)
    few = np.where(exceed == 0, "never-active", "few-nonzero").astype(object)
    flags = np.repeat(few[:, None], count, axis=1)
    for place, (of, parts) in enumerate(zip(slabs, found, strict=True)):
        if not parts:
            continue
        whole = _joined(parts)
        loglik[where, place] = whole.loglik
        zero[where, place] = 1 / (1 + np.exp(whole.odds))
        flags[where, place] = _flags(whole)
        values = of.params(whole.v)
        for number, name in enumerate(of.family.params):
            step = values[number] + (1.0 if of.signed[number] else 0.0)  # dθ/dv
            scale = unit if name == "scale" and of.family.scaled else 1.0
            columns[name][where, place] = values[number] * scale
            columns[f"se_{name}"][where, place] = whole.se[number] * step * scale
    k = np.array([len(s.family.params) for s in slabs])
    aic = 2 * k - 2 * loglik
    bic = k * np.log(np.maximum(exceed, 1))[:, None] - 2 * loglik
    table = pd.DataFrame(
        {
            "feature": np.repeat(np.arange(features), count),
            "family": pd.Categorical.from_codes(
                np.tile(np.arange(count), features), [s.family.name for s in slabs]
            ),
            "nonzero": np.repeat(exceed, count),
            "zero_fraction": zero.ravel(),
            "loglik": loglik.ravel(),
            "aic": aic.ravel(),
            "bic": bic.ravel(),
            "best": _best(aic).ravel(),
            "best_bic": _best(bic).ravel(),
            "flags": flags.ravel(),
        }
        | {name: value.ravel() for name, value in columns.items()}
    )
    table.attrs["tokens"] = record.tokens
    table.attrs["params"] = {s.family.name: list(s.family.params) for s in slabs}
    return table


def _joined(parts: list[Found]) -> Found:
    names = Found.__dataclass_fields__
    return Found(*(np.concatenate([getattr(p, n) for p in parts], axis=-1) for n in names))


def _flags(whole: Found) -> list[str]:
    return [
        "; ".join(name for name, on in (("boundary", edge), ("not-converged", stuck)) if on)
        for edge, stuck in zip(whole.boundary, whole.stuck, strict=True)
    ]


def _best(criterion: Floats) -> Floats:
    """Per feature, the first family within 2·TIE of the lowest criterion."""
    finite = np.where(np.isfinite(criterion), criterion, np.inf)
    lowest = finite.min(axis=1, keepdims=True)
    near = np.isfinite(finite) & (finite <= lowest + 2 * TIE)
    first = np.zeros_like(near)
    first[np.arange(len(near)), near.argmax(axis=1)] = near.any(axis=1)
    return first
