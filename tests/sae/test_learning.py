"""Strength from noise and prior; numbers of the prior learned with their normaliser."""

import pytest
import torch

import neglog
from neglog.priors.errors import InputError
from neglog.sae.control import NoiseStrength
from neglog.sae.loss import penalty_value
from neglog.sae.objective import compiled, learned
from neglog.sae.passes import Pass
from neglog.sae.run import train

RUN = {"steps": 200, "batch": 256, "progress": False}


def test_known_noise_gives_c_equal_to_2_sigma_squared_lambda(planted) -> None:
    sae = train(planted(), 64, "abs(a)", lam=3.0, noise=0.2, warmup=5, **RUN)
    assert sae.metrics["strength"] == pytest.approx(2 * 3.0 * (0.2 / float(sae.out_scale)) ** 2)


def test_noise_is_estimated_from_residuals(planted) -> None:
    sae = train(planted(), 64, "log(1+abs(a))", lam=2.0, **RUN)
    variance = sae.metrics["strength"] / (2 * 2.0)
    residual = sae.metrics["reconstruction"] / max(16 - sae.metrics["train_l0"], 8)
    assert residual < variance < 2 * residual  # it comes down from 1, a little late


def test_the_estimate_counts_the_entries_spent_on_the_fit() -> None:
    control = NoiseStrength(1.0, d=20, memory=0.0)
    control.update(l0=5, loss=30.0, penalty=1.0)
    assert control.at(100) == pytest.approx(2 * 30 / 15)
    control.update(l0=5000, loss=30.0, penalty=1.0)
    assert control.at(100) == pytest.approx(2 * 30 / 10)


def test_the_learned_scale_is_the_maximum_likelihood_scale() -> None:
    # Exponential slab: the best scale of λ|a|/s at λ = 2 is 2·mean of the active entries.
    torch.manual_seed(0)
    code = torch.empty(4000, 10).exponential_(1 / 0.7) * (torch.rand(4000, 10) < 0.3)
    penalty = compiled("abs(a)", learn=("scale",))
    optimizer = torch.optim.Adam(penalty.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        penalty_value(penalty, Pass(torch.zeros(4000, 1), code)).backward()
        optimizer.step()
    assert learned(penalty)["scale"] == pytest.approx(2 * float(code[code > 0].mean()), rel=0.01)


@pytest.mark.slow
def test_without_the_normaliser_the_scale_would_run_away(planted) -> None:
    with_it = train(planted(), 64, "log(1+abs(a))", learn=("scale",), target_l0=4, **RUN)
    assert 0.2 < with_it.metrics["scale"] < 20
    without = neglog.penalty("log(1+abs(a))", "positive").compile("torch", learn=("scale",))
    loose = train(planted(), 64, without, strength=0.3, **RUN).metrics
    assert learned(without)["scale"] > 2  # and growing: the penalty vanishes
    assert loose["l0"] > 10
    assert with_it.metrics["fvu"] < 0.3


@pytest.mark.slow
def test_shape_and_strength_can_be_learned_too(planted) -> None:
    sae = train(planted(), 64, "abs(a)", learn=("lam",), target_l0=4, **{**RUN, "steps": 400})
    x = planted()
    code = sae.encode(x).detach()
    assert sae.metrics["lam"] == pytest.approx(1 / float(code[code > 0].mean()), rel=0.15)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"noise": 0.1, "strength": 1.0}, "noise goes with lam"),
        ({"lam": -1.0}, "λ must be positive"),
        ({"lam": 1.0, "noise": 0.0}, "noise must be positive"),
        ({"lam": 1.0, "target_l0": 3}, "either its strength or a target"),
        ({"learn": ("scale",), "target_l0": 3, "penalty": "tanh(abs(a))"}, "no compiled prior"),
        ({"learn": ("nothing",), "target_l0": 3}, "nothing"),
        ({"params": {"q": 2.0}, "strength": 1.0}, "q"),
    ],
)
def test_what_makes_no_sense_is_refused(planted, settings, says) -> None:
    with pytest.raises(InputError, match=says):
        train(planted(), 64, **{"penalty": "abs(a)", **RUN, **settings})
