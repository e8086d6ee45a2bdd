"""The torch module: derivatives of any order, copies, dtypes, learned numbers, torch.func."""

import copy
import pickle
import shutil

import pytest

from neglog.priors.catalogue import ENTRIES
from neglog.priors.errors import InputError
from neglog.priors.penalty import Penalty
from neglog.priors.text import parse

from .table import joints, numbers, scalars

torch = pytest.importorskip("torch")
AWAY = torch.tensor([0.31, -0.52, 1.37, 2.21, -1.9, 0.08], dtype=torch.float64)


def compiled(text: str, domain: str = "real", **options):
    return Penalty(parse(text), domain).compile("torch", **options)


NATIVE = [
    "a**2/(1+a**2)",
    "abs(a)",
    "min(abs(a), 1/2)",
    "sqrt(abs(a))",
    "sqrt(1+a**2)-1",
    "log(1+abs(a))",
    "log(1+a**2)",
    "log(cosh(a))",
    "tanh(abs(a))",
    "1-exp(-abs(a))",
    "abs(a)**(2/3)",
    "atan(abs(a))",
    "expint(1, 1+abs(a))",
]
HALF_LINES = [p for p in scalars() if p.domain == "real" or "abs" not in str(p).lower()]
CATALOGUE = [Penalty(parse(e.expr), e.domains[0], n) for n, e in ENTRIES.items()]


@pytest.mark.slow
@pytest.mark.parametrize("penalty", CATALOGUE, ids=lambda p: p.name)
def test_gradcheck_and_gradgradcheck_of_the_catalogue(penalty: Penalty, record_property) -> None:
    f = penalty.compile("torch", strength=1.3, scale=0.9, **numbers(penalty))
    x = torch.tensor([0.31, -0.52, 0.63, 0.37], dtype=torch.float64)
    x = (x.abs() if penalty.domain == "positive" else x).requires_grad_()
    assert torch.autograd.gradcheck(f, x)
    assert torch.autograd.gradgradcheck(f, x, atol=1e-4)
    record_property("checked", penalty.name)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("penalty", [*HALF_LINES, *joints()], ids=lambda p: f"{p}-{p.domain}")
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


@pytest.mark.parametrize("text", ["log(cosh(a))", "abs(a)**q", "prod(1+abs(a))"])
def test_torch_compile_and_export(text: str) -> None:
    f = compiled(text, learn=("scale",), **({"q": 0.75} if "q" in text else {}))
    x = AWAY.float().requires_grad_()
    want = torch.autograd.grad(f(x).sum(), [x, *f.parameters()])
    fast = torch.compile(lambda z: f(z).sum(), fullgraph=True, backend="aot_eager")
    got = torch.autograd.grad(fast(x), [x, *f.parameters()])
    for one, two in zip(got, want, strict=True):
        torch.testing.assert_close(one, two)
    exported = torch.export.export(f, (x.detach(),)).module()
    torch.testing.assert_close(exported(x.detach()), f(x).detach())


def test_one_code_compiled_for_two_penalties() -> None:
    """A graph traced for one penalty must not serve another in the same code."""
    x = AWAY.clone().requires_grad_()
    for text in ("log(1+abs(a))", "log(cosh(a))", "abs(a)"):
        for scale in (1.0, 2.0):
            f = compiled(text, scale=scale)
            fast = torch.compile(lambda z: f(z).sum(), fullgraph=True, backend="aot_eager")  # noqa: B023
            torch.testing.assert_close(fast(x), f(x).sum())
            (got,), (want,) = (torch.autograd.grad(v, x) for v in (fast(x), f(x).sum()))
            torch.testing.assert_close(got, want)


@pytest.mark.slow
def test_inductor() -> None:
    f = compiled("log(1+abs(a))")
    x = torch.randn(1000, requires_grad=True)
    want = torch.autograd.grad(f(x).sum(), x)
    torch.testing.assert_close(torch.autograd.grad(torch.compile(f)(x).sum(), x), want)


