"""Confusion of true laws with reported families, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from neglog.validation.families import FAMILIES

if TYPE_CHECKING:
    import pandas as pd

LOST = "lost"


def confusion(records: Iterable[dict[str, Any]], by: str = "aic") -> pd.DataFrame:
    """True law × reported family, counts; features that the SAE did not learn are ``lost``."""
    import pandas as pd

    table = pd.DataFrame(list(records))
    reported = table[by].fillna(LOST)
    counts = pd.crosstab(table["law"], reported)
    laws = [name for name in FAMILIES if name in counts.index]
    columns = [name for name in [*FAMILIES, LOST] if name in counts.columns]
    return counts.loc[laws, columns]


def diagonal(records: Iterable[dict[str, Any]], by: str = "aic") -> tuple[int, int]:
    """How many of the features that were learned are reported with their law, and of how many."""
    kept = [r for r in records if r[by] is not None]
    return sum(r[by] == r["law"] for r in kept), len(kept)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """95% interval of a share (Wilson, Probable inference, 1927)."""
    if of == 0:
        return 0.0, 1.0
    z, share = 1.959964, hits / of
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = z * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2)) / (1 + z**2 / of)
    return float(middle - half), float(middle + half)
