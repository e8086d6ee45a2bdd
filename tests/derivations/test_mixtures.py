"""Scale mixtures: each mixing law integrates back to the density; refutations are right."""

import re

import mpmath
import numpy as np
import pytest
import scipy.stats
import sympy as sp
from scipy.integrate import quad

from neglog.derivations.api import penalty
from neglog.derivations.half_line import sides
from neglog.derivations.numbers import function
from neglog.derivations.shapes.bernstein import mixes
from neglog.derivations.shapes.mixtures import NO_LAW, mixtures
from neglog.priors.symbols import a, lam, y
from neglog.priors.text import parse

K = 1.5
PLACES = (0.1, 0.7, 2.0, 5.0)


def of(expr):
    return mixtures(sides(penalty(expr)))


def number(text, strength):
    point = {lam: strength, sp.Symbol("k", positive=True): K}
    return float(parse(text).subs(point))


def frozen(text, strength):
    """The scipy law that ``name(key=expression, …)`` writes."""
    name, inside = re.fullmatch(r"(\w+)\((.*)\)", text).groups()
    pairs = [p.split("=", 1) for p in inside.split(", ") if p]
    return getattr(scipy.stats, name)(**{key: number(v, strength) for key, v in pairs})


def ratios(expr, strength, mixed):
    """mixed(a)/exp(−λφ(a)) at several places: one number if the mixture is right."""
    phi = penalty(expr)
    value = sp.lambdify(a, phi.expr.subs(dict.fromkeys(phi.parameters, K)), "mpmath")
    return [mixed(x) / float(mpmath.exp(-strength * value(mpmath.mpf(x)))) for x in PLACES]


def constant(values, rel=1e-6):
    assert values == pytest.approx([values[0]] * len(values), rel=rel)


def normal_mix(density):
    """∫ N(x; 0, v) density(v) dv, in log v."""

    def f(x):
        def inside(t):
            v = np.exp(t)
            return np.exp(-(x**2) / (2 * v)) / np.sqrt(2 * np.pi * v) * density(v) * v

        return quad(inside, -30, 30, limit=400, epsabs=1e-13)[0]

    return f


def laplace_mix(density):
    """∫ ½r e^{−r|x|} density(r) dr, in log r."""

    def f(x):
        def inside(t):
            r = np.exp(t)
            return r / 2 * np.exp(-r * abs(x)) * density(r) * r

        return quad(inside, -30, 12, limit=400, epsabs=1e-13)[0]

    return f


@pytest.mark.parametrize(
    ("expr", "strength"),
    [
        ("abs(a)", 1.3),
        ("log(1+a**2)", 1.7),
        ("log(1+a**2/k**2)", 0.9),
        ("sqrt(1+a**2)-1", 1.2),
        ("2*sqrt(k**2+a**2)", 0.7),
    ],
)
def test_laws_of_the_variance(expr, strength):
    mixture = of(expr).normal
    law = frozen(mixture["mixing"].removeprefix("variance ~ "), strength)
    constant(ratios(expr, strength, normal_mix(law.pdf)))


@pytest.mark.parametrize(("expr", "strength"), [("log(1+abs(a))", 2.3), ("log(1+abs(a)/k)", 3.1)])
def test_laws_of_the_rate(expr, strength):
    found = of(expr)
    law = frozen(found.laplace["mixing"].removeprefix("rate ~ "), strength)
    constant(ratios(expr, strength, laplace_mix(law.pdf)))
    assert found.first == found.laplace
    assert found.normal["mixing"].endswith(found.laplace["mixing"])


def test_fixed_scales():
    assert of("a**2").normal["mixing"] == "variance = 1/(2*lam)"
    assert of("abs(a)").laplace["mixing"] == "rate = lam"


def test_positive_stable():
    """α = ½ is Lévy's law: E e^{−sS} = e^{−√(2cs)}."""
    assert of("sqrt(abs(a))").laplace["mixing"] == "rate ~ positive stable(1/2), tilted by 1/rate"
    law = scipy.stats.levy(scale=1.3**2 / 2)
    constant(ratios("sqrt(abs(a))", 1.3, laplace_mix(lambda r: law.pdf(r) / r)))
    # The same law for the precision, scaled, gives the Laplace density: p|a| = √(2c·a²/2).
    law = scipy.stats.levy(scale=1.3**2)
    mixed = normal_mix(lambda v: law.pdf(1 / v) / v**2 * v**0.5)
    constant(ratios("abs(a)", 1.3, mixed))


def test_elastic_net():
    mixing = of("abs(a)+k*a**2").normal["mixing"]
    assert "u ~ expon(scale=2/lam**2) tilted by (1 + 2*k*lam*u)**(-1/2)" in mixing
    law, two = scipy.stats.expon(scale=2 / 1.3**2), 2 * K * 1.3

    def mixed(x):
        def inside(t):
            u = np.exp(t)
            v = 1 / (two + 1 / u)
            weight = law.pdf(u) / np.sqrt(1 + two * u)
            return np.exp(-(x**2) / (2 * v)) / np.sqrt(2 * np.pi * v) * weight * u

        return quad(inside, -30, 30, limit=400, epsabs=0, epsrel=1e-10)[0]

    constant(ratios("abs(a)+k*a**2", 1.3, mixed), rel=1e-5)


