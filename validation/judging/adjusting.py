"""Benjamini–Hochberg over a table's p-values."""

import numpy as np

from neglog.validation.segments import Floats


def q_values(p: Floats) -> Floats:
    """The least false-discovery rate at which each is a discovery; nan stays nan, and is no test.

    Source: Y. Benjamini, Y. Hochberg, Controlling the false discovery rate, 1995.
    """
    out = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    if len(tested):
        order = tested[np.argsort(-p[tested], kind="stable")]  # largest first
        rank = np.arange(len(order), 0, -1)
        out[order] = np.minimum(np.minimum.accumulate(p[order] * len(order) / rank), 1.0)
    return out
