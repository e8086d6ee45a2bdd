"""Which learned feature is which planted one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from neglog.validation.debiased.linear import Floats


def match(learned: Floats, truth: Floats) -> tuple[NDArray[np.int64], Floats]:
    """For each row of ``truth`` the row of ``learned`` it is paired with, and their cosine.

    One to one, of largest total cosine; −1 and nan where there are fewer learned rows.
    """
    unit = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
            for rows in (learned, truth)]  # fmt: skip
    cosine = unit[1] @ unit[0].T
    row, column = linear_sum_assignment(-cosine)
    partner = np.full(len(truth), -1, dtype=np.int64)
    found = np.full(len(truth), np.nan)
    partner[row], found[row] = column, cosine[row, column]
    return partner, found
