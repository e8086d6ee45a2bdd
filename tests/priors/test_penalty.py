"""The Penalty record and its front door."""

import pytest
import sympy as sp

import neglog
from neglog.priors.errors import InputError
from neglog.priors.symbols import y


def test_parameters_and_kind():
    phi = neglog.penalty("k*abs(a)**q")
    assert [str(p) for p in phi.parameters] == ["k", "q"]
    assert not phi.joint
    assert neglog.penalty("log(1+sum(abs(a)))").joint


def test_d_is_no_parameter_of_a_joint_penalty():
    assert neglog.penalty("sum(abs(a))/d").parameters == ()


def test_half_line():
    assert neglog.penalty("sqrt(a**2)").on_half_line == y
    assert neglog.penalty("a+exp(-a)").on_half_line is None
    assert neglog.penalty("a+exp(-a)", "positive").on_half_line == y + sp.exp(-y)


@pytest.mark.parametrize(
    ("text", "domain", "says"),
    [
        ("log(a)", "real", "not real"),
        ("sqrt(a)", "real", "not real"),
        ("abs(a)", "complex", "domain"),
        ("lam*abs(a)", "real", "strength"),
        ("Piecewise((oo, True))", "real", "nowhere finite|not a real number"),
    ],
)
def test_refused(text, domain, says):
    with pytest.raises(InputError, match=says):
        neglog.penalty(text, domain)


def test_a_sympy_expression_is_adopted():
    x = sp.Symbol("a")
    assert neglog.penalty(sp.Abs(x)).expr == neglog.penalty("abs(a)").expr
