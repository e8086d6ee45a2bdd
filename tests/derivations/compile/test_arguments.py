"""Bad input is refused in one sentence, and importing is cheap."""

import subprocess
import sys

import numpy as np
import pytest

from neglog.derivations.compile.numpy_backend import function
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.symbols import a, parameter
from neglog.priors.text import parse

BRIDGE = Penalty(parse("abs(a)**q"))
BAD = [
    ({"backend": "tensorflow", "q": 1.0}, "torch, jax, numpy"),
    ({"backend": "numpy"}, "parameter q"),
    ({"backend": "numpy", "q": 1.0, "k": 1.0}, "'k'"),
    ({"backend": "numpy", "q": -1.0}, "q must be"),
    ({"backend": "numpy", "q": float("nan")}, "q must be"),
    ({"backend": "numpy", "q": 1.0, "strength": 0.0}, "strength must be"),
    ({"backend": "numpy", "q": 1.0, "scale": float("inf")}, "scale must be"),
    ({"backend": "torch", "q": 1.0, "learn": ("k",)}, "'k'"),
    ({"backend": "numpy", "q": 1.0, "learn": ("q",)}, "numpy"),
]


@pytest.mark.parametrize(("options", "said"), BAD)
def test_refused(options: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        BRIDGE.compile(**options)


def test_joint_refusals() -> None:
    with pytest.raises(InputError, match="joint"):
        Penalty(parse("prod(1+abs(a))")).prox("numpy")
    with pytest.raises(InputError, match="outside"):
        Penalty(parse("a*sum(abs(a))")).compile("numpy")
    with pytest.raises(InputError, match="last axis"):
        Penalty(parse("norm(a)")).compile("numpy")(1.0)


def test_function_shares_and_broadcasts() -> None:
    k = parameter("k")
    f = function([a, k], [parse("erf(a)*k"), parse("lowergamma(k, abs(a))"), parse("3")])
    one, two, three = f(np.array([[0.1], [0.7]]), np.array([1.0, 2.0]))
    assert one.shape == two.shape == three.shape == (2, 2)
    np.testing.assert_allclose(two[:, 0], 1 - np.exp([-0.1, -0.7]))
    with pytest.raises(InputError, match="k"):
        function([a], [parse("k*a")])


def test_imports_neither_torch_nor_jax() -> None:
    code = (
        "import sys, neglog.derivations.compile as c; from neglog.priors.penalty import Penalty;"
        "from neglog.priors.text import parse; Penalty(parse('abs(a)')).compile('numpy')(1.0);"
        "assert not {'torch', 'jax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
