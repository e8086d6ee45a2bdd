"""Each law of the derivation, over the whole table of penalties."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import sympy as sp
from scipy.integrate import quad

from neglog.derivations.api import penalty
from neglog.derivations.closed import points_where
from neglog.derivations.numbers import substitute
from neglog.priors.symbols import a, lam
from neglog.priors.text import parse, parse_condition

sys.path.insert(0, str(Path(__file__).parent))
from table import ROWS

rows = pytest.mark.parametrize("row", ROWS, ids=str)
proper_rows = pytest.mark.parametrize("row", [r for r in ROWS if r.proper != "never"], ids=str)


def points(row, count=2):
    """Sample points at which the row's condition holds with room to spare."""
    names = set(penalty(row.expr, row.domain).parameters)
    return points_where(parse_condition(row.when), names, count)


def density(row, point):
    """exp(−λφ) in floats; numpy overflows to inf where it must, and exp(−inf) is 0."""
    expr = substitute(-lam * penalty(row.expr, row.domain).expr, point, 20)
    exponent = sp.lambdify(a, expr, ["scipy", "numpy"])

    def f(x):
        with np.errstate(all="ignore"):
            return float(np.exp(exponent(np.float64(x))))

    return f


def integrate(row, point, weight=lambda x: 1.0):
    """∫ weight·exp(−λφ) by scipy's adaptive rule: independent of the library's quadrature."""
    f = density(row, point)
    edges = range(-120, 100, 2)  # of t = log x: heavy tails fade exponentially in t

    def both_signs(x):
        right = f(x) * weight(x)
        return right if row.domain == "positive" else right + f(-x) * weight(-x)

    def in_logs(t):
        return both_signs(np.exp(t)) * np.exp(t)

    return sum(quad(in_logs, lo, hi, limit=200)[0] for lo, hi in pairwise(edges))


@rows
def test_propriety_and_condition(row, document):
    doc = document(row.expr, row.domain)
    assert doc["proper"] == row.proper, doc["reason"]
    assert sp.simplify(parse_condition(doc["proper_when"])) == parse_condition(row.when)
    assert doc["reason"].endswith(".")


@rows
def test_improper_has_no_normaliser(row, document):
    doc = document(row.expr, row.domain)
    if row.proper == "never":
        assert doc["normalizer"] is None
        assert doc["law"] is None
        assert not doc["moments"]


@proper_rows
def test_normaliser_equals_the_known_form(row, document):
    doc = document(row.expr, row.domain)
    if row.normalizer is None:
        return
    assert doc["normalizer"] is not None
    assert doc["verified_digits"] >= 20
    found, known = parse(doc["normalizer"]), parse(row.normalizer)
    for point in points(row, 3):
        assert complex(substitute(found, point, 25).evalf()) == pytest.approx(
            complex(substitute(known, point, 25).evalf()), rel=1e-13
        )


@proper_rows
def test_density_integrates_to_one(row, document):
    doc = document(row.expr, row.domain)
    if doc["normalizer"] is None:
        return
    for point in points(row, 1):
        z = float(substitute(parse(doc["normalizer"]), point, 25).evalf())
        assert integrate(row, point) / z == pytest.approx(1, rel=1e-6)


@proper_rows
def test_moments_equal_quadrature(row, document):
    moments = document(row.expr, row.domain)["moments"]
    point = points(row, 1)[0]
    point[lam] = point[lam] + 4 if "lam <" not in row.when and "< 2" not in row.when else point[lam]
    if not all(m["when"] == "True" or _holds(m["when"], point) for m in moments.values()):
        return
    z = integrate(row, point)
    mean_abs = integrate(row, point, abs) / z
    if moments["mean_abs"]["value"] is not None:
        value = float(substitute(parse(moments["mean_abs"]["value"]), point, 25).evalf())
        assert value == pytest.approx(mean_abs, rel=1e-5)
    if moments["variance"]["value"] is not None:
        mean = integrate(row, point, lambda x: x) / z
        variance = integrate(row, point, lambda x: x * x) / z - mean**2
        value = float(substitute(parse(moments["variance"]["value"]), point, 25).evalf())
        assert value == pytest.approx(variance, rel=1e-4)