def test_forward_mode_and_hessian() -> None:
    f, x = compiled("log(1+abs(a))"), AWAY
    exact = torch.diag(-1 / (1 + x.abs()).square())
    torch.testing.assert_close(torch.func.hessian(lambda z: f(z).sum())(x), exact)
    torch.testing.assert_close(torch.func.jacfwd(f)(x), torch.func.jacrev(f)(x))


TOTALS = ["abs(a)", "a**2/(1+a**2)", "log(1+abs(a))", "log(cosh(a))", "sqrt(abs(a))", "a+exp(-a)"]


@pytest.mark.parametrize("domain", ["real", "positive"])
@pytest.mark.parametrize("text", [*TOTALS, "min(abs(a), 1/2)", "exp(-a**2)"])
def test_total_is_the_sum(text: str, domain: str) -> None:
    f = compiled(text, domain, strength=0.7, scale=1.9)
    x = torch.randn(3, 70_001)
    x[0, :9] = torch.tensor([0.0, -0.0, 1e-40, -1e-30, 1e30, -1e30, 1e12, 3e6, -3e6])
    if text == "a+exp(-a)":
        x = x.clamp(-30, 30)
    x.requires_grad_()
    for factor in (1, 2.5):
        (got,) = torch.autograd.grad(factor * f.total(x), x)
        (want,) = torch.autograd.grad(factor * f(x).sum(), x)
        torch.testing.assert_close(got, want, rtol=1e-6, atol=1e-44)
    torch.testing.assert_close(f.total(x).double(), f(x).double().sum(), rtol=1e-5, atol=0)


def test_total_twice_and_to_second_order() -> None:
    f, x = compiled("log(1+abs(a))", strength=2.0), AWAY.clone().requires_grad_()
    total = f.total(x)
    first = torch.autograd.grad(total, x, retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(total, x), first)
    assert torch.autograd.gradgradcheck(f.total, x)
    learned = compiled("log(1+abs(a))", learn=("strength",), strength=2.0)
    learned.total(x).backward()
    torch.testing.assert_close(learned.log_strength.grad, f.total(x).detach().float())


def test_total_of_the_active_values() -> None:
    f = compiled("log(1+a)", "positive")
    code = torch.tensor([[0.0, 1.0, 0.0], [3.0, 0.0, 0.5]], requires_grad=True)
    (slope,) = torch.autograd.grad(f.total(code, active=True), code)
    torch.testing.assert_close(slope, torch.where(code > 0, 1 / (1 + code), 0.0))
    want = f(code).sum().detach()
    for sparse in (code.detach().to_sparse(), code.detach().to_sparse_csr()):
        torch.testing.assert_close(f.total(sparse), want)
    with pytest.raises(InputError, match="joint"):
        compiled("norm(a)").total(code, active=True)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("domain", ["real", "positive"])
@pytest.mark.parametrize("text", NATIVE)
def test_native_code_agrees(text: str, domain: str) -> None:
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        pytest.skip("needs a C++ compiler")
    x = torch.randn(100_003)
    x[:6] = torch.tensor([0.0, -0.0, 1e30, -1e30, 1e12, 0.5])
    x.requires_grad_()
    f = compiled(text, domain, strength=0.7, scale=1.9)
    want, (slope,) = f.total(x), torch.autograd.grad(f.total(x), x)
    got, (mine,) = f.native().total(x), torch.autograd.grad(f.total(x), x)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=0)
    torch.testing.assert_close(mine, slope, rtol=1e-6, atol=1e-44)


def test_native_code_is_refused_where_it_cannot_help() -> None:
    with pytest.raises(InputError, match="no function loggamma"):
        compiled("loggamma(2+abs(a))").native()
    with pytest.raises(InputError, match="fused"):
        compiled("norm(a)").native()
