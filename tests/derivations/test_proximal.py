"""Proximal maps: never worse than a grid, in every regime, and equal to the known operators."""

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
from neglog.derivations.document import _prox
from neglog.derivations.half_line import sides
from neglog.derivations.proximal.closed_map import proximal
from neglog.priors.symbols import a
from neglog.priors.text import parse, parse_condition

sys.path.insert(0, str(Path(__file__).parent))
from table import ROWS

MCP = "Piecewise((abs(a)-a**2/(2*k),abs(a)<k),(k/2,True))"
SCAD = (
    "Piecewise((abs(a),abs(a)<=1),((2*3.7*abs(a)-a**2-1)/(2*(3.7-1)),abs(a)<=3.7),((3.7+1)/2,True))"
)

# Closed, with the expected threshold for k = 3/2 at c = 0.3 and at c = 5 (None: not asserted).
CLOSED = [
    ("abs(a)", "real", 0.3, 5.0),
    ("a**2", "real", 0.0, 0.0),
    ("abs(a)+k*a**2", "real", 0.3, 5.0),
    ("sqrt(abs(a))", "real", 1.5 * 0.3 ** (2 / 3), 1.5 * 5 ** (2 / 3)),
    ("abs(a)**(2/3)", "real", None, None),
    ("abs(a)**(3/2)", "real", 0.0, 0.0),
    ("abs(a)**(4/3)", "real", 0.0, 0.0),
    ("abs(a)**3", "real", 0.0, 0.0),
    ("a**4", "real", 0.0, 0.0),
    ("log(1+abs(a)/k)", "real", 0.2, None),
    ("log(1+a**2)", "real", 0.0, 0.0),
    ("log(1+a**2/k**2)", "real", 0.0, 0.0),
    ("huber", "real", 0.0, 0.0),
    (MCP, "real", 0.3, np.sqrt(7.5)),
    (SCAD, "real", 0.3, np.sqrt(23.5)),
    ("min(abs(a),k)", "real", 0.3, np.sqrt(15)),
    ("indicator(a != 0)", "real", np.sqrt(0.6), np.sqrt(10)),
    ("k*indicator(a != 0)", "real", np.sqrt(0.9), np.sqrt(15)),
    ("(1+k)*abs(a)/(k+abs(a))", "real", 0.5, np.sqrt(25) - 0.75),
    ("1-exp(-abs(a))", "real", 0.3, None),
    ("atan(abs(a))", "real", None, None),
    ("a-k*log(a)", "positive", None, None),
    ("-log(a)", "positive", None, None),
    ("a+1/a", "positive", None, None),
    ("a*log(a)", "positive", None, None),
    ("Piecewise((0, abs(a)<1))", "real", 0.0, 0.0),
    ("Piecewise((abs(a), abs(a)<k))", "real", 0.3, 5.0),
    ("max(abs(a)-k,0)", "real", 0.0, 0.0),
    ("max(a,0)", "real", 0.3, 5.0),
    ("abs(a-1)", "real", None, None),
    ("abs(a-1)", "positive", None, None),
    ("max(3*a/10,-7*a/10)", "real", 0.09, 1.5),
    ("a+abs(a)", "real", 0.6, 10.0),
    ("a+exp(-a)", "real", None, None),
    ("min(abs(a),1)+k*abs(a)", "real", 0.75, np.sqrt(10) + 7.5),
    ("abs(a)/c", "real", None, None),
]  # fmt: skip
closed = pytest.mark.parametrize(("expr", "domain", "weak", "strong"), CLOSED)


@cache
def document(expr, domain="real"):
    phi = penalty(expr, domain)
    return _prox(proximal(phi, sides(phi)))


@cache
def compiled(text, names):
    symbols = [a if n == "a" else sp.Symbol(n, positive=True) for n in names]
    condition = text in ("True", "False") or ("<" in text and "Piecewise" not in text)
    meant = parse_condition(text) if condition else parse(text)
    if meant in (sp.true, sp.false):
        return lambda *_: mpmath.mpf(meant == sp.true)
    return sp.lambdify(symbols, meant, [{"LambertW": mpmath.lambertw}, "mpmath"])


def at(text, prox, strength, x=1.0, **parameters):
    """The number that a text of the document means."""
    names = (prox["input"], prox["strength"], *parameters)
    value = compiled(text, names)(*map(mpmath.mpf, (x, strength, *parameters.values())))
    value = mpmath.mpmathify(value + 0)
    assert abs(mpmath.im(value)) < 1e-12
    return float(mpmath.re(value))


@cache
def cost(expr, domain):
    phi = penalty(expr, domain)
    return sp.lambdify([a, *phi.parameters], phi.expr, ["numpy", "scipy"])


def objective(expr, domain, strength, x, **parameters):
    """z ↦ ½(z − x)² + cφ(z) on an array."""

    def f(z):
        with np.errstate(all="ignore"):
            value = np.asarray(cost(expr, domain)(z, *parameters.values()), dtype=float)
        return 0.5 * (z - x) ** 2 + strength * (value + 0 * z)

    return f


def free(expr, domain):
    return {str(p) for p in penalty(expr, domain).parameters}


