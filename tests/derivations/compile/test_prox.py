"""Proximal maps: no grid point is better, odd for even penalties, the stated derivative."""

import numpy as np
import pytest

from neglog.priors.penalty import Penalty
from neglog.priors.text import parse

from .table import numbers, scalars

torch = pytest.importorskip("torch")
GRID = np.concatenate([np.linspace(-9, 9, 18_001), [0.0]])
XS = np.concatenate([np.linspace(-4, 4, 33), [0.0, 1e-8, 8.0, -8.0]])
EXTRA = [
    Penalty(parse(t), d)
    for t, d in [
        ("indicator(abs(a)>0)", "real"),
        ("Piecewise((2*a,a>0),(-a,True))", "real"),
        ("a-log(a)", "positive"),
    ]
]


@pytest.mark.parametrize("strength", [0.3, pytest.param(1.5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("penalty", [*scalars(), *EXTRA], ids=lambda p: f"{p}-{p.domain}")
def test_beats_a_grid(penalty: Penalty, strength: float) -> None:
    options = {"strength": strength, **numbers(penalty)}
    z = penalty.prox("numpy", **options)(XS)
    f = penalty.compile("numpy", **options)
    grid = GRID if penalty.domain == "real" else GRID[GRID >= 0]
    cost = f(grid)
    best = np.array([np.min(0.5 * (grid - x) ** 2 + cost) for x in XS])
    assert (0.5 * (z - XS) ** 2 + f(z) <= best + 1e-9).all()
    if penalty.domain == "real" and penalty.on_half_line is not None:
        mirrored = penalty.prox("numpy", **options)(-XS)  # at 0 two minima may tie
        np.testing.assert_array_equal(mirrored[XS != 0], -z[XS != 0])
    x = torch.tensor(XS, requires_grad=True)
    out = penalty.prox("torch", **options)(x)
    np.testing.assert_allclose(out.detach(), z, atol=1e-9)
    (slope,) = torch.autograd.grad(out.sum(), x)
    assert torch.isfinite(slope).all()
    assert (slope[out == 0] == 0).all()


# Jumps, constraints, kinks away from 0, several minima, minima beyond x.
HARD = [
    ("indicator(abs(a)>1)", "real"),
    ("abs(abs(a)-1)", "real"),
    ("max(abs(a)-3/2,0)", "real"),
    ("Piecewise((abs(a)-a**2/3,abs(a)<3/2),(3/4,True))", "real"),
    ("min(abs(a),3/2)", "real"),
    ("a**2/20+1-cos(3*a)", "real"),
    ("Piecewise((abs(a),abs(a)<1))", "real"),
    ("Piecewise((0,abs(a)<1))", "real"),
    ("Piecewise((0,a<=1),(2,True))", "positive"),
    ("Piecewise((2,a<1),(0,True))", "positive"),
    ("Piecewise((1,abs(a)<1),(0,abs(a)<2),(3,True))", "real"),
    ("min(a**2,(abs(a)-2)**2+1/2)", "real"),
    ("abs(a)**(1/10)", "real"),
    ("log(abs(a)+1/1000)", "real"),
    ("log(a)**2", "positive"),
    ("3*log(1+a)-log(a)", "positive"),
    ("a+exp(-a)", "real"),
]


@pytest.mark.parametrize("strength", [0.05, 1.5, 6.0])
@pytest.mark.parametrize(("text", "domain"), HARD)
def test_solver_finds_the_global_minimum(text: str, domain: str, strength: float) -> None:
    penalty = Penalty(parse(text), domain)
    xs = np.concatenate([np.linspace(-6, 6, 49), [1e-6, 30, -30, 0.99, 1.01]])
    z = penalty.prox("numpy", strength=strength)(xs)
    f = penalty.compile("numpy")
    grid = np.concatenate([np.linspace(-40, 40, 20_001), np.linspace(-3, 3, 15_001)])
    grid = np.concatenate([grid, [0, 1, 2, -1, -2, 1 - 1e-12, 1e-12 - 1]])
    grid = grid if domain == "real" else grid[grid >= 0]
    with np.errstate(all="ignore"):
        cost, mine = f(grid), 0.5 * (z - xs) ** 2 + strength * f(z)
    best = np.array([np.nanmin(0.5 * (grid - x) ** 2 + strength * cost) for x in xs])
    assert (mine <= best + 1e-7 * (1 + abs(best))).all()
    shared = penalty.prox("torch", strength=strength)(torch.tensor(xs))
    with np.errstate(all="ignore"):
        theirs = 0.5 * (shared.numpy() - xs) ** 2 + strength * f(shared.numpy())
    np.testing.assert_allclose(theirs, mine, rtol=1e-9, atol=1e-9)


def test_soft_threshold_and_lomax() -> None:
    jax = pytest.importorskip("jax")
    soft = np.sign(XS) * np.maximum(np.abs(XS) - 0.4, 0)
    for backend in ("numpy", "torch", "jax"):
        make = {"numpy": np.asarray, "torch": torch.tensor, "jax": jax.numpy.asarray}[backend]
        z = Penalty(parse("abs(a)")).prox(backend, strength=0.4)(make(XS))
        np.testing.assert_allclose(np.asarray(z), soft, atol=1e-6)
    p = Penalty(parse("log(1+abs(a))")).prox("torch", strength=1.5)
    x = torch.tensor([2.5, 3.0, -4.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(p, x)


def test_gradient_is_the_implicit_one() -> None:
    p = Penalty(parse("atan(abs(a))")).prox("torch", strength=0.3)
    x = torch.tensor([0.9, 2.0, -3.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(p, x, atol=1e-5)
