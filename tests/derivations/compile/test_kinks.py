"""One convention at kinks: the smallest one-sided derivative, 0 where they differ in sign."""

import numpy as np
import pytest
import sympy as sp

from neglog.derivations.compile.halfline import HalfLine
from neglog.derivations.compile.numpy_penalty import elementwise
from neglog.priors.catalogue import ENTRIES
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y
from neglog.priors.text import parse

from .table import numbers
from .test_accuracy import run_jax, run_numpy, run_torch

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
ROWS = [  # expression, domain, where, the derivative there
    ("abs(a)", "real", 0.0, 0.0),
    ("abs(a)", "positive", 0.0, 1.0),
    ("sqrt(abs(a))", "real", 0.0, 0.0),
    ("sqrt(a)", "positive", 0.0, np.inf),
    ("log(1+abs(a))", "positive", 0.0, 1.0),
    ("min(abs(a), k)", "real", 0.75, 0.0),
    ("min(abs(a), k)", "real", -0.75, 0.0),
    ("abs(abs(a)-1)", "real", 1.0, 0.0),
    ("abs(a-1)+2*a", "positive", 1.0, 1.0),
    ("max(abs(a), 2)", "real", 2.0, 0.0),
    ("max(2*abs(a), 3*abs(a)-1)", "real", -1.0, -2.0),
    ("Piecewise((2*a, a>0), (-a, True))", "real", 0.0, 0.0),
    ("Piecewise((2*a, a>0), (a, True))", "real", 0.0, 1.0),
    ("Piecewise((a**2/2, abs(a)<k), (k*abs(a)-k**2/2, True))", "real", 0.75, 0.75),
    ("abs(a)", "positive", -3.0, 0.0),
]


@pytest.mark.parametrize(("text", "domain", "where", "slope"), ROWS)
def test_kink(text: str, domain: str, where: float, slope: float) -> None:
    penalty = Penalty(parse(text), domain)
    for run in (run_torch, run_numpy, run_jax):
        _, got = run(penalty, np.array([where], dtype=np.float32))
        assert got[0] == np.float32(slope)


def ends(penalty: Penalty) -> list[float]:
    """Where the penalty has a kink or a break: ±those of its pieces, and 0."""
    exact = {p: sp.Rational(3, 4) for p in penalty.parameters}
    half = HalfLine.of(penalty.expr.subs(exact).subs(a, y), {})
    found = [0.0, *half.breaks]
    return found if penalty.domain == "positive" else [*found, *[-b for b in half.breaks]]


def _second(penalty: Penalty, x: np.ndarray) -> list[np.ndarray]:
    """φ'' by numpy's spec, torch and JAX."""
    at = numbers(penalty)
    t = torch.tensor(x, requires_grad=True)
    f = penalty.compile("torch", **at)
    (slope,) = torch.autograd.grad(f(t).sum(), t, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), t)
    g = penalty.compile("jax", **at)
    once = jax.grad(lambda z: g(z).sum())
    jaxed = jax.grad(lambda z: once(z).sum())(jax.numpy.asarray(x))
    spec = penalty.compile("numpy", **at)._body.partial(0).partial(0)
    with np.errstate(all="ignore"):
        return [elementwise(spec, x.astype(float)).astype(x.dtype), bend.numpy(), np.asarray(jaxed)]


PIECED = [
    Penalty(parse(e.expr), d, n)
    for n, e in ENTRIES.items()
    for d in e.domains
    if e.expr.count("Piecewise") + e.expr.count("max") + e.expr.count("min") or "abs" in e.expr
]
KINKED = [p for p in PIECED if not p.joint and "bessel" not in str(p) and "expint" not in str(p)]


@pytest.mark.slow
@pytest.mark.parametrize("penalty", KINKED, ids=lambda p: f"{p.name}-{p.domain}")
def test_every_kink_of_the_catalogue(penalty: Penalty) -> None:
    """At each kink all backends have the smallest one-sided slope, and one second derivative."""
    f = penalty.compile("numpy", **numbers(penalty))
    for where in ends(penalty):
        x = np.array([where], dtype=np.float32)
        if float(x[0]) != where:
            continue  # a place such as √k, which no float32 meets
        slopes = [run(penalty, x)[1][0] for run in (run_torch, run_numpy, run_jax)]
        assert slopes[0] == slopes[1] == slopes[2] or np.isclose(slopes, slopes[0]).all()
        step = max(abs(where), 1e-6) * 1e-5
        left, right = f.grad(np.array([where - step, where + step]))
        if where == 0 and penalty.domain == "positive":
            if np.isinf(slopes[0]):  # as of a^q, q < 1
                assert abs(f.grad(np.array([step * 1e-4]))[0]) > 1.5 * abs(right)
            elif abs(right) < 1e3:  # the right derivative, to be compared with its limit
                assert slopes[0] == pytest.approx(right, rel=1e-3, abs=1e-4)
        elif not np.isclose(left, right, rtol=1e-2, atol=1e-4):
            want = 0.0 if left * right <= 0 else min(left, right, key=abs)
            assert slopes[0] == pytest.approx(want, rel=1e-3, abs=1e-4)
        bends = _second(penalty, x)
        if not np.isfinite(bends[0]).all():
            continue  # a pole of φ'': JAX multiplies it by the slope's 0
        assert not any(np.isnan(b).any() for b in bends)
        assert all(np.allclose(b, bends[0], rtol=1e-4, atol=1e-6) for b in bends)


def test_l0_jumps_at_zero() -> None:
    f = Penalty(parse("indicator(abs(a)>0)")).compile("numpy", strength=2.0)
    assert f(np.array([0.0, -0.0, 1e-30, -5.0])).tolist() == [0, 0, 2, 2]
