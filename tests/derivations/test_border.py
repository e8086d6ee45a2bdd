"""Remainders at the border of integrability: what visibly tends to a constant changes nothing."""

import pytest
import sympy as sp

from neglog.derivations.asymptotics.border import at_tail, settles
from neglog.priors.symbols import y

SETTLE = [sp.log(1 + sp.exp(-y)), 1 / y, sp.log(sp.log(1 + y**-2)) + 2 * sp.log(y)]
DO_NOT = [sp.log(sp.log(y)), 1 / sp.log(y), sp.sin(y), sp.exp(sp.exp(y)), sp.log(y)]


@pytest.mark.parametrize("rest", SETTLE, ids=str)
def test_what_settles(rest):
    assert settles(rest)


@pytest.mark.parametrize("rest", DO_NOT, ids=str)
def test_what_does_not(rest):
    assert not settles(rest)


def test_a_remainder_that_needs_many_digits_is_decided():
    assert at_tail(-sp.log(sp.log(1 + y**-2)), sp.Integer(2), 0) is sp.false
