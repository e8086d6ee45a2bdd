"""Block bootstrap: what fits are worth where tokens of a sequence depend on each other."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neglog.priors.errors import InputError
from neglog.sae.progress import progress_bar
from neglog.validation.families import Family
from neglog.validation.fitting import FamilyLike, Sort, fit_one, resolve
from neglog.validation.judging.sequences import sample_sequences, sequence_numbers
from neglog.validation.segments import Floats, Segments, starts_of
from neglog.validation.sketches.building import read_source
from neglog.validation.sketches.sketch import Sketch
from neglog.validation.tables import best_of

if TYPE_CHECKING:
    import pandas as pd


def block_bootstrap(
    codes: Any,
    families: Sequence[FamilyLike] | None = None,
    *,
    sequence: ArrayLike | None,
    replicates: int = 200,
    level: float = 0.95,
    min_nonzero: int = 50,
    seed: int = 0,
    progress: bool = False,
) -> "pd.DataFrame":
    """Standard errors, intervals and choices of family, resampling whole sequences.

    Tokens of a sequence are dependent, so that n values are worth fewer than n: standard errors
    from information are too small and the best family is less sure than its AIC says. Each
    replicate draws as many sequences as there are, with replacement, and fits every family to them
    again.

    sequence: the sequence each token belongs to, (tokens,); None: every token is its own.

    Columns: feature, family, the parameters (of all the values), ``block_se_…``, ``low_…`` and
    ``high_…`` (percentiles at ``level``), and wins: the share of replicates in which the family has
    the lowest AIC. Compare ``block_se_…`` with ``se_…`` of ``fit``.

    Raises InputError as ``fit`` does, for fewer than 20 replicates or 10 sequences, and a sketch.
    """
    import pandas as pd

    source, rows = read_source(codes), resolve(families)
    if replicates < 20:
        raise InputError(f"replicates is {replicates}; at least 20 are needed.")
    if not 0 < level < 1:
        raise InputError(f"level is {level}; it lies between 0 and 1, such as 0.95.")
    numbers = sequence_numbers(source, sequence)
    assert not isinstance(source, Sketch)
    count = int(numbers.max()) + 1
    if count < 10:
        raise InputError(f"there are {count} sequences; resampling needs at least 10.")
    sort = Sort(source, min_nonzero)
    parts = []
    with progress_bar("bootstrap", int((source.nonzero >= min_nonzero).sum()), progress) as advance:
        for chunk in sort.chunks():
            features = sort.fitted[-1]
            groups = sample_sequences(source, features, numbers)
            rng = np.random.default_rng(seed)  # every chunk sees the same resamples
            draws = np.stack([_refit(rows, chunk, _drawn(rng, count)[groups])
                              for _ in range(replicates)])  # fmt: skip
            parts += _rows(rows, chunk, features, draws, level)
            advance(len(features), "")
    table = pd.concat(parts).sort_values("feature", kind="stable", ignore_index=True)
    table.attrs["params"] = {row.name: list(row.params) for row in rows}
    return table


def _drawn(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """How often each sequence is drawn."""
    return np.bincount(rng.integers(0, count, count), minlength=count)


def reweighted(chunk: Segments, weight: NDArray[Any]) -> tuple[Segments | None, NDArray[np.bool_]]:
    """The same samples with weights (samples,), those of weight 0 left out; who still varies."""
    keep = weight > 0
    size = np.add.reduceat(keep.astype(np.int64), chunk.starts)
    alive = size > 1
    if not alive.any():
        return None, alive
    keep &= chunk.spread(alive)
    size = size[alive]
    found = Segments(
        chunk.a[keep], chunk.log[keep], starts_of(size), size, chunk.unit[alive],
        weight[keep].astype(np.float64),
    )  # fmt: skip
    varies = found.distinct > 1
    if not varies.all():
        alive[alive] = varies
        found = found.take(varies)
    return (found if alive.any() else None), alive


def _refit(rows: list[Family], chunk: Segments, weight: NDArray[np.int64]) -> Floats:
    """AIC and parameters, (families, 1 + parameters, m), of one resample; nan where none is fit."""
    most = max(len(row.params) for row in rows)
    out = np.full((len(rows), 1 + most, chunk.features), np.nan)
    found, alive = reweighted(chunk, weight)
    if found is None:
        return out
    for place, row in enumerate(rows):
        optimum = fit_one(row, found)
        k = len(row.params)
        out[place, 0, alive] = np.where(
            np.isfinite(optimum.loglik), (2 * k - 2 * optimum.loglik) / found.n, np.nan
        )
        out[place, 1 : 1 + k, alive] = optimum.params.T
    return out


def _rows(
    rows: list[Family],
    chunk: Segments,
    features: NDArray[np.int64],
    draws: Floats,
    level: float,
) -> "list[pd.DataFrame]":
    """One table a family; ``draws``: (replicates, families, 1 + parameters, m)."""
    import pandas as pd

    aic = np.moveaxis(draws[:, :, 0], 1, 2)  # (replicates, m, families), per value
    wins = np.mean([best_of(one, np.ones(len(one))) for one in aic], axis=0)
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    parts = []
    for place, row in enumerate(rows):
        whole = fit_one(row, chunk)
        columns: dict[str, Any] = {"feature": features, "family": row.name}
        for number, name in enumerate(row.params):
            values = draws[:, place, 1 + number]
            low, high = np.nanquantile(values, ends, axis=0)
            columns |= {name: whole.params[number], f"block_se_{name}": np.nanstd(values, axis=0),
                        f"low_{name}": low, f"high_{name}": high}  # fmt: skip
        parts.append(pd.DataFrame(columns | {"wins": wins[:, place]}))
    return parts
