"""Laws by name, each equal to scipy's density, also where they have another name."""

import sys
from pathlib import Path

import pytest
import sympy as sp

from neglog.priors.symbols import lam

sys.path.insert(0, str(Path(__file__).parent))
from numerics import density, integrate, points, proper_row, scipy_law

PLACES = (0.07, 0.9, 2.3)


def equals_scipy(row, text, point):
    frozen = scipy_law(text, point)
    f, z = density(row, point), integrate(row, point)
    mirrored = [-x for x in PLACES] if row.domain == "real" else []
    for x in [*PLACES, *mirrored]:
        assert frozen.pdf(x) == pytest.approx(f(x) / z, rel=1e-6, abs=1e-12)


@proper_row
def test_law_is_named_and_equals_scipy(row, document):
    law = document(row.expr, row.domain)["law"]
    assert (law and law["name"]) == row.law
    if law is None or law["scipy"] is None or "when" in law:
        return
    for point in points(row, 2):
        equals_scipy(row, law["scipy"], point)


@proper_row
def test_special_names_equal_scipy_where_they_hold(row, document):
    law = document(row.expr, row.domain)["law"] or {}
    for when, case in law.get("cases", {}).items():
        assert when == "Eq(lam, 1)"
        if case["scipy"] is not None:
            point = {**points(row, 1)[0], lam: sp.S.One}
            equals_scipy(row, case["scipy"], point)


@pytest.mark.parametrize(
    ("expr", "domain", "name", "at_one"),
    [
        ("log(1+a**2)", "real", "Student t", "Cauchy"),
        ("log(1+a**2)", "positive", "half Student t", "half-Cauchy"),
        ("log(cosh(a))", "real", "generalised hyperbolic secant", "hyperbolic secant"),
        ("a+2*log(1+exp(-a))", "real", "generalised hyperbolic secant", "logistic"),
        ("a+exp(-a)", "real", "reflected log-gamma", "Gumbel"),
        ("exp(a)-a", "real", "log-gamma", "Gumbel"),
        ("a**2/2-log(a)", "positive", "generalised gamma", "Rayleigh"),
    ],
)
def test_a_law_at_unit_strength(expr, domain, name, at_one, document):
    law = document(expr, domain)["law"]
    assert law["name"] == name
    assert law["cases"]["Eq(lam, 1)"]["name"] == at_one


def test_the_horseshoe_is_named_at_unit_strength_only(document):
    law = document("horseshoe")["law"]
    assert law == {"name": "horseshoe", "scipy": None, "when": "Eq(lam, 1)"}
