"""Every named law: −log of scipy's density, and the frozen prior against scipy's functions."""

import numpy as np
import pytest
import scipy.stats
import sympy as sp

from neglog.derivations.frozen.frozen import FrozenPrior
from neglog.derivations.inversion.from_law import from_frozen
from neglog.priors.named import LAWS
from neglog.priors.symbols import a

# Shapes where 1.3, 1.7, 2.1 are not allowed or say little.
SHAPES = {
    "genhyperbolic": (0.7, 2.1, 0.4),
    "norminvgauss": (2.1, -0.4),
    "skewcauchy": (0.3,),
    "johnsonsu": (-0.6, 1.7),
    "skewnorm": (-1.3,),
    "erlang": (3,),
    "truncpareto": (1.3, 4.0),
    "truncweibull_min": (1.3, 0.2, 2.1),
    "truncnorm": (-1.1, 2.2),
    "triang": (0.3,),
    "trapezoid": (0.2, 0.7),
    "genexpon": (0.4, 1.7, 0.9),
    "jf_skew_t": (2.3, 1.7),
}
# scipy's own distribution functions are integrals there, or lose their digits.
LOOSE = {"genhyperbolic", "geninvgauss", "norminvgauss", "genexpon", "gausshyper", "johnsonsb",
         "recipinvgauss", "jf_skew_t", "vonmises_line", "cosine", "skewnorm", "exponnorm",
         "powerlognorm", "powernorm", "rel_breitwigner", "fatiguelife", "rice", "foldnorm",
         "truncnorm", "argus"}  # fmt: skip
Q = np.array([1e-3, 0.02, 0.2, 0.5, 0.8, 0.97, 0.999])


def shapes_of(name):
    return SHAPES.get(name, [1.3 + 0.4 * i for i in range(len(LAWS[name].shapes))])


def laws(name):
    """The law at random locations and scales; loc 0 as well."""
    rng = np.random.default_rng(sum(map(ord, name)))
    law = getattr(scipy.stats, name)
    for loc, scale in ((0.0, 1.7), (float(rng.uniform(0.2, 2)), 0.6), (-0.8, 2.5)):
        yield law(*shapes_of(name), loc=round(loc, 3), scale=scale)


@pytest.mark.parametrize("name", LAWS)
def test_penalty_is_minus_log_of_scipys_density(name):
    for law in laws(name):
        phi = from_frozen(law)
        f = sp.lambdify(a, phi.expr, "mpmath")
        gaps = [float(f(x)) + law.logpdf(x) for x in law.ppf(Q * 0.99)]
        assert max(gaps) - min(gaps) < 1e-8 * (1 + abs(max(gaps)))
        low, high = law.support()
        assert phi.domain == ("positive" if low >= 0 else "real")
        outside = [x for x in (low - 0.3, high + 0.3) if np.isfinite(x)]
        assert all(f(x) == sp.oo or (phi.domain == "positive" and x < 0) for x in outside)


USUAL = ("laplace", "norm", "t", "gennorm", "expon", "gamma", "lomax", "weibull_min")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in USUAL else pytest.mark.slow) for n in LAWS]
)
def test_frozen_prior_is_the_law(name):
    law = next(iter([*laws(name)][1:2]))
    ours = FrozenPrior(from_frozen(law), 1.0)
    x = law.ppf(Q)
    loose = 1e-7 if name in LOOSE else 1e-10
    assert ours.pdf(x) == pytest.approx(law.pdf(x), rel=loose)
    assert ours.cdf(x) == pytest.approx(law.cdf(x), rel=loose)
    assert ours.sf(x) == pytest.approx(law.sf(x), rel=loose)
    assert ours.isf(ours.sf(x)) == pytest.approx(x, rel=1e-9)
    assert ours.support() == pytest.approx(law.support())
