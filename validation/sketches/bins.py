"""Log bins that are floats cut short: sign, exponent and 5 bits of the mantissa.

A positive float32's bits, read as an integer, rise with its value. Their upper 13 bits number a
bin: 32 bins an octave, each at most 1/32 of its lower edge wide (32.5 to 63.5 bins an e-fold), over
the whole range of float32, denormal numbers included. No logarithm is taken and nothing can fall
outside; the bits below say where in its bin a value lies, so that sums over a bin are exact
integers.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.validation.segments import Floats

MANTISSA = 5  # bits kept: 2⁵ bins an octave
SHIFT = 23 - MANTISSA  # bits cut off
BELOW = np.uint32((1 << SHIFT) - 1)  # mask of those bits
BINS = 255 << MANTISSA  # numbers of bins: those of finite positive float32


def bits_of(values: NDArray[Any]) -> NDArray[np.uint32]:
    """The bits of positive values rounded to float32; InputError where that is 0 or infinite."""
    with np.errstate(over="ignore"):
        short = np.ascontiguousarray(values, dtype=np.float32)
    if short is not values:
        lost = (short == 0) | np.isinf(short)
        if lost.any():
            raise InputError(
                f"a code is {values[int(np.argmax(lost))]:.3g}, outside the range of float32 in "
                "which a sketch counts (1.4e-45 to 3.4e38): rescale the codes."
            )
    return short.view(np.uint32)


def left(bins: NDArray[Any]) -> Floats:
    """Lower edges."""
    return (bins.astype(np.uint32) << np.uint32(SHIFT)).view(np.float32).astype(np.float64)


def right(bins: NDArray[Any]) -> Floats:
    """Upper edges; that of the last bin is infinite in float32 and 2¹²⁸ here."""
    edges = left(bins.astype(np.uint32) + np.uint32(1))
    return np.where(np.isinf(edges), 2.0**128, edges)


def steps(bins: NDArray[Any]) -> Floats:
    """The distance between neighbouring float32 in each bin."""
    return (right(bins) - left(bins)) / (1 << SHIFT)


def grid_of(bits: NDArray[np.uint32]) -> NDArray[np.int16]:
    """For each value the largest k for which it is a multiple of 2ᵏ."""
    exponent = (bits >> np.uint32(23)).astype(np.int16)
    whole = (bits & np.uint32((1 << 23) - 1)) | ((exponent > 0).astype(np.uint32) << np.uint32(23))
    lowest = (whole & (~whole + np.uint32(1))).astype(np.float32).view(np.uint32) >> np.uint32(23)
    return (lowest.astype(np.int16) - 127) + np.maximum(exponent, 1) - np.int16(150)


def mantissa_bits(used: NDArray[np.uint32]) -> NDArray[np.int64]:
    """How many bits of the mantissa values need, from the bitwise or of their bits; 0 … 23."""
    low = used & np.uint32((1 << 23) - 1)
    lowest = low & (~low + np.uint32(1))
    return np.where(low == 0, 0, 23 - np.log2(np.maximum(lowest, 1)).astype(np.int64))
