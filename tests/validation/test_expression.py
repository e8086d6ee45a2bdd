"""Penalties as families, against families and integrals known in closed form."""

import mpmath
import numpy as np
import pytest
import sympy

import neglog
from neglog.priors.errors import InputError
from neglog.validation import density, fit
from neglog.validation.expression import penalty_family
from neglog.validation.normaliser import log_normaliser
from neglog.validation.profile import A

from .laws import TRUE, codes_of, draw

LAM, Q = sympy.symbols("lam q", positive=True)


def only(codes, family):
    return fit(codes, [family]).iloc[0]


@pytest.mark.parametrize(
    ("expression", "name", "same"),
    [
        ("log(1+abs(a))", "lomax", lambda p, f: (p["lam"], p["scale"], f["c"] + 1, f["scale"])),
        (
            "log(1+a**2)",
            "half-t",
            lambda p, f: (
                2 * p["lam"] - 1,
                p["scale"] / np.sqrt(2 * p["lam"] - 1),
                f["df"],
                f["scale"],
            ),
        ),
        ("abs(a)", "exponential", lambda p, f: (1 / p["lam"], 1, f["scale"], 1)),
        ("a**2", "half-normal", lambda p, f: (1 / np.sqrt(2 * p["lam"]), 1, f["scale"], 1)),
        ("log(1+abs(a)/q)", "lomax", lambda p, f: (p["lam"], p["scale"], f["c"] + 1, f["scale"])),
    ],
)
def test_a_penalty_is_the_family_it_is_known_as(expression, name, same):
    codes = codes_of(draw(name, 1_000))
    penalty, family = only(codes, expression), only(codes, name)
    one, two, first, second = same(penalty, family)
    assert (one, two) == pytest.approx((first, second), rel=1e-3)
    assert penalty["loglik"] == pytest.approx(family["loglik"], abs=1e-5)
    assert penalty["flags"] == ""


def test_generalised_normal_nests_normal_and_exponential():
    codes = codes_of(draw("half-normal", 2_000), draw("exponential", 2_000))
    table = fit(codes, ["abs(a)**q"])
    for q, true, error in zip(table["q"], (2, 1), table["se_q"], strict=True):
        assert abs(q - true) < 4 * error < 0.5


def test_three_parameters():
    fitted = only(codes_of(draw("lomax", 5_000)), "log(1+abs(a)**q)")
    assert fitted["flags"] == ""
    assert abs(fitted["q"] - 1) < 4 * fitted["se_q"]
    assert fitted["loglik"] >= only(codes_of(draw("lomax", 5_000)), "lomax")["loglik"] - 1e-4


@pytest.mark.parametrize("expression", ["log(cosh(a))", "sqrt(1+a**2)-1", "log(1+abs(a)**q)"])
def test_fitted_densities_integrate_to_one(expression):
    row = penalty_family(expression)
    fitted = only(codes_of(draw("half-t", 2_000)), expression)
    pdf = density(row, {name: fitted[name] for name in row.params})
    u = np.linspace(-40, 40, 200_001)
    assert np.trapezoid(pdf(np.exp(u)) * np.exp(u), u) == pytest.approx(1, abs=1e-6)


def test_an_improper_penalty_is_flagged():
    fitted = only(codes_of(draw("exponential", 100)), "tanh(abs(a))")
    assert fitted["flags"].endswith("no-fit")
    assert np.isnan(fitted["loglik"])
    assert not fitted["best"]


@pytest.mark.parametrize(
    ("energy", "at", "exact"),
    [
        (LAM * A, {LAM: 3.0}, -mpmath.log(3)),
        (LAM * sympy.log(1 + A), {LAM: 1.2}, -mpmath.log(0.2)),
        (LAM * A**Q, {LAM: 2.0, Q: 0.5}, mpmath.log(0.5)),
        (
            LAM * sympy.Piecewise((A**2 / 2, A < 1), (A - sympy.Rational(1, 2), True)),
            {LAM: 2.0},
            mpmath.log(mpmath.quad(lambda a: mpmath.exp(-(a**2)), [0, 1]) + mpmath.exp(-1) / 2),
        ),
    ],
)
def test_normaliser_and_its_slopes(energy, at, exact):
    symbols = list(at)
    expression, known = log_normaliser(symbols, energy)
    x = np.array(list(at.values()))

    def log_z(*shift):
        return float(known["log_z"](*(x + np.array(shift))))

    assert log_z(*np.zeros(len(x))) == pytest.approx(float(exact), abs=1e-9)
    h = 1e-4
    for i, step in enumerate(np.eye(len(x)) * h):
        slope = (log_z(*step) - log_z(*-step)) / (2 * h)
        curve = (log_z(*step) - 2 * log_z(*0 * step) + log_z(*-step)) / h**2
        assert float(known[f"log_z_{i}"](*x)) == pytest.approx(slope, rel=1e-5)
        assert float(known[f"log_z_{i}_{i}"](*x)) == pytest.approx(curve, rel=1e-3)
    assert sympy.diff(expression, symbols[0]).func.__name__ == "log_z_0"


def test_a_divergent_integral_is_infinite():
    _, known = log_normaliser([LAM], LAM * sympy.log(1 + A))
    assert known["log_z"](np.array([0.9, 3.0])).tolist()[0] == np.inf
    assert known["log_z"](np.array([0.9, 3.0]))[1] == pytest.approx(-np.log(2))


def test_penalty_records_and_catalogue_names_are_families():
    codes = codes_of(draw("exponential", 200, **TRUE["exponential"]))
    phi = neglog.penalty("log(1+abs(a))", domain="positive")
    assert only(codes, phi)["loglik"] == only(codes, "log(1+abs(a))")["loglik"]
    assert only(codes, "laplace")["lam"] == pytest.approx(1 / codes[codes > 0].mean())


@pytest.mark.parametrize("bad", ["log(1+sum(abs(a)))", "__import__('os')", "2+", "1"])
def test_bad_penalties(bad):
    with pytest.raises(InputError):
        fit(np.ones((4, 2)), [bad])