def _holds(when, point):
    return substitute(parse_condition(when), point, 20) == sp.true


@proper_rows
def test_cdf_and_quantile(row, document):
    doc = document(row.expr, row.domain)
    if doc["cdf"] is None:
        return
    point = points(row, 1)[0]
    cdf = sp.lambdify(a, substitute(parse(doc["cdf"]), point, 20), "mpmath")
    f, z = density(row, point), integrate(row, point)
    for lo, hi in ((0.2, 0.7), (1.0, 3.0)):
        mass = quad(f, lo, hi)[0] / z
        assert float(cdf(hi) - cdf(lo)) == pytest.approx(mass, rel=1e-7)
    if doc["quantile"] is not None:
        u = sp.Symbol("u", positive=True)
        quantile = sp.lambdify(u, substitute(parse(doc["quantile"]), point, 20), "mpmath")
        for q in (0.1, 0.4, 0.9):
            assert float(cdf(quantile(q))) == pytest.approx(q, rel=1e-10)


@proper_rows
def test_entropy_equals_quadrature(row, document):
    doc = document(row.expr, row.domain)
    if doc["entropy"] is None:
        return
    point = points(row, 1)[0]
    point[lam] = point[lam] + 2 if "<" not in row.when else point[lam]
    f, z = density(row, point), integrate(row, point)

    def surprise(x):
        p = f(x) / z
        return -np.log(p) if p > 0 else 0.0

    value = float(substitute(parse(doc["entropy"]), point, 25).evalf())
    assert value == pytest.approx(integrate(row, point, surprise) / z, rel=1e-5, abs=1e-6)


@proper_rows
def test_law_is_named_and_equals_scipy(row, document):
    law = document(row.expr, row.domain)["law"]
    if row.law is None:
        return
    assert law is not None
    assert law["name"] == row.law
    if law["scipy"] is None:
        return
    for point in points(row, 2):
        frozen = scipy_law(law["scipy"], point)
        f, z = density(row, point), integrate(row, point)
        for x in (0.07, 0.9, 2.3):
            assert frozen.pdf(x) == pytest.approx(f(x) / z, rel=1e-6)


def scipy_law(text, point):
    """The frozen law that ``law.scipy`` writes, its numbers taken from the point."""
    name, _, inside = text.partition("(")
    positional, named = [], {}
    for part in filter(None, inside.removesuffix(")").split(", ")):
        key, equals, value = part.rpartition("=")
        number = float(substitute(parse(value), point, 20).evalf())
        if equals:
            named[key] = number
        else:
            positional.append(number)
    return getattr(scipy.stats, name)(*positional, **named)


@rows
def test_tail_class(row, document):
    doc = document(row.expr, row.domain)
    if row.tail is not None:
        assert doc["tail"]["class"] == row.tail


def test_at_gives_numbers(document):
    doc = document("log(1+abs(a))", "real", lam="3.5")
    assert float(doc["numeric"]["normalizer"]) == pytest.approx(0.8, abs=1e-15)
    assert float(doc["numeric"]["mean_abs"]) == pytest.approx(2 / 3, abs=1e-15)
    assert document("log(1+abs(a))", "real", lam="0.5")["numeric"]["normalizer"] == "oo"
    assert document("log(1+abs(a))", "real", lam="1.5")["numeric"]["mean_abs"] == "oo"


def test_numbers_without_closed_form_have_an_error(document):
    doc = document("a**2+sin(a)**2/3", "real", lam="1.5")
    truth = quad(lambda x: np.exp(-1.5 * (x**2 + np.sin(x) ** 2 / 3)), -20, 20)[0]
    assert float(doc["numeric"]["normalizer"]) == pytest.approx(truth, rel=1e-10)
    assert 0 < float(doc["numeric"]["error"]) < 1e-12
