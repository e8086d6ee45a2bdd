"""One table over the families: density, fit, standard errors, scipy."""

import numpy as np
import pytest
from scipy import integrate, optimize

from neglog.validation import FAMILIES, density, fit, log_density, scipy_law

from .laws import SCIPY, TRUE, codes_of, draw, law


def row(table, family):
    return table[table["family"] == family].iloc[0]


def test_every_family_is_in_the_table():
    assert list(TRUE) == list(FAMILIES)


@pytest.mark.parametrize("name", TRUE)
def test_density_integrates_to_one(name):
    pdf = density(name, TRUE[name])
    # in log a, where every one of them is smooth and short-tailed enough for quadrature
    mass, _ = integrate.quad(lambda u: pdf(np.exp(u)) * np.exp(u), -60, 60, limit=500, points=[0.0])
    assert mass == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", SCIPY)
def test_density_is_scipys(name):
    a = np.geomspace(1e-6, 1e3, 200)
    with np.errstate(all="ignore"):
        expected = law(name, TRUE[name]).logpdf(a)
    np.testing.assert_allclose(log_density(name, TRUE[name])(a), expected, rtol=1e-9, atol=1e-9)
    assert scipy_law(name, TRUE[name]).mean() == law(name, TRUE[name]).mean()


@pytest.mark.parametrize("name", TRUE)
def test_fit_finds_the_planted_parameters(name):
    fits = fit(codes_of(draw(name, 20_000)), [name])
    for parameter, true in TRUE[name].items():
        error = row(fits, name)[f"se_{parameter}"]
        assert abs(row(fits, name)[parameter] - true) < 4.5 * error
        assert 0 < error < 0.2 * abs(true) + 0.02
    assert fits["flags"].tolist() == [""]


@pytest.mark.parametrize("name", TRUE)
def test_loglik_is_that_of_the_density_and_a_maximum(name):
    a = draw(name, 500, seed=3)
    fitted = row(fit(codes_of(a), [name]), name)
    params = {p: float(fitted[p]) for p in TRUE[name]}
    assert log_density(name, params)(a).sum() == pytest.approx(fitted["loglik"], abs=1e-7)

    def worse(x):
        return -log_density(name, dict(zip(params, x, strict=True)))(a).sum()

    best = optimize.minimize(worse, list(params.values()), method="Nelder-Mead", tol=1e-10)
    assert -best.fun <= fitted["loglik"] + 1e-6 * len(a)


@pytest.mark.parametrize("name", TRUE)
def test_standard_errors_are_those_of_the_numerical_hessian(name):
    a = draw(name, 2_000, seed=5)
    fitted = row(fit(codes_of(a), [name]), name)
    x = np.array([float(fitted[p]) for p in TRUE[name]])

    def loglik(step):
        return log_density(name, dict(zip(TRUE[name], x * (1 + step), strict=True)))(a).sum()

    k, h = len(x), 1e-4
    eye = np.eye(k) * h
    hessian = np.array(
        [
            [
                loglik(eye[i] + eye[j]) - loglik(eye[i] - eye[j])
                - loglik(eye[j] - eye[i]) + loglik(-eye[i] - eye[j])
                for j in range(k)
            ]
            for i in range(k)
        ]
    ) / (4 * h * h)  # fmt: skip
    expected = np.abs(x) * np.sqrt(np.diag(np.linalg.inv(-hessian)))
    errors = [float(fitted[f"se_{p}"]) for p in TRUE[name]]
    np.testing.assert_allclose(errors, expected, rtol=2e-3)


@pytest.mark.parametrize("name", TRUE)
def test_standard_errors_are_the_spread_over_simulations(name):
    fits = fit(codes_of(*(draw(name, 400, seed=seed) for seed in range(300))), [name])
    for parameter in TRUE[name]:
        values = fits[parameter].to_numpy()
        inner = np.quantile(values, [0.1587, 0.8413])  # half-t and Lomax shapes have long tails
        assert np.nanmedian(fits[f"se_{parameter}"]) == pytest.approx(np.ptp(inner) / 2, rel=0.25)


@pytest.mark.parametrize("name", SCIPY)
@pytest.mark.parametrize("truth", ["exponential", "half-cauchy", "log-normal", "gamma"])
def test_never_worse_than_scipy(name, truth):
    columns = [draw(truth, 200, seed=seed) for seed in range(4)]
    fits = fit(codes_of(*columns), [name])
    for a, own in zip(columns, fits["loglik"], strict=True):
        shapes = scipy_law(name, TRUE[name]).dist.fit(a, floc=0)
        theirs = scipy_law(name, TRUE[name]).dist(*shapes)
        if name == "generalised-pareto" and shapes[0] < -1:
            continue  # there the likelihood is unbounded: not an optimum
        assert theirs.logpdf(a).sum() <= own + 1e-6 * len(a)
