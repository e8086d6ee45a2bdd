"""Vuong's test: which of two families is nearer to the truth, where neither need be true."""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from neglog.validation.fitting import FamilyLike, Sort, fit_one, resolve
from neglog.validation.judging.adjusting import q_values
from neglog.validation.judging.nesting import NESTINGS
from neglog.validation.judging.sequences import sample_sequences, sequence_numbers
from neglog.validation.pointwise import pointwise
from neglog.validation.segments import Floats, Segments
from neglog.validation.sketches.building import read_source

if TYPE_CHECKING:
    import pandas as pd

NESTED = {frozenset((pair.null, pair.wide)) for pair in NESTINGS}


def vuong(
    codes: Any,
    families: Sequence[FamilyLike] | None = None,
    *,
    sequence: ArrayLike | None = None,
    min_nonzero: int = 50,
    alpha: float = 0.05,
) -> "pd.DataFrame":
    """Vuong's test of every pair of families on every feature.

    With dᵢ = log p₁(aᵢ) − log p₂(aᵢ) at the fits, z = [Σdᵢ − ½(k₁ − k₂) log n]/(ω√n) is standard
    normal where both families are equally near to the truth (in Kullback–Leibler divergence), ω²
    the variance of dᵢ; the correction is that of BIC. ``sequence`` (tokens,), the sequence each
    token belongs to, replaces nω² by the sum over sequences of (Σ(dᵢ − d̄))², right where tokens of
    a sequence are dependent. Source: Q. Vuong, Likelihood ratio tests for model selection and
    non-nested hypotheses, 1989.

    Columns: feature, one, other, difference (Σdᵢ, nat), z, p (two-sided), q, nearer (the family at
    q ≤ alpha, or None), flags: ``nested`` (use ``nested`` instead: z means nothing) and
    ``indistinguishable`` (nω² is what two fits of one and the same law would give, below the 95%
    point of χ² with k₁ + k₂ degrees of freedom: no p). Both have p = nan.

    Raises InputError as ``fit`` does, and for a sequence with a sketch or of a wrong shape.
    """
    import pandas as pd

    source, rows = read_source(codes), resolve(families)
    numbers = None if sequence is None else sequence_numbers(source, sequence)
    sort = Sort(source, min_nonzero)
    parts = []
    for chunk in sort.chunks():
        features = sort.fitted[-1]
        groups = None if numbers is None else sample_sequences(source, features, numbers)  # type: ignore[arg-type]
        values = [pointwise(row, fit_one(row, chunk).params, chunk) for row in rows]
        for i, j in combinations(range(len(rows)), 2):
            k, other = len(rows[i].params), len(rows[j].params)
            total, spread = difference(chunk, values[i] - values[j], groups)
            corrected = total - 0.5 * (k - other) * np.log(chunk.n)
            with np.errstate(all="ignore"):
                z = corrected / np.sqrt(spread)
            alike = spread < stats.chi2.ppf(0.95, k + other)
            within = frozenset((rows[i].name, rows[j].name)) in NESTED
            flags = np.where(alike, "indistinguishable", "") if not within else "nested"
            blank = alike | within
            parts.append(
                pd.DataFrame({"feature": features, "one": rows[i].name, "other": rows[j].name,
                              "difference": total, "z": np.where(blank, np.nan, z),
                              "p": np.where(blank, np.nan, 2 * stats.norm.sf(np.abs(z))),
                              "flags": flags})
            )  # fmt: skip
    if not parts:
        names = ["feature", "one", "other", "difference", "z", "p", "q", "nearer", "flags"]
        return pd.DataFrame(columns=names)
    found = pd.concat(parts, ignore_index=True).sort_values("feature", kind="stable")
    found = found.reset_index(drop=True)
    found.insert(6, "q", q_values(found["p"].to_numpy()))
    winner = np.where(found["z"] > 0, found["one"], found["other"])
    found.insert(7, "nearer", np.where(found["q"] <= alpha, winner, None))
    return found


def difference(
    chunk: Segments, d: Floats, groups: NDArray[np.int64] | None
) -> tuple[Floats, Floats]:
    """Σ dᵢ of each feature and the variance of that sum, both (m,)."""
    total = chunk.sum(d)
    centred = d - chunk.spread(total / chunk.n)
    if groups is None:
        return total, chunk.sum(centred**2)
    return total, clustered(chunk, centred, groups)


def clustered(chunk: Segments, centred: Floats, groups: NDArray[np.int64]) -> Floats:
    """Σ over sequences of (Σ within)², (m,)."""
    feature = chunk.spread(np.arange(chunk.features))
    key = feature * (int(groups.max()) + 1) + groups
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    weighed = centred if chunk.weight is None else centred * chunk.weight
    sums = np.add.reduceat(weighed[order], starts)
    squares = np.bincount(feature[order][starts], sums**2, minlength=chunk.features)
    return squares.astype(np.float64)
