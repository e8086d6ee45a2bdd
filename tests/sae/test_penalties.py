"""Penalties compiled from expressions train as they should."""

import pytest
import torch

import neglog
from neglog.priors.errors import InputError
from neglog.sae.loss import is_joint, penalty_value
from neglog.sae.model import SAE
from neglog.sae.passes import dense_pass, sparse_pass
from neglog.sae.run import train

ELEMENTWISE = ["abs(a)", "log(1+abs(a))", "log(1+a**2)", "sqrt(abs(a))"]
JOINT = ["log(1+sum(abs(a)))", "log(prod(1+abs(a)))", "sum(log(1+abs(a)))"]


@pytest.mark.parametrize("expression", ELEMENTWISE + JOINT)
def test_expressions_have_equal_gradients_dense_and_sparse(expression) -> None:
    u = torch.randn(40, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    penalty = neglog.penalty(expression, domain="positive").compile("torch")
    gradients = []
    for forward in (dense_pass, sparse_pass):
        sae = SAE(12, 30).double()
        sae.b_enc.data -= 0.5
        sae.b_enc.data[4] = -100.0  # a latent that is never active
        penalty_value(penalty, forward(sae, u), sae.W_dec.norm(dim=1)).backward()
        gradients.append([sae.W_enc.grad, sae.b_enc.grad, sae.W_dec.grad])
    for dense, sparse in zip(*gradients, strict=True):
        assert torch.isfinite(dense).all()
        torch.testing.assert_close(sparse, dense, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("expression", ["log(1+abs(a))", "log(1+sum(abs(a)))"])
def test_an_expression_trains_like_the_formula_written_by_hand(planted, expression) -> None:
    x = planted()
    penalty = neglog.penalty(expression, domain="positive")
    by_hand = {
        "log(1+abs(a))": torch.log1p,
        "log(1+sum(abs(a)))": lambda a: torch.log1p(a.sum(-1)),
    }[expression]
    by_hand_joint = torch.nn.Module()
    by_hand_joint.forward = by_hand
    by_hand_joint.joint = is_joint(penalty.compile("torch"))
    runs = [
        train(x, 64, p, target_l0=4, steps=60, batch=256, progress=False)
        for p in (expression, penalty, by_hand_joint)
    ]
    assert torch.equal(runs[0].W_dec, runs[1].W_dec)
    assert runs[0].metrics["fvu"] == pytest.approx(runs[2].metrics["fvu"], rel=0.02)


def test_the_folder_remembers_the_expression(tmp_path, planted) -> None:
    import json

    train(planted(), 64, "log(1+abs(a))", target_l0=4, steps=5, batch=256, out=tmp_path / "run",
          progress=False)  # fmt: skip
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["training"]["penalty"] == "log(1+abs(a))"


def test_an_overflow_is_said_before_any_weight_changes(planted) -> None:
    with pytest.raises(InputError, match="penalty's logarithm"):
        train(200 * planted(), 2000, "prod(1+abs(a))", strength=1.0, steps=5, batch=256,
              progress=False)  # fmt: skip


def test_an_expression_that_does_not_parse_is_refused(tmp_path, planted) -> None:
    with pytest.raises(InputError):
        train(planted(), 64, "log(1+abs(a", target_l0=4, out=tmp_path / "run", progress=False)
    assert list(tmp_path.iterdir()) == []
