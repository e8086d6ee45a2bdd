"""Each compiled penalty against mpmath over the range of the type: value, gradient, no NaN."""

import numpy as np
import pytest
import sympy as sp

from neglog.derivations.compile.accuracy import distance
from neglog.derivations.compile.kinks import as_pieces
from neglog.derivations.compile.reference import function
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, y

from .table import numbers, scalars

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
MAGNITUDES = [1e-30, 1e-20, 1e-9, 1e-5, 3e-4, 0.013, 0.13, 0.45, 0.6, 0.83, 1.7, 6.0, 23.0, 180.0]
MAGNITUDES += [3e4, 2e6, 1e12, 1e30]
TINY = [0.0, -0.0, 1e-40, -1e-40, 5e-324]
# float64 loses to pow and to exp of large logs; float32 is computed in float64 where it must be.
ULPS = {np.float32: 4.0, np.float64: 16.0}
JAX_ULPS = 40.0  # float32 alone, without a wider type to fall back on


def exact(penalty: Penalty, xs: np.ndarray) -> tuple[list, list]:
    """(values of φ(a) − φ(0), values of φ'(a)) by mpmath."""
    at = {p: sp.Rational(3, 4) for p in penalty.parameters}
    half = as_pieces(penalty.expr.subs(at).subs(a, y))
    start = penalty.expr.subs(at).subs(a, 0)
    if start.has(sp.nan, sp.zoo, sp.oo):
        start = sp.S.Zero
        if penalty.expr.has(sp.exp) and not half.has(1 / sp.sqrt(y)):
            start = -sp.log(90)  # the spike's density at 0; the slab's is 0 there
    both = function([y], [half - start, sp.diff(half, y)], digits=150)
    values, slopes = [], []
    for x in xs:
        value, slope = both(abs(float(x)))
        values.append(value)
        slopes.append(slope if x > 0 else -slope)
    return values, slopes


def points(penalty: Penalty, dtype: type) -> np.ndarray:
    """The magnitudes of the table, both signs on the real domain."""
    xs = np.array(MAGNITUDES, dtype=dtype)
    if "exp" in str(penalty.expr) and "log" in str(penalty.expr):
        xs = xs[xs < 1e9]  # mpmath subtracts e^(-1e30) from 1: no digits are enough
    if "tanh" in str(penalty.expr):
        xs = xs[(xs < 100) | (xs > 1e5)]  # 1 − tanh² likewise; beyond 1e5 both are 0
    return xs if penalty.domain == "positive" else np.concatenate([xs, -xs])


def run_torch(penalty: Penalty, xs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x = torch.tensor(xs, requires_grad=True)
    value = penalty.compile("torch", **numbers(penalty))(x)
    (slope,) = torch.autograd.grad(value.sum(), x)
    return value.detach().numpy(), slope.numpy()


def run_numpy(penalty: Penalty, xs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    f = penalty.compile("numpy", **numbers(penalty))
    return f(xs), f.grad(xs)


def run_jax(penalty: Penalty, xs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    f = penalty.compile("jax", **numbers(penalty))
    return np.asarray(f(xs)), np.asarray(jax.grad(lambda x: f(x).sum())(jax.numpy.asarray(xs)))


def worst(got: np.ndarray, true: list, dtype: type) -> float:
    return max(distance(g, t, dtype) for g, t in zip(got, true, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("penalty", scalars(), ids=lambda p: f"{p}-{p.domain}")
def test_digits(penalty: Penalty, dtype: type, record_property) -> None:
    xs = points(penalty, dtype)
    values, slopes = exact(penalty, xs)
    for run in (run_torch, run_numpy):
        value, slope = run(penalty, xs)
        errors = worst(value, values, dtype), worst(slope, slopes, dtype)
        record_property(f"{run.__name__} {np.dtype(dtype)}", errors)
        assert max(errors) <= ULPS[dtype]


@pytest.mark.slow
@pytest.mark.parametrize("penalty", scalars(), ids=lambda p: f"{p}-{p.domain}")
def test_digits_jax(penalty: Penalty, record_property) -> None:
    xs = points(penalty, np.float32)
    xs = xs[(np.abs(xs) > 1e-12)]
    values, slopes = exact(penalty, xs)
    value, slope = run_jax(penalty, xs)
    errors = worst(value, values, np.float32), worst(slope, slopes, np.float32)
    record_property("jax float32", errors)
    assert max(errors) <= JAX_ULPS


@pytest.mark.parametrize("penalty", scalars(), ids=lambda p: f"{p}-{p.domain}")
def test_no_nan_anywhere(penalty: Penalty) -> None:
    for run in (run_torch, run_numpy, run_jax):
        for dtype in (np.float32, np.float64):
            extreme = np.array([*TINY, *MAGNITUDES, -1e30], dtype=dtype)
            value, slope = run(penalty, extreme)
            assert not np.isnan(value).any()
            assert not np.isnan(slope).any()


@pytest.mark.parametrize("penalty", scalars(), ids=lambda p: f"{p}-{p.domain}")
def test_zero_at_zero(penalty: Penalty) -> None:
    zero = np.array([0.0, -0.0], dtype=np.float32)
    singular = "exp(-sqrt(a))" in str(penalty)  # a density infinite at 0: φ(0) = −∞
    for run in (run_torch, run_numpy, run_jax):
        value, slope = run(penalty, zero)
        if not singular:
            assert (value == 0).all()
        if penalty.domain == "real":
            assert (slope == 0).all()
