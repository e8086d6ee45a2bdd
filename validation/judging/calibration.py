"""Goodness of fit with honest p-values: a parametric bootstrap that refits every replicate.

Tables of EDF statistics assume that the law was known beforehand; it was fitted, which makes it
look closer than it is. So the statistic's distribution is found by drawing from the fitted law,
fitting each draw again, and measuring the distance to that fit. Source: W. Stute, W. Manteiga, M.
Quindimil, Bootstrap based goodness-of-fit-tests, 1993.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from neglog.priors.errors import InputError
from neglog.sae.progress import progress_bar
from neglog.validation.families import Family
from neglog.validation.fitting import FamilyLike, Sort, fit, fit_one, resolve
from neglog.validation.judging import edf, grouped
from neglog.validation.judging.adjusting import q_values
from neglog.validation.judging.sequences import one_each, sequence_numbers
from neglog.validation.laws import Law, law_of
from neglog.validation.segments import Floats, Segments, in_own_units
from neglog.validation.sketches.building import read_source
from neglog.validation.sketches.sketch import Sketch

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 1 << 17  # values simulated and fitted together


def goodness(
    codes: Any,
    families: Sequence[FamilyLike] | None = None,
    *,
    best_only: bool | None = None,
    statistic: str = "anderson-darling",
    replicates: int = 199,
    sequence: ArrayLike | None = None,
    min_nonzero: int = 50,
    seed: int = 0,
    progress: bool = False,
) -> "pd.DataFrame":
    """Could the non-zero values have come from the fitted law? One row a feature and family.

    codes: anything ``fit`` takes; from a sketch, values are compared at the edges of bins and
    replicates are multinomial counts, at a cost that does not grow with the number of values.
    families: as for ``fit``. best_only: test for each feature only the family with the lowest AIC
    (its p-value knows nothing of the choice, and is a little too large); default: only where no
    families are named. statistic: one of ``STATISTICS``. sequence: the sequence each token belongs
    to, (tokens,): one value of each feature and sequence, drawn at random, is tested, as dependent
    values would be rejected too often.

    Columns: feature, family, nonzero (values tested), statistic, q (Benjamini–Hochberg over the
    rows), flags, and p = (1 + #{replicates ≥ observed})/(1 + replicates). Features that are not
    fitted, or whose values are tied (no continuous law can have drawn them), have nan and a flag.

    Raises InputError as ``fit`` does, for an unknown statistic, and for replicates < 19.
    """
    edf.require_statistic(statistic)
    if replicates < 19:
        raise InputError(f"replicates is {replicates}; 5% needs at least 19.")
    source, rows = read_source(codes), resolve(families)
    best_only = families is None if best_only is None else best_only
    rng = np.random.default_rng(seed)
    if sequence is not None:
        numbers = sequence_numbers(source, sequence)
        assert not isinstance(source, Sketch)  # which sequence_numbers refuses
        source = one_each(source, numbers, rng)
    best = _best(source, rows, min_nonzero) if best_only else None
    sort = Sort(source, min_nonzero)
    shape = (source.features, len(rows))
    observed, p = np.full(shape, np.nan), np.full(shape, np.nan)
    with progress_bar("bootstrap", int((source.nonzero >= min_nonzero).sum()), progress) as advance:
        for chunk in sort.chunks():
            features = sort.fitted[-1]
            fair = np.array(["tied" not in sort.flags[f] for f in features])
            for place, row in enumerate(rows):
                mine = fair if best is None else fair & (best[features] == place)
                if not mine.any():
                    continue
                chosen = features[mine]
                test = _grouped if isinstance(source, Sketch) else _raw
                observed[chosen, place], p[chosen, place] = test(
                    row, chunk.take(mine), source, chosen, statistic, replicates, rng
                )
            advance(len(features), "")
    return _table(source, rows, sort, best, observed, p)


def _best(source: Any, rows: list[Family], min_nonzero: int) -> NDArray[np.int64]:
    table = fit(source, rows, min_nonzero)
    best = table["best"].to_numpy().reshape(source.features, len(rows))
    return np.where(best.any(axis=1), best.argmax(axis=1), -1)


def _raw(
    row: Family,
    chunk: Segments,
    source: Any,
    features: NDArray[np.int64],
    statistic: str,
    replicates: int,
    rng: Generator,
) -> tuple[Floats, Floats]:
    """Statistics and p-values of features whose values are all there."""
    law, params = law_of(row), fit_one(row, chunk).params
    observed = _distance(statistic, law, row, params, chunk)
    beyond, valid = np.zeros(len(features)), np.zeros(len(features))
    for part, times in _shares(chunk.size, replicates):
        found = _replicated(row, law, params[:, part], chunk.size[part], times, statistic, rng)
        beyond[part] += (found >= observed[part, None]).sum(axis=1)
        valid[part] += np.isfinite(found).sum(axis=1)
    return observed, _p_values(observed, beyond, valid)


def _p_values(observed: Floats, beyond: Floats, valid: Floats) -> Floats:
    return np.where(np.isfinite(observed) & (valid > 0), (1 + beyond) / (1 + valid), np.nan)


def _shares(size: NDArray[np.int64], replicates: int) -> list[tuple[slice, int]]:
    """Features and numbers of replicates to be simulated together, about ``DRAWS`` values each."""
    shares, start = [], 0
    while start < len(size):
        stop = start + 1
        while stop < len(size) and replicates * size[start : stop + 1].sum() <= DRAWS:
            stop += 1
        left, most = replicates, max(1, int(DRAWS // size[start:stop].sum()))
        while left:
            shares.append((slice(start, stop), min(left, most)))
            left -= min(left, most)
        start = stop
    return shares


def _replicated(
    row: Family,
    law: Law,
    params: Floats,
    size: NDArray[np.int64],
    times: int,
    statistic: str,
    rng: Generator,
) -> Floats:
    """The statistic of refitted draws, (features, times)."""
    sizes = np.repeat(size, times)
    wide = np.repeat(np.repeat(params, times, axis=1), sizes, axis=1)
    a = law.draw(rng, int(sizes.sum()), **dict(zip(row.params, wide, strict=True)))
    a = np.clip(a, np.finfo(np.float64).tiny, np.finfo(np.float64).max)
    start = 0
    for n in size:  # the replicates of a feature are rows of a matrix: sorted in one call
        a[start : start + n * times].reshape(times, n).sort(axis=1)
        start += n * times
    chunk = in_own_units(a, sizes)
    found = _distance(statistic, law, row, fit_one(row, chunk).params, chunk)
    return found.reshape(len(size), times)


def _distance(statistic: str, law: Law, row: Family, params: Floats, chunk: Segments) -> Floats:
    own = dict(zip(row.params, map(chunk.spread, params), strict=True))
    a = chunk.a * chunk.spread(chunk.unit)
    with np.errstate(all="ignore"):
        return edf.of_values(statistic, chunk, law.cdf(a, **own), law.sf(a, **own))


def _grouped(
    row: Family,
    chunk: Segments,
    source: Any,
    features: NDArray[np.int64],
    statistic: str,
    replicates: int,
    rng: Generator,
) -> tuple[Floats, Floats]:
    """Statistics and p-values of features of a sketch."""
    law, params = law_of(row), fit_one(row, chunk).params
    observed, beyond, valid = (np.zeros(len(features)) for _ in range(3))
    for place, feature in enumerate(features):
        bins = grouped.Bins.of(source.take([feature]), law, row, params[:, place])
        observed[place] = bins.distance(statistic, bins.counts, params[:, place])
        if not np.isfinite(observed[place]):
            continue
        for times in bins.shares(replicates, DRAWS):
            counts = bins.draw(times, rng)
            refitted = fit_one(row, bins.segments(counts)).params
            found = bins.distance(statistic, counts, refitted)
            beyond[place] += (found >= observed[place]).sum()
            valid[place] += np.isfinite(found).sum()
    return observed, _p_values(observed, beyond, valid)


def _table(
    source: Any,
    rows: list[Family],
    sort: Sort,
    best: NDArray[np.int64] | None,
    observed: Floats,
    p: Floats,
) -> "pd.DataFrame":
    import pandas as pd

    features, count = observed.shape
    names = np.array([row.name for row in rows], dtype=object)
    none: Any = None
    which = np.tile(np.arange(count), (features, 1)) if best is None else best[:, None]
    line = np.arange(features)[:, None]
    chosen = np.where(which >= 0, names[which], none)
    own = [["; ".join(sort.flags[f])] * which.shape[1] for f in range(features)]
    table = pd.DataFrame(
        {
            "feature": np.repeat(np.arange(features), which.shape[1]),
            "family": chosen.ravel(),
            "nonzero": np.repeat(source.nonzero, which.shape[1]),
            "statistic": np.where(which >= 0, observed[line, which], np.nan).ravel(),
            "p": np.where(which >= 0, p[line, which], np.nan).ravel(),
            "flags": np.array(own, dtype=object).ravel(),
        }
    )
    table.insert(5, "q", q_values(table["p"].to_numpy()))
    table.attrs["source"] = "sketch" if isinstance(source, Sketch) else "codes"
    return table
