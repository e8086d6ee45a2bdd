"""The tail index: a generalised Pareto law over rising thresholds, Hill's estimate beside it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from neglog.priors.errors import InputError
from neglog.validation.families import FAMILIES
from neglog.validation.fitting import own_unit
from neglog.validation.intervals import profile_intervals
from neglog.validation.mle import maximise
from neglog.validation.portion import Portion, Source, samples
from neglog.validation.segments import Floats
from neglog.validation.sketches.bins import left
from neglog.validation.sketches.building import read_source
from neglog.validation.sketches.sketch import Sketch

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 512  # features together
SHARES = (0.5, 0.25, 0.1, 0.05, 0.02, 0.01)


def tail(
    codes: Any,
    shares: Sequence[float] = SHARES,
    *,
    level: float = 0.95,
    min_exceedances: int = 30,
    features: Sequence[int] | None = None,
) -> "pd.DataFrame":
    """The tail index ξ of each feature from its largest values, over several thresholds.

    Exceedances a − u of a high threshold u follow a generalised Pareto law of shape ξ: ξ > 0 a
    power tail P(A > a) ~ a^(−1/ξ), ξ = 0 an exponential or lighter one, ξ < 0 an end at a finite
    value. One threshold proves little: ξ should settle as the share of values above falls. Hill's
    estimate, the mean of log(a/u), is always positive and says ξ for power tails only: it is there
    to compare. Sources: J. Pickands, Statistical inference using extreme order statistics, 1975; S.
    Coles, An introduction to statistical modeling of extreme values, 2001.

    shares: fractions of the non-zero values above the threshold. A sketch's thresholds are edges
    of bins, so that the share is at most the one asked for.

    Columns: feature, share, threshold, exceedances, xi, se, low, high (profile likelihood at
    ``level``), tail ("power" where low > 0, "bounded" where high < 0, else "undecided"), hill,
    hill_low, hill_high (normal), flags. Fewer exceedances than ``min_exceedances``: flagged
    ``few-nonzero``, nan.

    Raises InputError for codes that cannot be read, shares outside (0, 1), min_exceedances < 10.
    """
    import pandas as pd

    source = read_source(codes)
    if not shares or not all(0 < share < 1 for share in shares):
        raise InputError("shares must lie between 0 and 1, such as 0.1 for the largest tenth.")
    if min_exceedances < 10:
        raise InputError(f"min_exceedances is {min_exceedances}; it must be at least 10.")
    if not 0 < level < 1:
        raise InputError(f"level is {level}; it lies between 0 and 1, such as 0.95.")
    chosen = np.arange(source.features) if features is None else np.asarray(features)
    if len(chosen) and not (chosen.min() >= 0 and chosen.max() < source.features):
        raise InputError(f"features must lie between 0 and {source.features - 1}.")
    parts = [
        _over(source, chosen[start : start + CHUNK], share, level, min_exceedances)
        for start in range(0, len(chosen), CHUNK)
        for share in shares
    ]
    table = pd.concat(parts).sort_values("feature", kind="stable", ignore_index=True)
    table.attrs["source"] = "sketch" if isinstance(source, Sketch) else "codes"
    return table


def _over(
    source: Source, features: NDArray[np.int64], share: float, level: float, least: int
) -> "pd.DataFrame":
    import pandas as pd

    cuts = thresholds(source, features, share)
    whole = np.zeros(source.features)
    whole[features] = cuts
    chunk, keep = samples(source, features, Portion(offset=whole, cut=whole), least)
    columns = {
        name: np.full(len(features), np.nan)
        for name in ("exceedances", "xi", "se", "low", "high", "hill", "hill_low", "hill_high")
    }
    flags = np.where(keep, "", "few-nonzero").astype(object)
    if chunk is not None:
        chunk = replace(chunk, cut=None)  # beyond the threshold the law is a Pareto law, whole
        varies = chunk.distinct > 1
        flags[np.flatnonzero(keep)[~varies]] = "constant"
        keep[keep] = varies
        chunk = chunk if varies.all() else chunk.take(varies)
    if chunk is not None and keep.any():
        row = FAMILIES["generalised-pareto"]
        optimum = maximise(row.profile, own_unit(row, chunk))
        ends = profile_intervals(row, chunk, optimum, level, only=("c",))
        a = chunk.a + chunk.spread(cuts[keep] / chunk.unit)
        hill = chunk.sum(np.log(a / chunk.spread(cuts[keep] / chunk.unit))) / chunk.n
        half = stats.norm.ppf((1 + level) / 2) * hill / np.sqrt(chunk.n)
        found = (chunk.n, optimum.params[0], optimum.se[0], *ends[:, 0], hill, hill - half,
                 hill + half)  # fmt: skip
        for name, values in zip(columns, found, strict=True):
            columns[name][keep] = values
        flags[keep] = ["; ".join(own) for own in optimum.flags]
    verdict = np.where(
        columns["low"] > 0, "power", np.where(columns["high"] < 0, "bounded", "undecided")
    ).astype(object)
    verdict[np.isnan(columns["low"]) & np.isnan(columns["high"])] = None
    return pd.DataFrame(
        {"feature": features, "share": share, "threshold": np.where(cuts > 0, cuts, np.nan)}
        | {k: columns[k] for k in ("exceedances", "xi", "se", "low", "high")}
        | {"tail": verdict}
        | {k: columns[k] for k in ("hill", "hill_low", "hill_high")}
        | {"flags": flags}
    )


def thresholds(source: Source, features: NDArray[np.int64], share: float) -> Floats:
    """For each feature a value that at most a share of its values exceed; ∞ where it has none."""
    out = np.full(len(features), np.finfo(np.float32).max, dtype=np.float64)
    for place, feature in enumerate(features):
        n = int(source.nonzero[feature])
        above = int(share * n)
        if n == 0 or above == 0:
            continue
        if isinstance(source, Sketch):
            entries = slice(source.indptr[feature], source.indptr[feature + 1])
            over = np.cumsum(source.counts[entries][::-1])[::-1]  # at or above each bin's edge
            where = int(np.argmax(over <= above)) if (over <= above).any() else len(over)
            if where < len(over):
                out[place] = left(source.bins[entries][where : where + 1])[0]
        else:
            column = source.column(feature)
            out[place] = np.partition(column, n - above - 1)[n - above - 1]
    return out