@pytest.mark.thinned(2)
@closed
@settings(max_examples=12, deadline=None)
@given(c=st.floats(0.02, 12), x=st.floats(0.01, 12), k=st.floats(0.3, 4))
def test_beats_a_grid(expr, domain, weak, strong, c, x, k):
    prox = document(expr, domain)
    assert prox is not None
    values = dict.fromkeys(free(expr, domain), k)
    inputs = [x] if prox["for"] != "real" else [x, -x]
    for given_x in inputs:
        f = objective(expr, domain, c, given_x, **values)
        z = at(prox["expr"], prox, c, given_x, **values)
        grid = np.concatenate([np.linspace(0, x + c + 5, 4001), [1.0, k]])
        if domain == "real":
            grid = np.concatenate([grid, -grid])
        best = np.nanmin(f(grid))
        # At an edge of a constraint a rounding leaves the domain: step inside by that much.
        mine = np.nanmin(f(np.array([z, z * (1 - 1e-12)])))
        assert mine <= best + 1e-8 * (1 + abs(best))


@closed
def test_threshold_is_where_it_leaves_zero(expr, domain, weak, strong):
    prox = document(expr, domain)
    values = dict.fromkeys(free(expr, domain), 1.5)
    for c, expected in ((0.3, weak), (5.0, strong)):
        if prox["threshold"] is None:
            continue
        threshold = at(prox["threshold"], prox, c, **values)
        if expected is not None:
            assert threshold == pytest.approx(expected, abs=1e-12)
        jump = at(prox["jump"], prox, c, **values)
        above = at(prox["expr"], prox, c, threshold * (1 + 1e-7) + 1e-7, **values)
        assert above > 0
        assert above == pytest.approx(jump, abs=2e-3)
        if threshold > 0:
            assert at(prox["expr"], prox, c, threshold * (1 - 1e-7), **values) == 0


@pytest.mark.thinned(2)
@closed
def test_continuity_is_as_stated(expr, domain, weak, strong):
    prox = document(expr, domain)
    values = dict.fromkeys(free(expr, domain), 1.5)
    grid = np.linspace(1e-4, 12, 1501)
    for c in (0.05, 0.3, 5.0):
        z = np.array([at(prox["expr"], prox, c, x, **values) for x in grid])
        assert (np.diff(z) >= -1e-9).all(), "a proximal map never falls"
        continuous = at(prox["continuous_when"], prox, c, **values)
        slack = 60 * (grid[1] - grid[0])  # of a steep but continuous one
        assert (np.diff(z).max() < slack) or not continuous


def soft(x, t):
    return np.sign(x) * max(abs(x) - t, 0)


@pytest.mark.parametrize("x", [0.2, 0.9, 1.3, 2.2, 6.0])
def test_equals_the_known_operators(x):
    assert at(document("abs(a)")["expr"], document("abs(a)"), 0.7, x) == pytest.approx(soft(x, 0.7))
    firm = x if x > 1.5 else soft(x, 0.7) / (1 - 0.7 / 1.5)
    prox = document(MCP)
    assert at(prox["expr"], prox, 0.7, x, k=1.5) == pytest.approx(firm)
    prox = document("indicator(a != 0)")
    assert at(prox["expr"], prox, 0.7, x) == pytest.approx(x if x > np.sqrt(1.4) else 0)
    prox = document("huber")
    clipped = x / 1.7 if x < 1.5 * 1.7 else x - 0.7 * 1.5
    assert at(prox["expr"], prox, 0.7, x, k=1.5) == pytest.approx(clipped)
    # Xu, Chang, Xu & Zhang, L1/2 regularization: a thresholding representation theory, 2012.
    prox = document("sqrt(abs(a))")
    angle = np.arccos(min(1, 0.7 / 4 * (x / 3) ** -1.5))
    half = 2 / 3 * x * (1 + np.cos(2 * np.pi / 3 - 2 * angle / 3))
    half = half if x > 1.5 * 0.7 ** (2 / 3) else 0
    assert at(prox["expr"], prox, 0.7, x) == pytest.approx(half)
    # Fan & Li, Variable selection via nonconcave penalized likelihood, 2001, at c = 1.
    prox = document(SCAD)
    fan = soft(x, 1) if x <= 2 else (2.7 * x - 3.7) / 1.7 if x <= 3.7 else x
    assert at(prox["expr"], prox, 1.0, x) == pytest.approx(fan)


@pytest.mark.parametrize(
    "expr", ["tanh(abs(a))", "a**2/(1+a**2)", "log(abs(a))", "-a**2", "log(1+log(1+abs(a)))"]
)
def test_nothing_is_claimed_where_nothing_is_closed(expr):
    assert document(expr) is None


@pytest.mark.thinned(2)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_rows_beat_a_grid(row):
    prox = document(row.expr, row.domain)
    if prox is None:
        return
    values = dict.fromkeys(free(row.expr, row.domain), 1.5)
    for c in (0.3, 2.7):
        for x in (0.2, 1.7, 4.0):
            f = objective(row.expr, row.domain, c, x, **values)
            z = at(prox["expr"], prox, c, x, **values)
            grid = np.linspace(1e-9, x + 2, 2001)
            best = np.nanmin(f(grid))
            assert np.nanmin(f(np.array([z, z - 1e-12]))) <= best + 1e-8
