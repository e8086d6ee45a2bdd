"""Several totals: propriety by proof, numbers by cubature, against scipy's own integrals."""

import numpy as np
import pytest
import sympy as sp

from neglog.derivations.api import penalty
from neglog.derivations.compile.numpy_backend import function
from neglog.derivations.joint.cubature import cubature
from neglog.derivations.joint.dependence import dependence
from neglog.derivations.joint.features import in_features, stable_logs
from neglog.derivations.joint.joint import derive_joint
from neglog.derivations.joint.propriety import growth_of
from neglog.derivations.joint.totals import in_totals, one_total
from neglog.derivations.joint.two_features import closed_normalizer
from neglog.priors.symbols import d, lam, parameter
from neglog.priors.text import parse, parse_condition

from .table import IMPROPER, SEVERAL, UNKNOWN

rows = pytest.mark.parametrize("row", SEVERAL, ids=str)


def verdict(text, domain="real"):
    phi = penalty(text, domain)
    expr = in_totals(phi)
    return growth_of(expr, domain, one_total(expr, domain))


@rows
def test_propriety(row):
    when = verdict(row.expr).propriety.when
    assert when is not None
    expected = parse_condition(row.when)
    for strength in (0.2, 0.51, 0.9, 1.4, 2.6):
        for size in (1, 2, 3, 5):
            at = {lam: strength, d: size, parameter("c"): 0.5}
            assert when.subs(at) == expected.subs(at)


@pytest.mark.parametrize("text", IMPROPER)
def test_improper(text):
    assert verdict(text).propriety.proper == "never"


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_is_not_known_is_not_claimed(text):
    found = verdict(text).propriety
    assert found.proper == "unknown"
    assert found.reason


def test_a_rule_without_a_proof_would_show():
    """Mass in growing boxes: it settles where the prior is said to be proper, and only there."""
    for text, strength, settles in (
        ("sum(log(1+abs(a)))+log(1+sum(abs(a)))", 0.9, True),
        ("sum(log(1+abs(a)))+log(1+sum(abs(a)))", 0.6, False),
        ("sum(abs(a))**2-sum(a**2)", 1.0, False),
    ):
        names, phi = in_features(penalty(text).expr, 2)
        f = sp.lambdify(names, phi, "numpy")

        def mass(top, f=f, strength=strength):
            t = np.linspace(-42, np.log(top), 1500)
            x, y = np.meshgrid(np.exp(t), np.exp(t))
            return (np.exp(-strength * f(x, y)) * x * y).sum() * (t[1] - t[0]) ** 2

        gains = np.diff([mass(10.0**k) for k in (4, 8, 12, 16)])
        assert (gains[-1] < 0.5 * gains[0]) == settles


@rows
def test_numbers_equal_another_rule(row):
    if row.when == "d > 2":
        return
    numbers = {parameter(k): sp.Rational(repr(v)) for k, v in row.at.items()}
    expr = in_totals(penalty(row.expr))
    got = cubature(expr, numbers, row.lam, 2, 4.0)
    names, phi = in_features(expr, 2)
    phi = stable_logs(phi.subs(numbers))
    run = function(names, [phi])
    # Gauss–Legendre panels in log|a|: neither the cubature's map nor its rule
    node, weight = np.polynomial.legendre.leggauss(40)
    edges = np.linspace(-20.0, 8.0 if row.when == "True" else 14.0, 13)
    half = np.diff(edges)[:, None] / 2
    y = np.exp((edges[:-1, None] + half * (node + 1)).ravel())
    w = (half * weight).ravel() * y
    p = np.exp(-row.lam * run(y[:, None], y[None, :])[0]) * w[:, None] * w[None, :]
    z, together = p.sum(), (p * y[:, None] * y[None, :]).sum()
    assert got.normalizer[0] * np.exp(got.log_scale) == pytest.approx(4 * z, rel=1e-6)
    assert abs(got.normalizer[1]) < 1e-3 * got.normalizer[0]
    assert got.product[0] == pytest.approx(together / z, rel=1e-5)


def test_closed_normaliser_of_two_features():
    expr = in_totals(penalty("sum(abs(a)) + c*(sum(abs(a))**2 - sum(a**2))/2"))
    found = closed_normalizer(expr, "real", sp.true, 2)
    assert found is not None
    known = parse("4*exp(lam/c)*expint(1, lam/c)/(c*lam)")
    assert sp.simplify(found.expr - known) == 0
    assert closed_normalizer(expr, "real", sp.true, 1).expr == 2 / lam


def test_each_feature_of_pairwise_exclusion_is_laplace_given_the_others():
    found = derive_joint(penalty("sum(abs(a)) + c*(sum(abs(a))**2 - sum(a**2))/2"))
    assert found.conditional.startswith("Laplace: laplace(scale=1/(lam*(S_1*c + 1)))")
    assert found.dependence == "exclusive"


def test_signed_sums_are_refused():
    found = derive_joint(penalty("sum(a)**2 + sum(a**2)"))
    assert found.dependence == "unknown"
    assert "not even" in found.dependence_reason


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("log(1+sum(abs(a))**2)", [("s < 1", "exclusive"), ("s > 1", "coactivating")]),
        ("sum(a**2)**q", [("q < 1", "coactivating"), ("q > 1", "exclusive")]),
    ],
)
def test_regions(text, regions):
    expr = in_totals(penalty(text))
    found = dependence(expr, "real", one_total(expr, "real")).regions
    assert [(r["where"], r["features"]) for r in found] == regions
