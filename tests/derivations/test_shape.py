"""Kink, exact zeros, curvature and weights: against numbers, and the proofs that are expected."""

import sys
from functools import cache
from pathlib import Path

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from neglog.derivations.api import penalty
from neglog.derivations.half_line import sides
from neglog.derivations.shapes import at_zero, curvature
from neglog.derivations.shapes import tail as shape
from neglog.derivations.shapes.signs import certain_sign
from neglog.priors.symbols import a, y
from neglog.priors.text import parse

sys.path.insert(0, str(Path(__file__).parent))
from table import ROWS

MCP = "Piecewise((abs(a)-a**2/(2*k),abs(a)<k),(k/2,True))"
SCAD = "Piecewise((k*abs(a),abs(a)<=k),((4*k*abs(a)-a**2-k**2)/2,abs(a)<=2*k),(3*k**2/2,True))"

# expression, domain, convex, concave on a > 0 (None: depends on a parameter), proof
CURVED = [
    ("abs(a)", "real", True, True, "symbolic"),
    ("huber", "real", True, False, "symbolic"),
    ("log(cosh(a))", "real", True, False, "symbolic"),
    ("sqrt(k**2+a**2)-k", "real", True, False, "symbolic"),
    ("log(1+abs(a))", "real", False, True, "symbolic"),
    ("log(1+a**2/k**2)", "real", False, False, "symbolic"),
    ("tanh(k*abs(a))", "real", False, True, "symbolic"),
    ("atan(abs(a))", "real", False, True, "symbolic"),
    ("1-exp(-abs(a)/k)", "real", False, True, "symbolic"),
    ("(1+k)*abs(a)/(k+abs(a))", "real", False, True, "symbolic"),
    ("log(1+log(1+abs(a)))", "real", False, True, "symbolic"),
    (MCP, "real", False, True, "symbolic"),
    (SCAD, "real", False, True, "symbolic"),
    ("min(abs(a), k)", "real", False, True, "symbolic"),
    ("max(abs(a)-k, 0)", "real", True, False, "symbolic"),
    ("a*log(a)", "positive", True, False, "symbolic"),
    ("a*atan(a)-log(1+a**2)/2", "real", True, False, "symbolic"),
    ("log(1+exp(a))", "real", True, False, "symbolic"),
    ("max(a, 0)", "real", True, True, "symbolic"),
    ("max(q*a,(q-1)*a)", "real", True, True, "symbolic"),
    ("abs(abs(a)-1)", "real", False, False, "symbolic"),
    ("abs(a-1)", "real", True, False, "symbolic"),
    ("indicator(a != 0)", "real", False, True, "symbolic"),
    ("Piecewise((0, abs(a) < 1))", "real", True, False, "symbolic"),
    ("Piecewise((0, abs(a) > 1))", "real", False, False, "symbolic"),
    ("indicator(a > 1)", "real", False, False, "symbolic"),
    ("log(1+abs(a)+abs(a)**3)", "real", False, False, "counterexample"),
    ("abs(a)**q", "real", None, None, "symbolic"),
    ("log(1+abs(a)**q)", "real", False, None, "symbolic"),
    ("(1+a**2)**q", "real", None, False, "symbolic"),
    ("(abs(a)+k)**q", "real", None, None, "symbolic"),
]
WHEN = {
    "abs(a)**q": ("q >= 1", "q <= 1"),
    "log(1+abs(a)**q)": (None, "q <= 1"),
    "(1+a**2)**q": ("q >= 1/2", None),
    "(abs(a)+k)**q": ("q >= 1", "q <= 1"),
}


@cache
def facts(expr, domain="real"):
    phi = penalty(expr, domain)
    halves = sides(phi)
    slope, jump = at_zero.kink(halves), at_zero.jumps_at_zero(phi)
    zeros = at_zero.exact_zeros(halves, slope, jump)
    return slope, zeros, curvature.convexity(halves, slope, jump)


@cache
def function(expr, domain="real"):
    phi = penalty(expr, domain)
    return sp.lambdify([a, *phi.parameters], phi.expr, "mpmath")


def as_bool(holds):
    return bool(holds) if holds in (sp.true, sp.false) else None


@pytest.mark.parametrize(("expr", "domain", "convex", "concave", "proof"), CURVED)
def test_curvature_is_proved(expr, domain, convex, concave, proof):
    _, _, found = facts(expr, domain)
    assert as_bool(found["convex"]) is convex
    assert as_bool(found["concave_on_positive"]) is concave
    assert found["curvature_proof"] == proof
    for key, when in zip(("convex", "concave_on_positive"), WHEN.get(expr, ()), strict=False):
        if when is not None:
            assert str(found[key]) == when


EVERYTHING = [(e, d) for e, d, *_ in CURVED] + [(r.expr, r.domain) for r in ROWS]


