"""Priors back to penalties, numbers put in, atoms."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
import sympy as sp
from scipy.integrate import quad

import neglog
from neglog.derivations.invert import implied_penalty
from neglog.derivations.spike import spike_and_slab
from neglog.priors.errors import InputError
from neglog.priors.named import LAWS
from neglog.priors.symbols import a


@pytest.mark.parametrize(
    ("density", "expr"),
    [
        ("exp(-abs(a))/2", "abs(a)"),
        ("1/(pi*(1+a**2))", "log(1+a**2)"),
        ("exp(-a**2/(2*s**2))/(s*sqrt(2*pi))", "a**2/(2*s**2)"),
        ("(1+abs(a))**(-3)", "3*log(1+abs(a))"),
        ("half-cauchy", "log(1+a**2)"),
        ("scipy:genpareto(c=1/2)", "3*log(1+a/2)"),
        ("scipy:gamma(a=3)", "a-2*log(a)"),
        ("prod(exp(-abs(a)))", "sum(abs(a))"),
    ],
)
def test_penalty_of_a_density(density, expr):
    found = implied_penalty(density)
    wanted = neglog.penalty(expr, found.domain)
    difference = found.expr - wanted.expr
    if not found.joint:
        difference = difference.subs(a, sp.Symbol("y", positive=True))
    assert sp.simplify(difference) == 0


@pytest.mark.parametrize("name", sorted(LAWS))
def test_penalty_is_minus_log_of_scipys_density(name):
    row = LAWS[name]
    shapes = [1.3 + 0.4 * i for i in range(len(row.shapes))]
    frozen = getattr(scipy.stats, name)(*shapes, scale=1.7)
    phi = implied_penalty(frozen)
    f = sp.lambdify(a, phi.expr, "mpmath")
    points = [0.2, 0.9, 2.5] + ([-0.4] if row.domain == "real" else [])
    gaps = [float(f(x)) + frozen.logpdf(x) for x in points]
    assert max(gaps) - min(gaps) < 1e-9


LAW_OF = {"abs(a)": "laplace", "a**2/2": "norm", "log(1+a**2)": "cauchy"}


@pytest.mark.parametrize(("expr", "name"), LAW_OF.items())
def test_frozen_equals_scipy_in_both_tails(expr, name):
    ours = neglog.penalty(expr).prior().at(lam=1.0)
    law = getattr(scipy.stats, name)
    for x in (-30.0, -2.0, 0.0, 0.5, 30.0):
        assert ours.pdf(x) == pytest.approx(law.pdf(x), rel=1e-12)
        assert ours.cdf(x) == pytest.approx(law.cdf(x), rel=1e-8)
        assert ours.sf(x) == pytest.approx(law.sf(x), rel=1e-8)
    assert ours.ppf([0.01, 0.4, 0.97]) == pytest.approx(law.ppf([0.01, 0.4, 0.97]), rel=1e-8)
    if name != "cauchy":
        assert ours.moment(2) == pytest.approx(law.var(), rel=1e-8)
        assert ours.entropy() == pytest.approx(law.entropy(), rel=1e-8)


def test_samples_follow_the_law():
    ours = neglog.prior("lomax").at(lam=4.0)
    sample = ours.rvs(4000, seed=3)
    assert scipy.stats.kstest(np.abs(sample), scipy.stats.lomax(3).cdf).pvalue > 1e-3


def test_improper_has_no_numbers():
    with pytest.raises(InputError, match="not proper"):
        neglog.prior("lomax").at(lam=0.9)


@pytest.mark.parametrize("slab", ["a", "2*log(1+a)", "a**(1/2)+log(a)/2", "log(a)+log(a)**2"])
def test_spike_and_slab(slab):
    phi = neglog.penalty(slab, "positive")
    mixed = spike_and_slab(phi, 0.9, 0.01)
    f = sp.lambdify(a, mixed.expr, "mpmath")
    edges = (0, 0.01, 0.1, 1, 10, 1e3, 1e6)
    mass = sum(quad(lambda x: np.exp(-float(f(x))), *ends)[0] for ends in pairwise(edges))
    # The slab is read ε further out, so that a little less than one is left.
    assert 0.98 < mass <= 1.001
    assert float(f(1e-9)) < float(f(0.05))


@pytest.mark.parametrize("width", [None, 0.0, -1.0])
def test_a_spike_needs_a_width(width):
    with pytest.raises(InputError, match="spike"):
        spike_and_slab(neglog.penalty("a", "positive"), 0.9, width)


def test_an_improper_slab_is_refused():
    with pytest.raises(InputError, match="no finite normaliser"):
        spike_and_slab(neglog.penalty("log(1+a)", "positive"), 0.9, 0.01)


@pytest.mark.parametrize("bad", [3, "scipy:genpareto(c=0.3, scale=-1)", "scipy:genpareto()x", "-1"])
def test_refused(bad):
    with pytest.raises(InputError):
        neglog.prior(bad)
