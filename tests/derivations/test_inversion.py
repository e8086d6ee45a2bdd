"""Priors back to penalties, numbers put in, atoms."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
import sympy as sp
from scipy.integrate import quad

import neglog
from neglog.derivations.inversion.invert import implied_penalty, inverted, prior_from
from neglog.derivations.inversion.spike import spike_and_slab
from neglog.priors.errors import InputError
from neglog.priors.named import LAWS
from neglog.priors.symbols import a, lam
from neglog.priors.text import parse


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


NATURAL = [
    ("exp(-abs(a))/2", "real", "abs(a)"),
    ("1/(pi*(1+a**2))", "real", "log(1+a**2)"),
    ("exp(-log(1+abs(a))*3)", "real", "3*log(1+abs(a))"),
    ("exp(-a)*a**2/2", "positive", "a-2*log(a)"),
    ("a*exp(-a**2)", "positive", "a**2-log(a)"),
    ("exp(-abs(a))*abs(a)**(k-1)", "real", "abs(a)-(k-1)*log(abs(a))"),
    ("exp(-a**2)*a**2", "real", "a**2-2*log(abs(a))"),
    ("exp(-(a-2)**2/2)/sqrt(2*pi)", "real", "a*(a-4)/2"),
    ("exp(-a-exp(-a))", "real", "a+exp(-a)-1"),
    ("Piecewise((exp(-a), a < 1))", "positive", "Piecewise((a, a < 1))"),
    ("Piecewise((exp(-a), a < 1), (0, True))", "positive", "Piecewise((a, a < 1))"),
    ("2*exp(-a)*indicator(a < 1)", "positive", "Piecewise((a, a < 1))"),
    ("scipy:expon(loc=1)", "positive", "Piecewise((a, a >= 1))"),
    ("scipy:genpareto(c=-1/2)", "positive", "Piecewise((-log(1-a/2), a <= 2))"),
    ("scipy:truncnorm(a=-1, b=oo)", "real", "Piecewise((a**2/2, a >= -1))"),
    ("scipy:gamma(a=k, scale=s)", "positive", "a/s-(k-1)*log(a/s)"),
    ("lomax(c=2)", "positive", "3*log(1+a)"),
    ("half-t(df=3)", "positive", "2*log(1+a**2/3)"),
    ("sech(a)/pi", "real", "log(cosh(abs(a)))"),
]


@pytest.mark.parametrize(("density", "domain", "expr"), NATURAL)
def test_natural_form(density, domain, expr):
    found = implied_penalty(density, domain)
    assert found.domain == domain
    assert sp.expand(found.expr) == sp.expand(neglog.penalty(expr, domain).expr)


REFUSED = [
    ("-exp(-a**2)", "negative at a = 1.18"),
    ("a*exp(-a**2)", "negative at a = -1.18"),
    ("exp(-a)*sqrt(a)", "not real at a = -1.18"),
    ("0", "not positive"),
    ("scipy:gamma(a=-1)", "no law gamma"),
    ("scipy:gamma(b=1)", "no parameter"),
    ("atom", "not between 0 and 1"),
    ("2*atom+exp(-abs(a))", "not between 0 and 1"),
    ("a*atom+exp(-abs(a))", "may only be added"),
    ("atom**2+exp(-abs(a))", "may only be added"),
    ("atom/2", "an atom alone"),
    ("atom/2+1/(1+abs(a))", "no finite integral"),
]


@pytest.mark.parametrize(("density", "why"), REFUSED)
def test_refused_in_one_sentence(density, why):
    with pytest.raises(InputError, match=why):
        inverted(density)


ATOMS = [
    ("0.9*atom + 0.1*exp(-abs(a))/2", None, "9/10", "abs(a)", 0),
    ("0.9*atom + 0.2*exp(-a)", "positive", "9/11", "a", 1),
    ("3*(atom + exp(-2*a))/10", "positive", "2/3", "2*a", 1),
    ("w*atom + (1-w)*exp(-a)", "positive", "w", "a", 1),
]


@pytest.mark.parametrize(("density", "domain", "weight", "slab", "notes"), ATOMS)
def test_atom_and_slab(density, domain, weight, slab, notes):
    found = inverted(density, domain)
    assert str(found.mixture.atom) == weight
    assert found.penalty == neglog.penalty(slab, found.penalty.domain)
    assert len(found.mixture.notes) == notes
    assert "eps" in str(found.mixture.smoothed)


def test_a_prior_with_an_atom_has_it_everywhere():
    prior = prior_from("0.9*atom + 0.1*exp(-abs(a))/2")
    assert prior.atom == 0.9
    law = prior.at()
    assert law.cdf(0.0) == pytest.approx(0.95)
    assert "spike" in prior.penalty(spike=0.01).name
    with pytest.raises(InputError, match="number for w"):
        prior_from("w*atom + (1-w)*exp(-a)", "positive")


# What the derivation of the penalty names is the law that was given.
ROUND = ["laplace", "norm", "expon", "halfnorm", "gamma", "weibull_min"]
LATER = ["cauchy", "gennorm", "halfgennorm", "lomax", "chi2", "rayleigh", "gengamma", "lognorm",
         "invgamma", "betaprime", "geninvgauss", "t", "maxwell", "levy"]  # fmt: skip


@pytest.mark.parametrize(
    "name", [*ROUND, *(pytest.param(n, marks=pytest.mark.slow) for n in LATER)]
)
def test_round_trip_names_the_law(name):
    shapes = [1.25 + 0.5 * i for i in range(len(LAWS[name].shapes))]
    law = getattr(scipy.stats, name)(*shapes, scale=1.5)
    named = implied_penalty(law).prior().facts["law"]
    assert named is not None
    if named["scipy"] is None:
        return
    call, _, inside = named["scipy"].removesuffix(")").partition("(")
    given = dict(part.split("=") for part in inside.split(", ") if part)
    numbers = {k: float(parse(v).subs(lam, 1).evalf()) for k, v in given.items()}
    back = getattr(scipy.stats, call)(**numbers)
    for x in (0.3, 0.9, 2.7):
        assert back.pdf(x) == pytest.approx(law.pdf(x), rel=1e-9)


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