@pytest.mark.thinned(3)
@pytest.mark.parametrize(("expr", "domain"), EVERYTHING)
@settings(max_examples=5, deadline=None)
@given(u=st.floats(0.01, 6), v=st.floats(0.01, 6), k=st.floats(0.2, 3), minus=st.booleans())
def test_what_is_convex_lies_below_its_chords(expr, domain, u, v, k, minus):
    _, _, found = facts(expr, domain)
    names = penalty(expr, domain).parameters
    point = dict.fromkeys(names, sp.nsimplify(round(k, 3)))
    f = function(expr, domain)

    def value(x):
        return mpmath.re(f(mpmath.mpf(x), *[mpmath.mpf(str(round(k, 3)))] * len(names)))

    def holds(key):
        claim = found[key]
        return claim is not None and claim.subs(point) == sp.true

    middle = value((u + v) / 2)
    if holds("concave_on_positive"):
        assert middle >= (value(u) + value(v)) / 2 - 1e-12 * (1 + abs(middle))
    if holds("convex"):
        w = -v if minus and domain == "real" else v
        chord = (value(u) + value(w)) / 2
        assert value((u + w) / 2) <= chord + 1e-12 * (1 + abs(chord))


@pytest.mark.parametrize(("expr", "domain"), EVERYTHING)
def test_what_is_not_convex_breaks_a_chord(expr, domain):
    _, _, found = facts(expr, domain)
    if found["convex"] != sp.false or "indicator" in expr:
        return
    phi = penalty(expr, domain)
    f = sp.lambdify(a, phi.expr.subs(dict.fromkeys(phi.parameters, sp.Rational(3, 2))), "mpmath")
    grid = np.linspace(-12 if domain == "real" else 0.01, 12, 960)
    values = np.array([float(mpmath.re(f(mpmath.mpf(x)))) for x in grid])
    with np.errstate(invalid="ignore"):
        bends = values[:-2] + values[2:] - 2 * values[1:-1]
    broken = np.isinf(values[1:-1]) & np.isfinite(values[:-2])  # a gap in the domain
    assert np.nanmin(np.where(np.isfinite(bends), bends, 0)) < 0 or broken.any()


@pytest.mark.parametrize(("expr", "domain"), EVERYTHING)
def test_kink_is_the_slope_at_zero(expr, domain):
    slope, _, _ = facts(expr, domain)
    if slope is None:
        return
    names = penalty(expr, domain).parameters
    for value in (sp.Rational(1, 2), sp.Integer(1), sp.Rational(9, 4)):
        number = slope.subs(dict.fromkeys(names, value))
        if not number.is_finite:
            continue
        with mpmath.workdps(60):
            f, rest = function(expr, domain), [mpmath.mpf(value.p) / value.q] * len(names)
            step = mpmath.mpf("1e-25")
            measured = mpmath.re((f(2 * step, *rest) - f(step, *rest)) / step)
        assert float(measured) == pytest.approx(float(number), abs=1e-5)


@pytest.mark.parametrize(
    ("expr", "kink", "zeros"),
    [
        ("abs(a)**q", "Piecewise((oo, q < 1), (1, Eq(q, 1)), (0, True))", "q <= 1"),
        ("abs(a)+abs(a)**q", "Piecewise((oo, q < 1), (2, Eq(q, 1)), (1, True))", "True"),
        ("sqrt(abs(a))", "oo", "True"),
        ("indicator(a != 0)", "0", "True"),
        ("a", "1", "False"),
        ("a+abs(a)", "2", "True"),
        ("abs(a-1)", "-1", "False"),
        ("a**2", "0", "False"),
    ],
)
def test_exact_zeros(expr, kink, zeros):
    slope, found, _ = facts(expr)
    assert str(slope) == kink
    assert parse(kink) == slope
    assert str(found) == zeros


@pytest.mark.parametrize(("expr", "domain"), EVERYTHING)
def test_weight_is_slope_over_a(expr, domain):
    weight = shape.irls_weight(sides(penalty(expr, domain)))
    if weight is None:
        return
    names = penalty(expr, domain).parameters
    rest = [mpmath.mpf("1.5")] * len(names)
    for at in (0.23, 0.9, 1.7, 4.2):
        expected = weight.subs({y: sp.Float(at, 30), **dict.fromkeys(names, sp.Rational(3, 2))})
        if not expected.is_finite:
            continue
        slope = mpmath.diff(lambda x: mpmath.re(function(expr, domain)(x, *rest)), at)
        assert float(expected) == pytest.approx(float(slope) / at, rel=1e-6, abs=1e-9)


def test_certificates_are_never_wrong():
    k = sp.Symbol("k", positive=True)
    forms = [1 - sp.tanh(y), y**2 - y + 1, y**2 - 2 * y + 1, sp.log(1 + y) - y, y - k]
    forms += [sp.exp(-y) - 1, y**3 - 3 * y + 3, sp.cosh(y) - 1, -(y**2) - k * y, y**2 - y]
    expected = [1, 1, 1, None, None, -1, 1, 1, -1, None]
    assert [certain_sign(f) for f in forms] == expected
