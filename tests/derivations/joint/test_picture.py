"""The one picture: marginals, Kendall's τ, mixtures and budgets against samples and quadrature."""

import mpmath as mp
import numpy as np
import pytest
import scipy.stats
import sympy as sp
from scipy.integrate import quad

from neglog.derivations.api import penalty
from neglog.derivations.integrals.closed import points_where
from neglog.derivations.joint.budget import budget, shape
from neglog.derivations.joint.frozen import FrozenJoint
from neglog.derivations.joint.kendall import kendall, kendall_number
from neglog.derivations.joint.law_of_total import law_of_total
from neglog.derivations.joint.marginal import marginal
from neglog.derivations.joint.mixing import strength_mixture
from neglog.derivations.joint.propriety import growth_of
from neglog.derivations.joint.totals import in_totals, one_total
from neglog.priors.errors import InputError
from neglog.priors.symbols import a, d, lam
from neglog.priors.text import parse

from .table import BUDGET, KENDALL, MARGINAL, MIXTURE


def total_of(text):
    expr = in_totals(penalty(text))
    total = one_total(expr, "real")
    return total, growth_of(expr, "real", total).propriety.when


@pytest.mark.parametrize(
    ("text", "dim", "known"),
    [pytest.param(*row, marks=pytest.mark.slow if row[1] else ()) for row in KENDALL],
)
def test_kendall(text, dim, known):
    total, when = total_of(text)
    found = kendall(total, when, dim).value
    assert found is not None
    assert sp.simplify(found - parse(known)) == 0


def test_kendall_of_samples():
    for text, strength, dim in (("prod(1+abs(a))", 0.7, 2), ("sum(abs(a))**2", 1.0, 3)):
        total, _ = total_of(text)
        stated, error = kendall_number(total, {}, strength, dim)
        x = FrozenJoint(penalty(text), strength, dim).rvs(20_000, random_state=1)
        seen = scipy.stats.kendalltau(np.abs(x[:, 0]), np.abs(x[:, 1])).statistic
        assert error < 1e-9
        assert seen == pytest.approx(stated, abs=5 * 2 / 3 / np.sqrt(20_000))


def test_kendall_is_zero_where_features_are_independent():
    total, _ = total_of("sum(abs(a))")
    for dim in (2, 5, 300):
        assert kendall_number(total, {}, 1.3, dim)[0] == pytest.approx(0, abs=1e-11)
    with pytest.raises(InputError, match="simplex"):
        kendall_number(total_of("norm(a)")[0], {}, 1.0, 2)


@pytest.mark.parametrize(
    ("text", "dim", "known"),
    [pytest.param(*row, marks=pytest.mark.slow if row[0] == "norm(a)" else ()) for row in MARGINAL],
)
def test_marginal(text, dim, known):
    total, when = total_of(text)
    found = marginal(total, "real", when, dim)
    assert found is not None
    expected = parse(known)
    for point in points_where(when, {d} if dim is None else set(), 2):
        at = {**point, d: sp.Integer(dim or int(point[d]))}
        ratios = [
            complex(sp.N((found.density / expected).subs(at).subs(a, x), 20)) for x in (0.3, 1.1, 4)
        ]
        assert np.ptp(np.real(ratios)) < 1e-10 * abs(ratios[0])


@pytest.mark.parametrize(("text", "known"), MIXTURE)
def test_mixture_gives_the_prior_back(text, known):
    """∫ p(a | r) law(dr) over the shared strength is the prior's own density, at d = 3."""
    total, when = total_of(text)
    found = strength_mixture(total)
    name, _, arguments = found.mixing.partition("(")
    expected = known.partition("(")
    assert name == expected[0]
    point = {lam: sp.Rational(47, 10), d: sp.Integer(3)}

    def numbers(inner):
        pairs = (part.split("=") for part in inner.rstrip(")").split(", "))
        return {k: float(parse(v).subs(point)) for k, v in pairs}

    assert numbers(arguments) == pytest.approx(numbers(expected[2]))
    assert when.subs(point) == sp.true
    law = getattr(scipy.stats, name)(**numbers(arguments))
    laplace = found.of.startswith("Laplace")

    def density(x):
        def given(r):
            each = r / 2 * np.exp(-r * x) if laplace else np.sqrt(r / np.pi) * np.exp(-r * x**2)
            return np.prod(each) * law.pdf(r)

        return quad(given, 0, np.inf, limit=200)[0]

    prior = FrozenJoint(penalty(text), 4.7, 3)
    for x in ([0.1, 0.2, 0.3], [1.0, 0.0, 2.0]):
        assert density(np.array(x)) == pytest.approx(float(prior.pdf(x)), rel=1e-6)


@pytest.mark.parametrize("text", ["prod(1+abs(a))", "sum(abs(a))**2", "exp(sum(abs(a)))"])
def test_a_convex_total_is_no_mixture(text):
    found = strength_mixture(total_of(text)[0])
    assert found.of is None
    assert "convex" in found.reason


@pytest.mark.parametrize(("text", "known"), BUDGET)
def test_budget_limit(text, known):
    total, when = total_of(text)
    found = budget(total, when)
    assert sp.simplify(found.limit - parse(known)) == 0


@pytest.mark.parametrize("text", ["log(1+sum(abs(a)))", "sum(abs(a))**2", "norm(a)"])
def test_budget_index_is_that_of_the_law_of_the_total(text):
    total, when = total_of(text)
    found = budget(total, when).index
    law = law_of_total(total, {}, 14.5, 6)
    seen = 6 * float(shape(total)) * (law.sd / law.mean) ** 2
    assert float(found.subs({lam: 14.5, d: 6})) == pytest.approx(seen, rel=1e-9)


def test_budget_decides_the_sign_of_the_correlation():
    """corr(u_i, u_j) = (β − 1)/((1 + v)d(α + 1) − (dα + 1)) against samples."""
    for text, strength in (("prod(1+abs(a))", 0.2), ("log(1+sum(abs(a)))", 12.0)):
        total, _ = total_of(text)
        law, dim = law_of_total(total, {}, strength, 4), 4
        v = (law.sd / law.mean) ** 2
        stated = (dim * v - 1) / ((1 + v) * dim * 2 - (dim + 1))
        x = np.abs(FrozenJoint(penalty(text), strength, dim).rvs(100_000, 3))
        u = np.log1p(x) if text.startswith("prod") else x
        assert np.corrcoef(u[:, 0], u[:, 1])[0, 1] == pytest.approx(stated, abs=0.02)


def test_the_product_prior_of_twelve_thousand_features():
    law = law_of_total(total_of("prod(1+abs(a))")[0], {}, 1.0, 12_288)
    assert law.mean == pytest.approx(7.4134, abs=1e-4)
    assert law.sd == pytest.approx(0.023053, abs=1e-6)
    with mp.workdps(30):  # log Z of the total, by its own quadrature
        peak = law.mean
        f = lambda s: mp.exp(12_287 * mp.log(s / peak) + s - mp.exp(s) + mp.exp(peak) - peak)  # noqa: E731
        truth = mp.log(mp.quad(f, [peak - 0.4, peak, peak + 0.4]))
        truth += 12_287 * mp.log(peak) + peak - mp.exp(peak)
    assert law.log_integral == pytest.approx(float(truth), rel=1e-12)
