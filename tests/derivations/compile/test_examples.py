"""The snippets of examples/, run as they are against the packages they plug into."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).parents[3] / "examples"
pytestmark = pytest.mark.slow


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_real_saelens_sae_is_trained_with_log_sum(tmp_path) -> None:
    pytest.importorskip("sae_lens", reason="pip install sae-lens to test the SAELens snippet")
    import torch
    from sae_lens.saes.sae import SAE, TrainStepInput

    module = example("saelens_penalty")
    sae = module.train()
    after = module.report(sae)
    assert after["fvu"] < 0.15
    assert 1 < after["l0"] < 12  # the data have 3 active features of 64
    # The loss that SAELens trains with is the penalty, by the formula and with its gradient.
    x = next(module.planted(32, 64, 50))
    step = TrainStepInput(x, {"l1": 0.3}, None, 1, False)
    out = sae.training_forward_pass(step)
    by_hand = 0.3 * torch.log1p(out.feature_acts * sae.W_dec.norm(dim=1)).sum(-1).mean()
    torch.testing.assert_close(out.losses["l1_loss"], by_hand)
    got = torch.autograd.grad(out.losses["l1_loss"], sae.W_enc, retain_graph=True)
    torch.testing.assert_close(got, torch.autograd.grad(by_hand, sae.W_enc))
    sae.save_inference_model(tmp_path)
    torch.testing.assert_close(SAE.load_from_disk(tmp_path).encode(x), sae.encode(x))


def test_plain_torch_learns_the_scale() -> None:
    pytest.importorskip("torch")
    losses, scale = example("plain_torch").train()
    assert np.mean(losses[-20:]) < 0.5 * losses[0]
    assert 1e-3 < scale < 1  # sparse codes: far below 1, and it does not collapse


def test_dictionary_learning_loop() -> None:
    pytest.importorskip(
        "dictionary_learning", reason="pip install dictionary-learning to test its snippet"
    )
    losses = example("dictionary_learning_loop").train()
    assert np.mean(losses[-20:]) < 0.5 * losses[0]


def test_optax_loop_learns_codes_and_scale() -> None:
    pytest.importorskip("optax", reason="pip install optax to test the optax snippet")
    losses, scale = example("optax_loop").train()
    assert np.mean(losses[-20:]) < 0.5 * losses[0]
    assert 1e-3 < scale < 1


def test_skglm_style_penalty() -> None:
    module = example("skglm_penalty")
    draw = np.random.default_rng(0)
    x = draw.normal(size=(80, 30))
    truth = np.where(np.arange(30) < 4, 2.0, 0.0)
    y = x @ truth + 0.1 * draw.normal(size=80)
    w = module.solve("log(1+abs(a)/0.1)", x, y, 0.1)
    assert (np.flatnonzero(w) == np.arange(4)).all()
    penalty = module.NeglogPenalty("log(1+abs(a)/0.1)", 0.1)
    everywhere = np.arange(30)
    assert penalty.subdiff_distance(w, x.T @ (x @ w - y) / 80, everywhere).max() < 1e-6


def test_against_skglms_own_l1() -> None:
    skglm = pytest.importorskip("skglm", reason="pip install skglm to compare with its penalties")
    penalty, theirs = example("skglm_penalty").NeglogPenalty("abs(a)", 0.7), skglm.penalties.L1(0.7)
    w = np.array([0.0, 0.3, -2.0, 1.1])
    assert penalty.value(w) == pytest.approx(theirs.value(w))
    for j, x in enumerate(w):
        assert penalty.prox_1d(x, 0.4, j) == pytest.approx(theirs.prox_1d(x, 0.4, j))
    gradient, every = np.array([0.2, -1.0, 0.7, 0.1]), np.arange(4)
    np.testing.assert_allclose(
        penalty.subdiff_distance(w, gradient, every), theirs.subdiff_distance(w, gradient, every)
    )
