"""The torch module: derivatives of any order, copies, dtypes, learned numbers, torch.func."""

import copy
import pickle

import pytest

from neglog.priors.penalty import Penalty
from neglog.priors.text import parse

from .table import joints, numbers, scalars

torch = pytest.importorskip("torch")
AWAY = torch.tensor([0.31, -0.52, 1.37, 2.21, -1.9, 0.08], dtype=torch.float64)


def compiled(text: str, domain: str = "real", **options):
    return Penalty(parse(text), domain).compile("torch", **options)


@pytest.mark.parametrize("penalty", [*scalars(), *joints()], ids=lambda p: f"{p}-{p.domain}")
def test_gradients(penalty: Penalty) -> None:
    f = penalty.compile("torch", strength=1.3, scale=0.9, **numbers(penalty))
    x = AWAY if penalty.domain == "real" else AWAY.abs()
    if str(penalty) == "prod(Abs(a))" and penalty.domain == "real":
        x = x.abs()
    x = x.clone().requires_grad_()
    assert torch.autograd.gradcheck(f, x)
    assert torch.autograd.gradgradcheck(f, x, atol=1e-4)


def test_learned_numbers() -> None:
    f = compiled("abs(a)**q", learn=("strength", "scale", "q"), q=0.7, strength=2.0).double()
    assert sorted(f.state_dict()) == ["log_q", "log_scale", "log_strength"]
    names = list(dict(f.named_parameters()))
    start = tuple(p.detach().clone().requires_grad_() for p in f.parameters())

    def value(*logs):
        return torch.func.functional_call(f, dict(zip(names, logs, strict=True)), (AWAY,))

    assert torch.autograd.gradcheck(value, start)
    f(torch.tensor([0.0, 0.0, 1.0])).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in f.parameters())


def test_strength_is_steered_and_copied() -> None:
    f = compiled("log(1+abs(a))")
    before, other = f(AWAY), copy.deepcopy(f)
    f.strength = 3.0
    torch.testing.assert_close(f(AWAY), 3 * before)
    torch.testing.assert_close(other(AWAY), before)
    assert not f.state_dict()


def test_half_types_come_back() -> None:
    for dtype in (torch.float16, torch.bfloat16):
        x = AWAY.to(dtype)
        want = compiled("log(1+abs(a))")(x.float()).to(dtype)
        assert torch.equal(compiled("log(1+abs(a))")(x), want)


@pytest.mark.parametrize("text", ["log(cosh(a))", "prod(1+abs(a))"])
def test_func(text: str) -> None:
    f = compiled(text)
    x = AWAY.reshape(2, 3)
    rows = torch.func.vmap(f)(x)
    torch.testing.assert_close(rows, f(x))
    slopes = torch.func.grad(lambda z: f(z).sum())(x)
    leaf = x.clone().requires_grad_()
    torch.testing.assert_close(slopes, torch.autograd.grad(f(leaf).sum(), leaf)[0])


def test_large_arrays_are_chunked_alike() -> None:
    x = torch.randn(3, 300_001, requires_grad=True)
    f = compiled("log(1+abs(a))")
    (slope,) = torch.autograd.grad(f(x).sum(), x)
    torch.testing.assert_close(slope, x.detach().sign() / (1 + x.detach().abs()))
    weights = torch.randn_like(x)
    (slope,) = torch.autograd.grad((weights * f(x)).sum(), x)
    torch.testing.assert_close(slope, weights * x.detach().sign() / (1 + x.detach().abs()))


def test_pickles() -> None:
    f = compiled("log(1+abs(a))", learn=("scale",))
    want = f(AWAY)
    torch.testing.assert_close(pickle.loads(pickle.dumps(f))(AWAY), want)
