"""Proximal maps: no grid point is better, odd for even penalties, the stated derivative."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y
from neglog.priors.text import parse

from .table import numbers, scalars

torch = pytest.importorskip("torch")
GRID = np.concatenate([np.linspace(-9, 9, 18_001), [0.0]])
XS = np.concatenate([np.linspace(-4, 4, 33), [0.0, 1e-8, 8.0, -8.0]])
LONG = 50  # characters


def long_are_slow(penalties):
    """The rows, those of long expressions (which take long to compile) for the slow run."""
    return [
        pytest.param(
            p, id=f"{p}-{p.domain}", marks=pytest.mark.slow if len(str(p.expr)) > LONG else ()
        )
        for p in penalties
    ]


EXTRA = [
    Penalty(parse(t), d)
    for t, d in [
        ("indicator(abs(a)>0)", "real"),
        ("Piecewise((2*a,a>0),(-a,True))", "real"),
        ("a-log(a)", "positive"),
    ]
]


@pytest.mark.thinned(4)  # two strengths each
@pytest.mark.parametrize("strength", [0.3, pytest.param(1.5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("penalty", long_are_slow([*scalars(), *EXTRA]))
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


@pytest.mark.thinned(2)
@pytest.mark.parametrize("strength", [0.05, pytest.param(1.5, marks=pytest.mark.slow), 6.0])
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


SMOOTH = [
    "sqrt(abs(a))",
    "1-exp(-abs(a))",
    "log(1+a**2)",
    "atan(abs(a))",
    "exp(abs(a))-1",
    "log(cosh(a))",
]


@pytest.mark.parametrize("text", SMOOTH)
def test_stationary_to_the_last_digits(text: str) -> None:
    """z solves z − x + cφ'(z) = 0, to what that equation's condition allows."""
    phi, c = Penalty(parse(text)), 1.3
    solve = phi.prox("numpy", strength=c)
    assert phi.prox("torch", strength=c).pair.right.roots is not None
    xs = np.concatenate([np.logspace(-6, 3, 91), np.linspace(1.2, 1.8, 61)])
    xs = xs.astype("float32").astype(float)
    z, single = solve(xs), solve(xs.astype("float32"))
    slope = sp.diff(phi.expr.subs(a, y), y)
    f, g = (sp.lambdify(y, e, "mpmath") for e in (slope, sp.diff(slope, y)))
    for x, found, narrow in zip(xs, z, single, strict=True):
        if found == 0:
            continue
        with mp.workdps(40):
            exact = mp.mpf(found)
            for _ in range(6):  # Newton's method, from 15 digits
                exact -= (exact - mp.mpf(x) + c * f(exact)) / (1 + c * g(exact))
            rate = 1 + c * g(exact)
            assert abs(found - exact) <= 4e-16 * (exact + 2 * x / rate)
            if rate > 1e-4:
                assert abs(exact - float(narrow)) <= 1.2e-7 * (exact + x / rate)


def test_large_tensors_are_solved_in_pieces() -> None:
    p = Penalty(parse("atan(abs(a))")).prox("torch", strength=1.3)
    x = 3 * torch.randn(3, 40_000)
    apart = torch.cat([p(part) for part in x.split(10_000, dim=1)], dim=1)
    torch.testing.assert_close(p(x), apart, rtol=0, atol=0)
    torch.testing.assert_close(torch.func.vmap(p)(x[:, :100]), p(x[:, :100]))
