"""Closed CDFs and quantiles, over the table of penalties."""

import sys
from pathlib import Path

import pytest
import sympy as sp
from scipy.integrate import quad

from neglog.derivations.numbers import substitute
from neglog.priors.symbols import a
from neglog.priors.text import parse

sys.path.insert(0, str(Path(__file__).parent))
from numerics import density, integrate, points, proper_row

PLACES = ((0.2, 0.7), (1.1, 2.3), (2.3, 3.0))


@pytest.mark.thinned(2)
@proper_row
def test_cdf_is_the_integral_of_the_density(row, document):
    doc = document(row.expr, row.domain)
    if doc["cdf"] is None:
        return
    point = points(row, 1)[0]
    cdf = sp.lambdify(a, substitute(parse(doc["cdf"]), point, 20), "mpmath")
    f, z = density(row, point), integrate(row, point)
    mirrored = [(-hi, -lo) for lo, hi in PLACES] if row.domain == "real" else []
    for lo, hi in [*PLACES, *mirrored]:
        mass = quad(f, lo, hi, points=[p for p in (1, -1) if lo < p < hi] or None)[0] / z
        assert float(cdf(hi) - cdf(lo)) == pytest.approx(mass, rel=1e-7, abs=1e-12)


@proper_row
def test_quantile_inverts_the_cdf(row, document):
    doc = document(row.expr, row.domain)
    if doc["quantile"] is None:
        return
    point = points(row, 1)[0]
    cdf = sp.lambdify(a, substitute(parse(doc["cdf"]), point, 20), "mpmath")
    u = sp.Symbol("u", positive=True)
    quantile = sp.lambdify(u, substitute(parse(doc["quantile"]), point, 20), "mpmath")
    for probability in (0.1, 0.4, 0.9):
        assert float(cdf(quantile(probability))) == pytest.approx(probability, rel=1e-10)