def test_gamma_lasso():
    mixing = of("abs(a)+log(1+abs(a)/k)").laplace["mixing"]
    assert mixing == "rate = lam + g, g ~ gamma(a=lam, scale=1/k) tilted by 1/rate"
    law = scipy.stats.gamma(a=1.3, scale=1 / K)
    mixed = laplace_mix(lambda r: law.pdf(r - 1.3) / r if r > 1.3 else 0.0)
    constant(ratios("abs(a)+log(1+abs(a)/k)", 1.3, mixed), rel=1e-4)


def test_log_cosh_and_the_logistic():
    """PG(b, 0): E e^{−wt} = ∏ (1 + t/(2π²(n − ½)²))^{−b}; the tilt takes √precision away."""
    mixing = of("log(cosh(a/k))").normal["mixing"]
    assert mixing == "precision = 4/k**2*w, w ~ PolyaGamma(lam, 0) tilted by w**(-1/2)"
    n = np.arange(1, 200_001) - 0.5
    for x in PLACES:
        t = 4 / K**2 * x**2 / 2
        transform = np.exp(-1.3 * np.log1p(t / (2 * np.pi**2 * n**2)).sum())
        assert transform == pytest.approx(np.cosh(x / K) ** -1.3, rel=1e-4)
    assert "variance = 4*K**2, K ~ kstwobign()" in of("2*log(cosh(a/2))").normal["mixing"]
    # Andrews & Mallows, Scale mixtures of normal distributions, 1974.
    scale = scipy.stats.kstwobign()

    def mixed(x):
        def inside(s):
            return scipy.stats.norm.pdf(x, scale=2 * s) * scale.pdf(s)

        return quad(inside, 1e-3, 6, limit=400)[0]

    constant(ratios("2*log(cosh(a/2))", 1.0, mixed), rel=1e-5)


def test_horseshoe():
    found = of("-log(exp(a**2/2)*expint(1,a**2/2))")
    assert found.normal["mixing"] == "exists; at lam = 1: scale ~ halfcauchy()"
    law = scipy.stats.halfcauchy()
    mixed = normal_mix(lambda v: law.pdf(np.sqrt(v)) / (2 * np.sqrt(v)))
    constant(ratios("-log(exp(a**2/2)*expint(1,a**2/2))", 1.0, mixed), rel=1e-5)


EXIST = [
    ("log(1+log(1+abs(a)))", True),
    ("log(1+sqrt(abs(a)))", True),
    ("a**2+sqrt(abs(a))", False),
    ("abs(a)-log(1+abs(a))", False),
    ("tanh(abs(a))", False),
    ("asinh(abs(a))", False),
    ("atan(abs(a))", False),
    ("1-exp(-a**2)", False),
    ("1-exp(-abs(a))", True),
    ("(1+k)*abs(a)/(k+abs(a))", True),
]


@pytest.mark.parametrize(("expr", "laplace"), EXIST)
def test_existence_without_a_law(expr, laplace):
    found = of(expr)
    assert found.normal == {"of": "normal", "mixing": NO_LAW}
    assert (found.laplace is not None) == laplace
    assert "completely monotone" in found.reason


@pytest.mark.parametrize(
    ("expr", "laplace"), [*EXIST, ("log(1+a**2)", False), ("erf(abs(a))", False)]
)
def test_complete_monotonicity_by_derivatives(expr, laplace):
    """(−1)ⁿ dⁿ/dtⁿ e^{−λφ} ≥ 0 for n ≤ 7, where a mixture is claimed."""
    phi = penalty(expr).on_half_line.subs(sp.Symbol("k", positive=True), sp.Rational(3, 2))
    t = sp.Symbol("t", positive=True)
    for square in (True, False):
        if mixes(phi, square) is None:
            continue
        inside = sp.exp(-sp.Rational(7, 10) * phi.subs(y, sp.sqrt(t) if square else t))
        f = function([t], inside)
        with mpmath.workdps(40):
            for at in ("0.05", "0.6", "3", "20"):
                terms = mpmath.taylor(f, mpmath.mpf(at), 7)
                assert all((-1) ** n * c >= -(mpmath.mpf(10) ** -15) for n, c in enumerate(terms))


@pytest.mark.parametrize(
    ("expr", "because"),
    [
        ("a**4", "convex in a²"),
        ("cosh(a)-1", "convex in a²"),
        ("a**2-log(1+a**2)", "convex in a²"),
        ("huber", "not analytic"),
        ("min(abs(a), k)", "not analytic"),
        ("max(a, 0)", "not even"),
        ("log(1+abs(a)+abs(a)**3)", "No rule"),
    ],
)
def test_why_there_is_none(expr, because):
    found = of(expr)
    assert found.normal is None
    assert found.first is None
    assert because in found.reason


def test_conditions_on_a_parameter():
    found = of("abs(a)**q")
    assert found.normal["when"] == "q <= 2"
    assert found.laplace["when"] == "q <= 1"
