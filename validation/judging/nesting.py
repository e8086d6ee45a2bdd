"""Likelihood-ratio tests of a family within a wider one, on the edge of it too."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from neglog.priors.errors import InputError
from neglog.validation.judging.adjusting import q_values

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Nesting:
    """``null`` is ``wide`` with a parameter fixed; ``edge``: at the end of its range."""

    null: str
    wide: str
    where: str
    edge: bool


NESTINGS = (
    Nesting("exponential", "gamma", "a = 1", False),
    Nesting("exponential", "weibull", "c = 1", False),
    Nesting("exponential", "lomax", "c = ∞", True),
    Nesting("exponential", "generalised-pareto", "c = 0", False),
    Nesting("half-normal", "half-t", "df = ∞", True),
    Nesting("half-cauchy", "half-t", "df = 1", False),
)


def nested(
    table: "pd.DataFrame", null: str | None = None, wide: str | None = None, edge: bool = False
) -> "pd.DataFrame":
    """Likelihood-ratio tests from a table of ``fit``: one row a feature and pair.

    x = 2(ℓ_wide − ℓ_null) is compared with χ² of as many degrees of freedom as parameters more.
    Where the null lies on the edge of the wider family (``edge``), with χ̄² = ½χ²₀ + ½χ²₁: half
    the time the wide fit is the null itself (source: S. Self, K.-Y. Liang, Asymptotic properties of
    maximum likelihood estimators and likelihood ratio tests under nonstandard conditions, 1987).
    At the edge convergence is slow, and p errs on the safe side.

    null, wide: the pair, for families of one's own; default: all of ``NESTINGS`` in the table.
    Columns: feature, null, wide, ratio (x), p, q. Raises InputError where the table lacks a family,
    or the wide one has no parameter more.
    """
    import pandas as pd

    logliks = table.pivot(index="feature", columns="family", values="loglik")
    names = table.attrs["params"]
    if (null is None) != (wide is None):
        raise InputError("give both families, null and wide, or neither.")
    pairs = [pair for pair in NESTINGS if pair.null in names and pair.wide in names]
    if null is not None and wide is not None:
        pairs = [Nesting(null, wide, "", edge)]
    parts = []
    for pair in pairs:
        for name in (pair.null, pair.wide):
            if name not in names:
                raise InputError(f"{name} is not among the table's families.")
        freedom = len(names[pair.wide]) - len(names[pair.null])
        if freedom < 1 or (pair.edge and freedom > 1):
            raise InputError(f"{pair.wide} has {freedom} parameters more than {pair.null}.")
        ratio = np.maximum(2 * (logliks[pair.wide] - logliks[pair.null]).to_numpy(), 0.0)
        p = stats.chi2.sf(ratio, freedom)
        if pair.edge:
            p = np.where(ratio > 1e-6, p / 2, np.where(np.isnan(ratio), np.nan, 1.0))
        parts.append(
            pd.DataFrame({"feature": logliks.index.to_numpy(), "null": pair.null,
                          "wide": pair.wide, "ratio": ratio, "p": p})
        )  # fmt: skip
    if not parts:
        raise InputError("no family of the table is nested in another; name a pair.")
    found = pd.concat(parts, ignore_index=True)
    found["q"] = q_values(found["p"].to_numpy())
    return found
