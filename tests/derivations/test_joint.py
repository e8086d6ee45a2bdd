"""Joint priors: conditions, normalisers and dependence against brute force and samples."""

import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import dblquad

from neglog.derivations.api import penalty
from neglog.derivations.integrals.closed import points_where
from neglog.derivations.numbers import substitute
from neglog.priors.symbols import Largest, Multiple, Total, a, d, lam
from neglog.priors.text import parse, parse_condition

sys.path.insert(0, str(Path(__file__).parent))
from table import JOINT

rows = pytest.mark.parametrize("row", JOINT, ids=str)
proper_rows = pytest.mark.parametrize("row", [r for r in JOINT if r.when != "False"], ids=str)


def on_two(expr):
    """φ(a₁, a₂) as a numpy function, by writing the reductions out."""
    p, q = sp.symbols("p q", real=True)
    both = expr.replace(Total, lambda f: f.subs(a, p) + f.subs(a, q))
    both = both.replace(Multiple, lambda f: f.subs(a, p) * f.subs(a, q))
    both = both.replace(Largest, lambda f: sp.Max(f.subs(a, p), f.subs(a, q)))
    return sp.lambdify([p, q], both.subs(d, 2), "numpy")


@pytest.mark.thinned(2)
@rows
def test_condition(row, document):
    doc = document(row.expr)
    assert parse_condition(doc["proper_when"]) == parse_condition(row.when)


@rows
def test_dependence(row, document):
    assert document(row.expr)["dependence"] == row.dependence


@rows
def test_dependence_is_the_sign_of_the_cross_derivative(row, document):
    f = on_two(penalty(row.expr).expr)
    rng = np.random.default_rng(3)
    u, v = rng.gamma(1, 1, (2, 4000))
    du, dv = 0.3 * rng.random((2, 4000))
    cross = f(u + du, v + dv) - f(u + du, v) - f(u, v + dv) + f(u, v)
    least, most = cross.min(), cross.max()
    verdict = document(row.expr)["dependence"]
    expected = {
        "independent": abs(least) < 1e-9 and abs(most) < 1e-9,
        "coactivating": most < 1e-9 and least < -1e-6,
        "exclusive": least > -1e-9 and most > 1e-6,
        "mixed": least < -1e-6 and most > 1e-6,
    }
    assert expected[verdict]


@proper_rows
def test_normaliser_for_symbolic_d(row, document):
    if row.normalizer is None:
        return
    found = parse(document(row.expr)["normalizer"])
    known = parse(row.normalizer)
    for point in points_where(parse_condition(row.when), {d}, 3):
        assert float(substitute(found, point, 30).evalf()) == pytest.approx(
            float(substitute(known, point, 30).evalf()), rel=1e-12
        )


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(r, id=str(r), marks=() if i < 3 else pytest.mark.slow)
        for i, r in enumerate(r for r in JOINT if r.when != "False")
    ],
)
def test_numbers_equal_a_double_integral(row, document):
    strength = 6.3
    numeric = document(row.expr, dim=2, lam=str(strength))["numeric"]
    f = on_two(penalty(row.expr).expr)

    def expect(weight):
        # t = u/(1+u) maps each half line to (0, 1)
        def inner(s, t):
            u, v = s / (1 - s), t / (1 - t)
            return weight(u, v) * np.exp(-strength * f(u, v)) / (1 - s) ** 2 / (1 - t) ** 2

        return dblquad(inner, 0, 1 - 1e-9, 0, 1 - 1e-9, epsabs=1e-11, epsrel=1e-9)[0]

    z = expect(lambda u, v: 1.0)
    assert float(numeric["normalizer"]) == pytest.approx(4 * z, rel=1e-5)
    mean = expect(lambda u, v: u) / z
    square = expect(lambda u, v: u * u) / z
    together = expect(lambda u, v: u * v) / z
    assert float(numeric["mean_abs"]) == pytest.approx(mean, rel=1e-5)
    assert float(numeric["variance"]) == pytest.approx(square, rel=1e-4)
    correlation = (together - mean**2) / (square - mean**2)
    assert float(numeric["correlation"]) == pytest.approx(correlation, abs=1e-4)


def test_product_at_two(document):
    doc = document("prod(1+abs(a))", dim=2, lam="0.7")
    assert float(doc["numeric"]["normalizer"]) == pytest.approx(2.135821961334338, rel=1e-14)
    assert float(doc["numeric"]["correlation"]) == pytest.approx(-0.2738605735353315, rel=1e-12)
    assert sp.simplify(parse(doc["normalizer"]) - 4 * sp.expint(1, lam) / lam) == 0
    assert doc["conditional"].startswith("Laplace")


def test_lomax_correlation(document):
    doc = document("log(1+sum(abs(a)))", dim=2, lam="5.5")
    assert float(doc["numeric"]["correlation"]) == pytest.approx(2 / 7, rel=1e-14)
    value = parse(doc["moments"]["correlation"]["value"])
    assert sp.simplify(value - 1 / (lam - d)) == 0
    assert parse_condition(doc["moments"]["correlation"]["when"]) == (lam > d + 2)


def test_samples_by_the_simplex_picture_have_the_stated_correlation(document):
    """u = log(1+|a|) = s·Dirichlet(1,1) with s ~ s e^{s − λe^s}: the product prior at d = 2."""
    rng = np.random.default_rng(0)
    grid = np.linspace(1e-6, 6, 20_001)
    weight = grid * np.exp(grid - 0.7 * np.exp(grid))
    s = rng.choice(grid, p=weight / weight.sum(), size=400_000)
    split = rng.random(s.size)
    x, y = np.expm1(s * split), np.expm1(s * (1 - split))
    stated = float(document("prod(1+abs(a))", dim=2, lam="0.7")["numeric"]["correlation"])
    assert np.corrcoef(x, y)[0, 1] == pytest.approx(stated, abs=0.006)


def test_a_sign_that_depends_on_a_parameter_is_not_called_mixed(document):
    doc = document("sum(abs(a)**q)**(1/q)")
    assert doc["dependence"] == "unknown"
    assert "depends on the parameters" in doc["dependence_reason"]


def test_scale_invariance_is_the_reason(document):
    assert "scaled" in document("sum(abs(a))**2/sum(a**2)")["reason"]


def test_many_features(document):
    """At d = 1,536 the total s of the product prior is 5.61 ± 0.056 and pairs barely exclude."""
    numeric = document("prod(1+abs(a))", dim=1536, lam="1")["numeric"]
    assert -2 / 1536 < float(numeric["correlation"]) < 0
