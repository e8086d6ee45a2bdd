"""FVU is about the mean over all held-out rows."""

import numpy as np
import pytest
import torch

from neglog.sae.data import open_activations
from neglog.sae.evaluation import evaluate, mean_active
from neglog.sae.model import SAE


def test_fvu_equals_its_definition_whatever_the_batch(planted) -> None:
    torch.manual_seed(0)
    x = planted(1000) + 10 * torch.randn(16)
    sae, index = SAE(16, 40), np.arange(100, 900, 3)
    sae.b_enc.data -= 1.0
    part = x[index].double()
    expected = (part - sae(x[index]).detach()).square().sum() / (part - part.mean(0)).square().sum()
    for batch in (17, 4096):
        found = evaluate(sae, open_activations(x), index, batch=batch)
        assert found["fvu"] == pytest.approx(float(expected), rel=1e-6)
        code = sae.encode(x[index])
        assert found["l0"] == pytest.approx(float((code > 0).sum(1).float().mean()))
        assert found["never_active"] == float((~(code > 0).any(0)).float().mean())
    assert mean_active(sae, x[index]) == pytest.approx(found["l0"])


def test_the_mean_scores_one_and_perfection_nought(planted) -> None:
    x = planted(500)
    sae, data, index = SAE(16, 40), open_activations(x), np.arange(500)
    sae.out_mean.copy_(x.mean(0))
    sae.W_dec.data.zero_()
    assert evaluate(sae, data, index)["fvu"] == pytest.approx(1.0, rel=1e-6)
    skip = SAE(16, 40, skip=True)
    skip.W_skip.data.copy_(torch.eye(16))
    skip.W_dec.data.zero_()
    assert evaluate(skip, data, index)["fvu"] == pytest.approx(0.0, abs=1e-9)


def test_evaluating_leaves_the_mode_of_the_model_alone(planted) -> None:
    sae = SAE(16, 40, "batchtopk", 3).train()
    evaluate(sae, open_activations(planted(100)), np.arange(100))
    assert sae.training
    assert float(sae.activation.threshold) == -1.0
