"""Derivatives with Bessel functions of two orders are the derivatives."""

import pytest
import sympy as sp

from neglog.derivations.derivatives import derivative
from neglog.derivations.numbers import value_at
from neglog.priors.symbols import y

k = sp.Symbol("k", positive=True)
PENALTIES = [
    -sp.log(sp.besselk(0, y)),
    -sp.log(sp.besselk(0, sp.sqrt(2 * y))),
    -sp.log(sp.besselk(1, y) + y),
    -sp.log(sp.besselk(3, y)),
    -sp.log(y**k * sp.besselk(k, y)),
    -sp.log(sp.besselk(k, y) + sp.besselk(k + 3, y)),
    -sp.log(sp.besselk(k - 4, y) * sp.besselk(k, 2 * y)),
    2 * y - sp.log(sp.besseli(0, y)),
    2 * y - sp.log(sp.besseli(k + 2, k * y)),
    sp.besseli(k, y) * sp.besselk(k, y),
    sp.sqrt(k**2 + y**2),
]


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("phi", PENALTIES, ids=str)
def test_equals_the_plain_derivative(phi, order):
    for point in (
        {y: sp.Rational(11, 7), k: sp.Rational(7, 5)},
        {y: sp.Rational(1, 9), k: sp.S.Half},
    ):
        plain = value_at(sp.diff(phi, y, order), point, 30)
        assert value_at(derivative(phi, order), point, 30) == pytest.approx(plain, rel=1e-13)


@pytest.mark.parametrize("phi", PENALTIES[:5], ids=str)
def test_two_orders_remain(phi):
    assert len(derivative(phi, 3).atoms(sp.besselk)) == 2


def test_the_score_of_the_variance_gamma_is_short():
    found = derivative(-sp.log(y**k * sp.besselk(k, y)))
    assert found == sp.besselk(k - 1, y) / sp.besselk(k, y)
