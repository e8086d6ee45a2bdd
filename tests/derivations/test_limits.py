"""Limits at an edge: the right ones are found, wrong ones of computer algebra not believed."""

import pytest
import sympy as sp

from neglog.derivations.asymptotics import limits
from neglog.derivations.asymptotics.limits import limit_from_right
from neglog.priors.symbols import y

k = sp.Symbol("k", positive=True)
K0, K1 = sp.besselk(0, y), sp.besselk(1, y)

KNOWN = [
    (y**2 + k, 0, k),
    (sp.sin(y) / y, 0, 1),
    ((sp.exp(y) - 1 - y) / y**2, 0, sp.Rational(1, 2)),
    (k / y, 0, sp.oo),
    (-k / y, 0, -sp.oo),
    (y * sp.log(y), 0, 0),
    (1 / sp.log(y), 0, 0),
    (1 / sp.log(sp.log(1 / y)), 0, 0),
    (sp.log(sp.log(1 / y)), 0, sp.oo),
    (sp.log(y / k) / (y - k), k, 1 / k),
    (sp.sqrt(y - 2) / (y - 2), 2, sp.oo),
    (K1 / K0, 0, sp.oo),
    (K0 / K1, 0, 0),
    (y * K1, 0, 1),
    (y * sp.besselk(3, y) / sp.besselk(2, y), 0, 4),
    (sp.besselk(1, sp.sqrt(2 * y)) / (sp.sqrt(y) * sp.besselk(0, sp.sqrt(2 * y))), 0, sp.oo),
    (sp.besseli(1, y) / (y * sp.besseli(0, y)), 0, sp.Rational(1, 2)),
    (sp.exp(-y) / (y * sp.expint(1, y)), 0, sp.oo),
]


@pytest.mark.parametrize(("expr", "edge", "limit"), KNOWN, ids=[str(row[0]) for row in KNOWN])
def test_known_limits(expr, edge, limit):
    found = limit_from_right(expr, y, sp.sympify(edge))
    assert found is not None
    assert sp.simplify(found - limit) == 0 if sp.sympify(limit).is_finite else found is limit


WRONG = [
    (K1 / K0, 0),  # what sympy 1.14 says
    (K1 / K0, sp.Rational(1, 100)),
    (sp.sin(y) / y, sp.Rational(999, 1000)),
    (sp.log(sp.log(1 / y)), 3),
    (1 / sp.log(y), sp.oo),
    (k / y, -sp.oo),
    (k * sp.sin(y) / y, 1),
]


@pytest.mark.parametrize(("expr", "claimed"), WRONG, ids=str)
def test_wrong_limits_are_not_believed(expr, claimed):
    assert not limits._agrees(sp.sympify(claimed), expr, y, sp.S.Zero)


def test_no_limit_is_not_known():
    assert limit_from_right(sp.sin(1 / y), y, sp.S.Zero) is None


def test_a_limit_without_numbers_is_not_known():
    unknown = sp.Function("f")(y) * sp.log(y)
    assert limit_from_right(unknown, y, sp.S.Zero) is None
