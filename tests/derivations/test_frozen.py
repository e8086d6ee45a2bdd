"""A prior with numbers in it, held to scipy's laws, to closed forms and to itself."""

import numpy as np
import pytest
import scipy.stats as st

import neglog
from neglog.derivations.frozen.frozen import FrozenPrior
from neglog.derivations.frozen.given import read_numbers
from neglog.priors.errors import InputError
from neglog.priors.symbols import lam as strength

FAR = np.concatenate([10.0 ** -np.arange(1, 290, 8.0), [0.2, 0.5, 0.7, 0.9]])


def at(expr, domain="real", lam=1.0, atom=0.0, **numbers):
    """The frozen prior without the derivation, which numbers do not need."""
    phi = neglog.penalty(expr, domain)
    known = read_numbers(phi, {"lam": lam, **numbers})
    return FrozenPrior(phi, float(known.pop(strength)), known, atom)


# (expression, domain, λ, parameters), the law of scipy
LAWS = [
    (("abs(a)", "real", 1.0, {}), st.laplace()),
    (("abs(a)", "real", 1e6, {}), st.laplace(scale=1e-6)),
    (("abs(a)", "real", 1e-6, {}), st.laplace(scale=1e6)),
    (("a/s", "positive", 1.0, {"s": 1e-8}), st.expon(scale=1e-8)),
    (("a/s", "positive", 1.0, {"s": 1e8}), st.expon(scale=1e8)),
    (("a**2/2", "real", 1.0, {}), st.norm()),
    (("log(1+a**2)", "real", 1.0, {}), st.cauchy()),
    (("log(1+a**2)", "real", 3.0, {}), st.t(5, scale=5**-0.5)),
    (("log(1+a)", "positive", 1.05, {}), st.lomax(0.05)),
    (("log(a)+a", "positive", 0.5, {}), st.gamma(0.5, scale=2)),
    (("abs(a-1)", "real", 1.0, {}), st.laplace(loc=1)),
    (("a+exp(-a)", "real", 1.0, {}), st.gumbel_r()),
    (("a+2*log(1+exp(-a))", "real", 1.0, {}), st.logistic()),
    (("1/a+2*log(a)", "positive", 1.0, {}), st.invgamma(1)),
    (("log(a/s)**2", "positive", 1.0, {"s": 1e-8}), st.lognorm(0.5**0.5, scale=1e-8 * np.e**0.5)),
    (("sqrt(abs(a))", "real", 1.0, {}), st.gennorm(0.5)),
    (("(a-5)**2", "real", 0.5e16, {}), st.norm(5, 1e-8)),
    (("a**2-10*a", "real", 0.5e12, {}), st.norm(5, 1e-6)),
    (("Piecewise((0, a < 1))", "positive", 1.0, {}), st.uniform()),
]
laws = pytest.mark.parametrize(
    ("prior", "law"), LAWS, ids=lambda x: str(x[0]) if isinstance(x, tuple) else ""
)


def close(ours, theirs, rel=2e-12):
    known = np.isfinite(theirs) & (np.abs(theirs) > 1e-305)
    np.testing.assert_allclose(ours[known], theirs[known], rtol=rel)


@laws
def test_both_tails_equal_scipy(prior, law):
    expr, domain, lam, numbers = prior
    ours = at(expr, domain, lam, **numbers)
    x = np.concatenate([law.ppf(FAR), law.isf(FAR)])
    x = x[np.isfinite(x) & (x != 0)]
    with np.errstate(all="ignore"):
        close(ours.pdf(x), law.pdf(x))
        close(ours.logpdf(x), law.logpdf(x))
        close(ours.cdf(x), law.cdf(x))
        close(ours.sf(x), law.sf(x))
        close(ours.logsf(x), law.logsf(x))
        close(ours.logcdf(x), law.logcdf(x))
        close(ours.ppf(FAR), law.ppf(FAR))
        close(ours.isf(FAR), law.isf(FAR))
    assert ours.support() == law.support()
    assert ours.median() == pytest.approx(law.median(), rel=1e-12, abs=1e-15 * x.max())
    assert ours.interval(0.9) == pytest.approx(law.interval(0.9), rel=1e-10)


