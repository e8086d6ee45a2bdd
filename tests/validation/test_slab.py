import numpy as np
import pytest
import torch

import neglog
from neglog.derivations.inversion.spike import spike_and_slab
from neglog.priors import symbols
from neglog.priors.errors import InputError
from neglog.validation import FAMILIES, SlabFit, fit, negative_log, pooled

from .laws import TRUE, codes_of, draw

UNITS = np.exp(np.random.default_rng(0).normal(0, 1, 30))


def scaled_features(name, n=200):
    return codes_of(*(unit * draw(name, n, seed=k) for k, unit in enumerate(UNITS)))


@pytest.mark.parametrize("name", TRUE)
def test_the_shared_shape_is_found(name):
    best = pooled(scaled_features(name), [name])[0]
    assert best.family == name
    for shape in FAMILIES[name].shapes:
        assert best.shapes[shape] == pytest.approx(TRUE[name][shape], rel=0.15, abs=0.03)
    assert best.params["scale"] == 1.0
    assert best.zero_fraction == 0.5
    truth = UNITS * TRUE[name]["scale"]
    assert np.median(best.scales / truth) == pytest.approx(1, rel=0.15)
    assert best.typical_scale == pytest.approx(np.exp(np.log(best.scales).mean()))


@pytest.mark.parametrize("name", ["weibull", "gamma", "log-normal", "half-normal", "exponential"])
def test_the_true_family_wins(name):
    fits = pooled(scaled_features(name))
    assert fits[0].family == name
    assert [f.aic for f in fits] == sorted(f.aic for f in fits)
    assert len(fits) == len(FAMILIES)


@pytest.mark.parametrize("name", TRUE)
def test_pooling_one_feature_is_fitting_it(name):
    codes = codes_of(draw(name, 300))
    alone, shared = fit(codes, [name]).iloc[0], pooled(codes, [name])[0]
    assert shared.loglik == pytest.approx(alone["loglik"], abs=1e-4)


def test_sharing_costs_likelihood():
    codes = scaled_features("gamma")
    separate = fit(codes, ["weibull"])["loglik"].sum()
    assert pooled(codes, ["weibull"])[0].loglik < separate


def test_log_normal_has_the_closed_form():
    codes = scaled_features("log-normal")
    logs = np.log(codes[:200])
    s = np.sqrt(((logs - logs.mean(axis=0)) ** 2).mean())
    assert pooled(codes, ["log-normal"])[0].shapes["s"] == pytest.approx(s, rel=1e-4)


def test_nothing_to_pool():
    with pytest.raises(InputError, match="no feature has 50"):
        pooled(np.eye(4))


AWKWARD = {
    "generalised-pareto": {"c": 0.38778282898553545},
    "lomax": {"c": 2.5786874465428427},
    "weibull": {"c": 0.7842884349571563},
    "gamma": {"a": 0.7010269903056039},
    "log-normal": {"s": 0.8123456},
    "half-t": {"df": 3.4567891},
    "exponential": {},
    "half-normal": {},
    "half-cauchy": {},
}


@pytest.mark.parametrize(
    "family",
    [pytest.param(f, marks=() if f in ("gamma", "lomax") else pytest.mark.slow) for f in AWKWARD],
)
def test_any_fit_becomes_a_penalty_to_train_with(family):
    where = np.arange(3)
    fit = SlabFit(family, AWKWARD[family], where, np.full(3, 0.6813854819), 0.97973, -1.0, 4.0)
    phi = spike_and_slab(fit.slab(4), 0.9797, 0.02904)
    again = neglog.penalty(str(phi.expr), "positive")
    f = again.compile("torch")
    a = torch.tensor([0.0, 1e-4, 0.03, 0.5, 4.0, 60.0], requires_grad=True)
    f(a).sum().backward()
    assert f(a)[0] == 0
    assert torch.isfinite(a.grad).all()
    assert a.grad[0] > 10
    unrounded = negative_log(family, {**AWKWARD[family], "scale": 0.6813854819})
    at = [float(fit.slab(4).expr.subs(symbols.a, x)) for x in (0.1, 2.0)]
    exact = [float(unrounded.subs(symbols.a, x)) for x in (0.1, 2.0)]
    assert at[1] - at[0] == pytest.approx(exact[1] - exact[0], abs=0.02)
