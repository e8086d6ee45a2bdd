"""Where a training starts: by the code, by the penalty at 0, and as the user says."""

import pytest

import neglog
from neglog.sae.advice import kinked
from neglog.sae.processes import SOLO
from neglog.sae.run import prepare
from neglog.sae.settings import settle


@pytest.mark.parametrize(
    ("expression", "kink"),
    [
        ("abs(a)", True),
        ("log(1+abs(a))", True),
        ("1000*abs(a)", True),
        ("sqrt(abs(a))", True),
        ("log(1+abs(a)/30)", True),
        ("log(1+a**2)", False),
        ("a**2", False),
        ("sqrt(1+a**2)", False),
        ("log(1+sum(abs(a)))", True),
        ("prod(1+abs(a))", True),
        ("log(1+sum(a**2))", False),
    ],
)
def test_a_kink_is_a_slope_at_0(expression, kink) -> None:
    penalty = neglog.penalty(expression, "positive").compile("torch")
    assert kinked(penalty, width=5) is kink


@pytest.mark.parametrize(
    ("given", "norm", "bias"),
    [
        ({"penalty": "abs(a)", "strength": 1.0}, 1.0, True),
        ({"penalty": "log(1+a**2)", "strength": 1.0}, 1.0, False),
        ({"penalty": "abs(a)", "learn": ("scale",), "strength": 1.0}, 1.0, True),
        ({"activation": "topk", "k": 3}, 0.5, True),
        ({"activation": "prox", "penalty": "abs(a)", "strength": 1.0}, 1.0, False),
        ({"activation": "jumprelu", "target_l0": 3}, 1.0, False),
        ({"activation": "topk", "k": 3, "encoder_norm": 2.0, "pre_bias": False}, 2.0, False),
    ],
)
def test_the_start_depends_on_the_code_and_gives_way(planted, given, norm, bias) -> None:
    chosen = settle({"width": 8, "batch": 128, **given})
    x = planted(600)
    run = prepare(chosen, x, None, SOLO)
    assert (run.chosen.encoder_norm, run.chosen.pre_bias) == (norm, bias)
    assert run.trainer.pre_bias is bias
    assert float(run.sae.W_enc.detach().norm(dim=1).mean()) == pytest.approx(norm)
    assert prepare(chosen, x, x + 1, SOLO).chosen.pre_bias is False
