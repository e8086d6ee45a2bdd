"""The standard form of a penalty: the same function, with fewer parameters."""

import pytest
import sympy as sp

from neglog.derivations.api import penalty
from neglog.derivations.half_line import parameters, sides
from neglog.derivations.integrals.standard import standard
from neglog.derivations.numbers import samples, value_at
from neglog.priors.symbols import y

# (penalty, parameters that are left)
ABSORBED = [
    ("abs(a)/s", 0),
    ("k*a**2+b*abs(a)", 0),
    ("log(1+a**2/s**2)+log(s)", 0),
    ("(nu+1)/2*log(1+a**2/nu)", 0),
    ("k**2*(abs(a)/k-log(1+abs(a)/k))", 0),
    ("sqrt(a**2+k**2)-k", 0),
    ("2*s*log(cosh(a/s))", 0),
    ("Piecewise((a**2/2, abs(a)<k), (k*abs(a)-k**2/2, True))", 0),
    ("(abs(a)/s)**q", 1),
    ("k*log(1+(abs(a)/s)**q)", 1),
]
# Nothing to absorb.
PLAIN = [
    "log(1+abs(a)/s)+abs(a)/t",
    "abs(a)",
    "log(1+a**2)",
    "abs(a)**q",
    "log(1+abs(a))+k*log(1+log(1+abs(a)))",
]


@pytest.mark.parametrize(("expr", "left"), ABSORBED)
def test_is_the_same_function(expr, left):
    halves = sides(penalty(expr))
    form = standard(halves)
    assert form is not None
    assert len(parameters(form.sides)) == left
    for point in samples(parameters(halves), 3):
        for at in (sp.Rational(1, 7), sp.Rational(9, 4), sp.Integer(40)):
            place = value_at(at / form.scale, point, 30)
            psi = next(p for p in form.sides[0].pieces if place.real < value_at(p.hi, point).real)
            phi = next(p for p in halves[0].pieces if at < value_at(p.hi, point).real)
            there = form.strength * psi.phi.subs(y, at / form.scale) + form.level
            truth = value_at(phi.phi, {**point, y: at}, 30)
            assert value_at(there, point, 30) == pytest.approx(truth, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("expr", PLAIN)
def test_what_has_nothing_to_absorb_is_left_alone(expr):
    assert standard(sides(penalty(expr))) is None