@laws
def test_moments_equal_scipy(prior, law):
    expr, domain, lam, numbers = prior
    ours = at(expr, domain, lam, **numbers)
    assert ours.entropy() == pytest.approx(law.entropy(), rel=1e-11, abs=1e-11)
    if law.dist.name in ("cauchy", "lomax", "invgamma") and lam < 10:
        assert not np.isfinite(ours.mean())
        return
    assert ours.mean() == pytest.approx(law.mean(), rel=1e-12, abs=1e-14 * law.std())
    assert ours.var() == pytest.approx(law.var(), rel=1e-9)
    if law.dist.name not in ("lognorm", "t", "lomax"):
        mine, theirs = ours.stats("sk"), law.stats("sk")
        assert mine == pytest.approx([float(v) for v in theirs], rel=1e-7, abs=1e-7)


def test_tails_beyond_every_double():
    laplace, normal = at("abs(a)"), at("a**2/2")
    assert laplace.sf(50.0) == pytest.approx(np.exp(-50) / 2, rel=1e-13)
    assert laplace.logsf(1e6) == pytest.approx(-1e6 - np.log(2), rel=1e-13)
    assert normal.logsf(1e4) == pytest.approx(st.norm.logsf(1e4), rel=1e-13)
    heavy = at("log(1+abs(a))", lam=1.05)
    assert heavy.sf(1e30) == pytest.approx(0.5 * 1e30**-0.05, rel=1e-12)
    assert heavy.isf(heavy.sf(1e300)) == pytest.approx(1e300, rel=1e-10)
    barely = at("log(1+abs(a))+2*log(1+log(1+abs(a)))")
    assert barely.normalizer == pytest.approx(2, rel=1e-12)
    assert barely.sf(1e10) == pytest.approx(0.5 / (1 + np.log1p(1e10)), rel=1e-12)


def test_singular_inside():
    """|a − 1|^(−1/2) e^(−|a|/2): mass near 1 is known relative to the distance from 1."""
    ours = at("log(abs(a-1))+abs(a)", lam=0.5)
    near = ours.cdf(1 + 2.0**-40) - ours.cdf(1.0)
    assert near == pytest.approx(2 * 2.0**-20 * np.exp(-0.5) / ours.normalizer, rel=1e-8)
    assert ours.ppf(ours.cdf(1 + 2.0**-40)) == 1 + 2.0**-40


SHAPES = [
    ("huber", "real", {"k": 1.5}),
    ("abs(abs(a)-5)", "real", {}),
    ("(a**2-1)**2", "real", {}),
    ("a**2+sin(5*a)**2", "real", {}),
    ("-log(a*besselk(1, a))", "positive", {}),
    ("Piecewise((a, a < 1), (3*a-2, a < 4))", "positive", {}),
]


@pytest.mark.parametrize(("expr", "domain", "numbers"), SHAPES, ids=lambda x: str(x))
def test_a_law_agrees_with_itself(expr, domain, numbers):
    ours = at(expr, domain, 2.0, **numbers)
    x = ours.ppf(np.linspace(0.001, 0.999, 41))
    assert np.all(np.diff(x) > 0)
    np.testing.assert_allclose(ours.cdf(x), np.linspace(0.001, 0.999, 41), rtol=1e-12)
    np.testing.assert_allclose(ours.cdf(x) + ours.sf(x), 1, rtol=1e-13)
    assert ours.expect(lambda v: np.ones_like(v)) == pytest.approx(1, rel=1e-12)
    assert ours.expect(lambda v: v**2) == pytest.approx(ours.moment(2), rel=1e-11)
    low, high = np.array([x[10]]), np.array([x[30]])
    nodes, weights = np.polynomial.legendre.leggauss(400)
    grid = (low + high) / 2 + (high - low) / 2 * nodes
    mass = float(ours.pdf(grid) @ weights * (high - low)[0] / 2)
    assert mass == pytest.approx(float(ours.cdf(high)[0] - ours.cdf(low)[0]), rel=1e-4)


@pytest.mark.parametrize(
    ("lam", "order", "value"),
    [(3.5, 1, 2 / 3), (2.5, 2, np.inf), (2.0, 1, np.inf), (2.5, 1, 2.0), (1.5, 1, np.inf)],
)
def test_moments_of_power_tails(lam, order, value):
    ours = at("log(1+a)", "positive", lam)
    assert ours.moment(order) == pytest.approx(value)
    both = at("log(1+abs(a))", "real", lam)
    assert both.moment(2) == pytest.approx(at("log(1+a)", "positive", lam).moment(2))
    assert np.isnan(both.mean()) if value == np.inf and order == 1 else both.mean() == 0


