"""Draws from joint priors, exact and by chains, and the tempered product."""

import numpy as np
import pytest
import sympy as sp
import torch

import neglog
from neglog.derivations.joint.frozen import FrozenJoint
from neglog.derivations.joint.sampling import sample
from neglog.derivations.joint.tempering import tempered, tempered_to
from neglog.priors.errors import InputError
from neglog.priors.symbols import parameter

EXACT = [
    ("sum(log(1+abs(a)))", 6.0, 3),
    ("prod(1+abs(a))", 0.7, 3),
    ("3*prod(1+abs(a)/2)**(1/3)", 1.0, 3),
    ("log(1+sum(abs(a)))", 9.0, 3),
    ("norm(a)", 1.0, 3),
    ("sum(abs(a)**(3/2))**2", 1.0, 3),
    ("max(abs(a))", 1.0, 3),
]
CHAINS = [
    ("sum(abs(a)) + c*(sum(abs(a))**2 - sum(a**2))/2", 1.3, 3, {"c": 2}),
    ("max(abs(a)) + sum(abs(a))", 1.0, 2, {}),
    ("sum(abs(a))/eps - log(1 + k/d*sum(exp(abs(a)/eps - abs(a)/b)))", 1.0, 2,
     {"eps": sp.Rational(1, 10), "b": 1, "k": sp.Rational(1, 2)}),
]  # fmt: skip


def slopes(text, strength, x, **params):
    """λ·a·∂φ/∂a, whose mean is 1 for any proper prior: integration by parts."""
    f = neglog.penalty(text).compile("numpy", strength=strength, **params)
    return x * f.grad(x)


@pytest.mark.parametrize(("text", "strength", "dim"), EXACT)
def test_exact_draws(text, strength, dim):
    found = sample(neglog.penalty(text), 100_000, dim, strength, {}, np.random.default_rng(5))
    terms = slopes(text, strength, found.values)
    assert found.method == "exact"
    assert (np.abs(terms.mean(0) - 1) < 5 * terms.std(0) / np.sqrt(len(terms))).all()
    assert (np.abs(found.values.mean(0)) < 5 * found.values.std(0) / np.sqrt(1e5)).all()


@pytest.mark.parametrize(
    ("text", "strength", "dim", "params"),
    [pytest.param(*row, marks=pytest.mark.slow if i else ()) for i, row in enumerate(CHAINS)],
)
def test_chains(text, strength, dim, params):
    numbers = {parameter(k): sp.sympify(v) for k, v in params.items()}
    phi = neglog.penalty(text, "positive")
    found = sample(phi, 25_000, dim, strength, numbers, np.random.default_rng(6))
    terms = slopes(text, strength, found.values, **{k: float(v) for k, v in params.items()})
    assert found.method == "slice"
    assert found.converged
    error = terms.std(0) / np.sqrt(min(found.effective, len(terms)))
    assert (np.abs(terms.mean(0) - 1) < 5 * error).all()
    assert (found.values >= 0).all()


def test_densities_integrate_and_know_their_domain():
    law = FrozenJoint(neglog.penalty("prod(1+abs(a))", "positive"), 0.7, 2)
    t = np.linspace(-16, 5, 500)
    y = np.exp(t)
    grid = np.stack(np.meshgrid(y, y), -1)
    mass = (law.pdf(grid) * grid.prod(-1)).sum() * (t[1] - t[0]) ** 2
    assert mass == pytest.approx(1, rel=1e-6)
    assert law.pdf([1.0, -1.0]) == 0
    assert law.normalizer == pytest.approx(2.135821961334338 / 4, rel=1e-10)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda law: law.at(lam=3.0), "number of features"),
        (lambda law: law.at(lam=3.0, dim=3), "not proper"),
        (lambda law: law.at(lam=3.0, dim=2, q=1.0), "no such number"),
        (lambda law: law.at(lam=3.0, dim=2).logpdf([1.0]), "2 features"),
        (lambda law: law.at(lam=3.0, dim=2).sample(0), "at least one"),
    ],
)
def test_bad_input_says_why(call, says):
    law = neglog.penalty("log(1+sum(abs(a)))").prior(timeout=40)
    with pytest.raises(InputError, match=says):
        call(law)


@pytest.mark.parametrize(
    ("dim", "l0", "share"), [(12_288, 32, 0.5), (1_536, 32, 0.1), (200, 8, 0.3)]
)
def test_tempered_codes_have_the_target_l0_and_budget(dim, l0, share):
    found = tempered(dim, l0, threshold=0.8, unit=2.0, budget=share)
    x = sample(found.penalty(), 300, dim, found.strength, {}, np.random.default_rng(8)).values
    active = (x > 0.8).sum(1)
    assert active.mean() == pytest.approx(l0, rel=0.05)
    totals = np.log1p(x / 2).sum(1)
    assert totals.mean() == pytest.approx(found.total, rel=0.02)
    assert dim * totals.var() / totals.mean() ** 2 == pytest.approx(share, rel=0.35)


def test_tempered_gradient_is_the_log_sums_times_the_price():
    found = tempered(50, 5)
    x = torch.rand(4, 50, dtype=torch.float64) * (torch.rand(4, 50) < 0.3)
    x.requires_grad_()
    found.penalty().compile("torch")(x).sum().backward()
    total = torch.log1p(x).sum(-1, keepdim=True)
    price = torch.exp((total - found.total) / found.tau)
    torch.testing.assert_close(x.grad, price / (1 + x.detach()))


def test_tempered_to_codes_stays_finite_where_the_product_overflows():
    rng = np.random.default_rng(0)
    codes = rng.exponential(3, (64, 2048)) * (
        rng.random((64, 2048)) < rng.uniform(0.1, 0.4, (64, 1))
    )
    found = tempered_to(codes)
    x = torch.tensor(codes, dtype=torch.float32, requires_grad=True)
    assert torch.isinf(torch.prod(1 + x.detach(), -1)).any()
    value = found.penalty().compile("torch")(x)
    value.sum().backward()
    assert torch.isfinite(value).all()
    assert 0 < float(x.grad.abs().max()) < 100
    with pytest.raises(InputError, match="do not vary"):
        tempered_to(np.zeros((3, 4)))
    with pytest.raises(InputError, match="l0"):
        tempered(10, 11)
