"""Fits as a pandas table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from numpy.typing import NDArray

from neglog.validation.families import Family
from neglog.validation.mle import Optimum
from neglog.validation.segments import Floats
from neglog.validation.sketches.sketch import Sketch

if TYPE_CHECKING:
    import pandas as pd

    from neglog.validation.fitting import Sort

TIE = 1e-6  # nat per sample below which two families describe a feature equally well


@dataclass(frozen=True)
class Found:
    """One family's fits to one chunk of features, in the unit of the codes."""

    optimum: Optimum
    ends: Floats | None = None  # (2, params, m) of intervals
    binning: Floats | None = None  # (m,)


def assemble(sort: "Sort", rows: list[Family], found: list[list[Found]]) -> "pd.DataFrame":
    """The table that ``fit`` returns."""
    import pandas as pd

    codes = sort.codes
    features, count = codes.features, len(rows)
    where = np.concatenate(sort.fitted) if sort.fitted else np.empty(0, np.int64)
    names = list(dict.fromkeys(name for row in rows for name in row.params))
    with_ends = any(fit.ends is not None for fits in found for fit in fits)
    kinds = ("", "se_", "low_", "high_") if with_ends else ("", "se_")
    values = {f"{k}{name}": np.full((features, count), np.nan) for k in kinds for name in names}
    loglik, binning = (np.full((features, count), np.nan) for _ in range(2))
    flags = np.array([["; ".join(f)] * count for f in sort.flags], dtype=object)
    for place, (row, fits) in enumerate(zip(rows, found, strict=True)):
        if not fits:
            continue
        optima = [fit.optimum for fit in fits]
        loglik[where, place] = np.concatenate([o.loglik for o in optima])
        params = np.concatenate([o.params for o in optima], axis=1)
        se = np.concatenate([o.se for o in optima], axis=1)
        _blank_irregular(row, params, se)
        columns = [params, se]
        if with_ends:
            columns += list(np.concatenate([f.ends for f in fits if f.ends is not None], axis=2))
        for kind, column in zip(kinds, columns, strict=True):
            for name, numbers in zip(row.params, column, strict=True):
                values[f"{kind}{name}"][where, place] = numbers
        if all(fit.binning is not None for fit in fits):
            parts = [fit.binning for fit in fits if fit.binning is not None]
            binning[where, place] = np.concatenate(parts)
        _note(flags, place, where, [flag for o in optima for flag in o.flags], se, row)
    bad = ~np.isfinite(loglik[where])
    for line, place in zip(*np.nonzero(bad), strict=True):
        flags[where[line], place] = "no-fit"
    loglik[~np.isfinite(loglik)] = np.nan
    k = np.array([len(row.params) for row in rows])
    n = np.where(np.isnan(sort.used), codes.nonzero, sort.used)
    aic = 2 * k - 2 * loglik
    bic = k * np.log(np.maximum(n, 1))[:, None] - 2 * loglik
    table = pd.DataFrame(
        {
            "feature": np.repeat(np.arange(features), count),
            "family": pd.Categorical.from_codes(
                np.tile(np.arange(count), features), [row.name for row in rows]
            ),
            "nonzero": np.repeat(codes.nonzero, count),
            "zero_fraction": np.repeat(codes.zero_fraction, count),
            "loglik": loglik.ravel(),
            "aic": aic.ravel(),
            "bic": bic.ravel(),
            "best": best_of(aic, n).ravel(),
            "best_bic": best_of(bic, n).ravel(),
            "flags": flags.ravel(),
        }
        | {name: value.ravel() for name, value in values.items()}
        | {name: np.repeat(value, count) for name, value in _portion(sort).items()}
        | ({"binning": binning.ravel()} if isinstance(codes, Sketch) else {})
    )
    table.attrs["tokens"] = codes.tokens
    table.attrs["source"] = "sketch" if isinstance(codes, Sketch) else "codes"
    table.attrs["params"] = {row.name: list(row.params) for row in rows}
    return table


def _portion(sort: "Sort") -> dict[str, Floats]:
    """Columns that say which part of the values was fitted, where it was not the whole."""
    part = sort.part
    if part.whole:
        return {}
    columns = {"used": sort.used}
    if part.offset is not None:
        columns["offset"] = part.offset
    if part.cut is not None:
        columns["truncation"] = part.cut
    return columns


def _blank_irregular(row: Family, params: Floats, se: Floats) -> None:
    """Standard errors become nan where the family's regularity condition fails."""
    if row.regular == sympy.true:
        return
    regular = sympy.lambdify(list(row.params.values()), row.regular, "numpy")(*params)
    se[:, ~regular] = np.nan


def _note(
    flags: NDArray[Any],
    place: int,
    where: NDArray[np.int64],
    found: list[tuple[str, ...]],
    se: Floats,
    row: Family,
) -> None:
    silent = np.any(np.isnan(se), axis=0)
    for line, own in enumerate(found):
        if not own and silent[line] and row.regular != sympy.true:
            own = ("irregular",)
        if own:
            feature = where[line]
            flags[feature, place] = "; ".join(filter(None, [flags[feature, place], *own]))


def best_of(criterion: Floats, n: NDArray[Any]) -> NDArray[np.bool_]:
    """Per feature, the first family within ``2·TIE·n`` of the lowest criterion."""
    finite = np.where(np.isfinite(criterion), criterion, np.inf)
    lowest = finite.min(axis=1, keepdims=True)
    near = np.isfinite(finite) & (finite <= lowest + 2 * TIE * n[:, None])
    first = np.zeros_like(near)
    first[np.arange(len(near)), near.argmax(axis=1)] = near.any(axis=1)
    return first
