"""K_ν by trapezoids is K_ν, to the last digit, for any order and precision."""

import mpmath as mp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neglog.derivations.bessel import besselk


@pytest.mark.parametrize("digits", [15, 50, 120])
@given(order=st.floats(-40, 40), size=st.floats(0, 1))
def test_equals_mpmath_to_the_last_digit(digits, order, size):
    z = mp.mpf(4 * digits) ** size  # into the region left to mpmath, too
    with mp.workdps(digits):
        found = besselk(order, z)
    with mp.workdps(2 * digits):
        exact = mp.besselk(order, z)
        assert abs(found - exact) <= exact * mp.mpf(10) ** (1 - digits)


@pytest.mark.parametrize("z", ["1e-30", "1e-5", "1e5", "1e12"])
def test_elsewhere_it_is_mpmaths(z):
    with mp.workdps(40):
        assert besselk(0, mp.mpf(z)) == mp.besselk(0, mp.mpf(z))


def test_it_leaves_the_precision_as_it_was():
    with mp.workdps(33):
        besselk(1, mp.mpf(2))
        assert mp.mp.dps == 33