def test_an_atom_is_in_every_method():
    ours, w = at("a", "positive", 2.0, atom=0.75), 0.75
    slab = st.expon(scale=0.5)
    x = np.array([-1.0, 0.0, 0.3, 20.0])
    np.testing.assert_allclose(ours.cdf(x), (1 - w) * slab.cdf(x) + w * (x >= 0))
    np.testing.assert_allclose(ours.sf(x), (1 - w) * slab.sf(x) + w * (x < 0))
    np.testing.assert_allclose(ours.logsf(x), np.log(ours.sf(x)), atol=1e-15)
    np.testing.assert_allclose(ours.pdf(x[1:]), (1 - w) * slab.pdf(x[1:]))
    assert ours.ppf([0.0, 0.3, 0.75, 0.8, 1.0]) == pytest.approx([0, 0, 0, slab.ppf(0.2), np.inf])
    assert ours.isf([1e-30, 0.25, 0.3]) == pytest.approx([slab.isf(4e-30), 0, 0])
    assert ours.mean() == pytest.approx(0.125)
    assert ours.var() == pytest.approx(0.25 * 0.5 - 0.125**2)
    assert ours.expect(np.cos) == pytest.approx(w + (1 - w) * 4 / 5)
    assert np.mean(ours.rvs(20_000, seed=1) == 0) == pytest.approx(w, abs=0.02)
    real = at("abs(a)", atom=0.5)
    assert real.ppf([0.2, 0.25, 0.5, 0.74, 0.8]) == pytest.approx(
        [np.log(0.8), 0, 0, 0, -np.log(0.8)]
    )
    assert "atom" in repr(real)


@pytest.mark.parametrize("prior", [p for p, _ in LAWS[4:16]], ids=lambda p: p[0])
def test_samples_follow_the_law(prior):
    expr, domain, lam, numbers = prior
    ours = at(expr, domain, lam, **numbers)
    sample = ours.rvs(5000, seed=7)
    assert st.kstest(ours.cdf(sample), "uniform").pvalue > 1e-3


def test_seeds_and_shapes():
    ours = at("abs(a)")
    assert ours.rvs((2, 3), seed=3).shape == (2, 3)
    assert isinstance(ours.rvs(None, seed=3), float)
    same = [ours.rvs(5, seed=4), ours.rvs(5, random_state=4), ours.rvs(5, np.random.default_rng(4))]
    assert np.array_equal(same[0], same[1])
    assert np.array_equal(same[0], same[2])
    assert ours.rvs(5, random_state=np.random.RandomState(0)).shape == (5,)
    assert ours.cdf([[0.0, 1.0]]).shape == (1, 2)
    assert np.ndim(ours.cdf(0.0)) == 0
    assert ours.cdf([]).shape == (0,)
    assert np.isnan(ours.cdf(np.nan))
    assert np.isnan(ours.ppf([-0.1, 1.1, np.nan])).all()
    assert ours.cdf([-np.inf, np.inf]).tolist() == [0, 1]
    assert ours.ppf([0, 1]).tolist() == [-np.inf, np.inf]


def test_a_hundred_thousand_at_once():
    import time

    ours = at("log(1+abs(a))", lam=3.0)
    x = st.cauchy.rvs(size=100_000, random_state=0)
    ours.cdf(0.0)
    started = time.process_time()
    ours.cdf(x)
    ours.rvs(100_000, seed=0)
    assert time.process_time() - started < 2


def test_reads_well():
    assert (
        repr(at("k*abs(a)", lam=2.0, k=3.0)) == "exp(-2*(3.0*Abs(a)))/0.3333333333 on (-inf, inf)"
    )


BAD = [
    ("log(1+abs(a))", {"lam": 0.9}, "not proper at lam=0.9: it needs lam > 1"),
    ("log(1+abs(a))", {"lam": 2, "q": 1}, "no such number"),
    ("abs(a)**q", {"lam": 2}, "a number for q"),
    ("abs(a)", {"lam": -1}, "positive finite"),
    ("abs(a)", {"lam": "x"}, "a number is wanted"),
    ("tanh(abs(a))", {"lam": 2}, "not integrable"),
    ("sum(abs(a))", {"lam": 2}, "needs the number of features"),
]


@pytest.mark.parametrize(("expr", "numbers", "why"), BAD)
def test_refused_in_one_sentence(expr, numbers, why):
    with pytest.raises(InputError, match=why) as caught:
        neglog.penalty(expr).prior().at(**numbers)
    assert str(caught.value).count("\n") == 0


def test_refused_methods():
    with pytest.raises(InputError, match="order"):
        at("abs(a)").moment(-1)
    with pytest.raises(InputError, match="mvsk"):
        at("abs(a)").stats("x")
