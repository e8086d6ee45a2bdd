"""Joint penalties against brute force, at kinks and at the zero vector."""

import numpy as np
import pytest

from neglog.priors.penalty import Penalty
from neglog.priors.text import parse

from .table import joints
from .test_accuracy import run_jax, run_numpy, run_torch

X = np.array([[0.3, -0.5, 2.0, 1.1], [1.0, 0.0, 0.0, -4.0], [1e-3, 2e-3, 0.4, -30.0]])
BRUTE = {
    "prod(1+abs(a))": lambda u: np.prod(1 + u, -1) - 1,
    "log(1+sum(abs(a)))": lambda u: np.log1p(u.sum(-1)),
    "sum(log(1+abs(a)))": lambda u: np.log1p(u).sum(-1),
    "sum(abs(a))**2": lambda u: u.sum(-1) ** 2,
    "norm(a)": lambda u: np.sqrt((u**2).sum(-1)),
    "max(abs(a))": lambda u: u.max(-1),
    "sqrt(sum(abs(a)))": lambda u: np.sqrt(u.sum(-1)),
    "prod(1+abs(a)/d)": lambda u: np.prod(1 + u / 4, -1) - 1,
    "prod(abs(a))": lambda u: np.prod(u, -1),
    "sum(abs(a))**2/sum(a**2)": lambda u: u.sum(-1) ** 2 / (u**2).sum(-1),
}


@pytest.mark.parametrize("text", BRUTE)
def test_values(text: str) -> None:
    for run in (run_torch, run_numpy, run_jax):
        value, _ = run(Penalty(parse(text)), X)
        np.testing.assert_allclose(
            value, BRUTE[text](np.abs(X)), rtol=2e-6 if run is run_jax else 1e-13
        )


@pytest.mark.parametrize("penalty", joints(), ids=lambda p: f"{p}-{p.domain}")
def test_backends_agree_and_zero_is_defined(penalty: Penalty) -> None:
    x = np.concatenate([np.abs(X) if penalty.domain == "positive" else X, np.zeros((1, 4))])
    want, slope = run_numpy(penalty, x)
    for run in (run_torch, run_jax):
        value, got = run(penalty, x)
        np.testing.assert_allclose(value, want, rtol=2e-5)
        np.testing.assert_allclose(got, slope, rtol=2e-5, atol=1e-6)
    assert not np.isnan(want).any()
    assert not np.isnan(slope).any()
    assert want[-1] == (1 if str(penalty).startswith("sum(Abs(a))**2/") else 0)
    if penalty.domain == "real":
        assert (slope[x == 0] == 0).all()


def test_norm_neither_overflows_nor_underflows() -> None:
    x = np.array([[3e-30, 4e-30], [3e30, 4e30]], dtype=np.float32)
    for run in (run_torch, run_numpy, run_jax):
        value, slope = run(Penalty(parse("norm(a)")), x)
        np.testing.assert_allclose(value, [5e-30, 5e30], rtol=1e-6)
        np.testing.assert_allclose(slope, [[0.6, 0.8]] * 2, rtol=1e-6)


def test_a_product_near_one_keeps_its_digits() -> None:
    x = np.full((1, 3), 1e-12)
    value, _ = run_torch(Penalty(parse("prod(1+abs(a))")), x)
    np.testing.assert_allclose(value, 3e-12 + 3e-24, rtol=1e-14)
