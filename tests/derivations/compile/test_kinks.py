"""One convention at kinks: the smallest one-sided derivative, 0 where they differ in sign."""

import numpy as np
import pytest

from neglog.priors.penalty import Penalty
from neglog.priors.text import parse

from .test_accuracy import run_jax, run_numpy, run_torch

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


def test_l0_jumps_at_zero() -> None:
    f = Penalty(parse("indicator(abs(a)>0)")).compile("numpy", strength=2.0)
    assert f(np.array([0.0, -0.0, 1e-30, -5.0])).tolist() == [0, 0, 2, 2]
