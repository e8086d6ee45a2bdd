import numpy as np
import pytest
import sympy

import neglog
from neglog.priors import symbols
from neglog.priors.errors import InputError
from neglog.validation import density, log_density, negative_log, scipy_law

from .laws import TRUE

A = np.geomspace(0.01, 4, 50)


@pytest.mark.parametrize("name", TRUE)
def test_negative_log_is_the_log_density_up_to_a_constant(name):
    phi = sympy.lambdify(symbols.a, negative_log(name, TRUE[name]))
    total = phi(A) + log_density(name, TRUE[name])(A)
    np.testing.assert_allclose(total, total[0], atol=1e-9)


def test_a_fitted_law_becomes_a_penalty():
    phi = neglog.penalty(negative_log("lomax", {"c": 2.5, "scale": 2.0}), domain="positive")
    assert sympy.simplify(phi.expr - sympy.Rational(7, 2) * sympy.log(1 + symbols.a / 2)) == 0


def test_outside_the_support():
    pdf = density("generalised-pareto", {"c": -0.5, "scale": 1.0})
    np.testing.assert_array_equal(pdf([-1.0, 0.0, 2.5]), [0, 0, 0])
    assert pdf(1.0) == pytest.approx(0.5)


def test_half_t_has_no_scipy_law():
    assert scipy_law("half-t", TRUE["half-t"]) is None


def test_missing_parameter():
    with pytest.raises(InputError, match="lomax needs the parameter c"):
        density("lomax", {"scale": 1.0})
