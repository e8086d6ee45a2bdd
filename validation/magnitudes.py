"""Given that two features fire together, do their sizes depend on each other?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from neglog.priors.errors import InputError
from neglog.validation.codes import Codes, read_codes

if TYPE_CHECKING:
    import pandas as pd

LEAST = 8  # values from which a rank correlation says anything


def magnitude_dependence(
    codes: Any,
    pairs: Sequence[tuple[int, int]] | None = None,
    *,
    min_together: int = 30,
    most: int = 2_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Spearman's correlation of the sizes of two features on the tokens where both fire.

    A row for each pair with at least ``min_together`` such tokens: i, j, together, rho, its 95%
    interval (Fisher's z with variance (1 + ρ²/2)/(n − 3): Bonett and Wright, Sample size
    requirements for estimating Pearson, Kendall and Spearman correlations, 2000), p and q
    (Benjamini–Hochberg over the rows). Independent priors have ρ = 0 whatever the support does;
    log(1 + Σ|a|) has ρ > 0, ∏(1 + |a|) ρ < 0.

    pairs: which; None: at most ``most`` of those that fire together often enough, drawn with
    ``seed`` among the pairs of tokens' active features, so that pairs that fire together often are
    drawn more often.

    Raises InputError for unreadable codes, a pair that is none, or ``min_together`` below 8.
    """
    import pandas as pd

    if min_together < LEAST:
        raise InputError(f"min_together is {min_together}; a correlation needs at least {LEAST}.")
    record = read_codes(codes)
    chosen = _drawn(record, most, seed) if pairs is None else list(pairs)
    rows = []
    for i, j in chosen:
        if not (0 <= i < record.features and 0 <= j < record.features) or i == j:
            raise InputError(f"({i}, {j}) is no pair of the {record.features} features.")
        one, other = _together(record, int(i), int(j))
        if len(one) >= min_together:
            rows.append((int(i), int(j), len(one), *_spearman(one, other)))
    table = pd.DataFrame(rows, columns=["i", "j", "together", "rho", "low", "high", "p"])
    table["q"] = stats.false_discovery_control(table["p"]) if len(table) else table["p"]
    return table


def _together(record: Codes, i: int, j: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The values of both features on the tokens where both are active."""
    start, stop = record.indptr[[i, j]], record.indptr[[i + 1, j + 1]]
    _, one, other = np.intersect1d(
        record.rows[start[0] : stop[0]],
        record.rows[start[1] : stop[1]],
        assume_unique=True,
        return_indices=True,
    )
    return record.column(i)[one], record.column(j)[other]


def _spearman(one: NDArray[Any], other: NDArray[Any]) -> tuple[float, float, float, float]:
    n = len(one)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0, -1.0, 1.0, 1.0
    found = stats.spearmanr(one, other)
    rho, p = float(found.statistic), float(found.pvalue)
    half = 1.959964 * np.sqrt((1 + rho**2 / 2) / (n - 3))
    middle = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    return rho, float(np.tanh(middle - half)), float(np.tanh(middle + half)), p


def _drawn(record: Codes, most: int, seed: int) -> list[tuple[int, int]]:
    """Different pairs that are active together on randomly drawn tokens."""
    rng = np.random.default_rng(seed)
    by_token = record.matrix().tocsr()
    found: dict[tuple[int, int], None] = {}
    for token in rng.permutation(record.tokens)[: 20 * most]:
        active = by_token.indices[by_token.indptr[token] : by_token.indptr[token + 1]]
        if len(active) >= 2:
            i, j = sorted(int(f) for f in rng.choice(active, 2, replace=False))
            found.setdefault((i, j))
        if len(found) >= most:
            break
    return list(found)
