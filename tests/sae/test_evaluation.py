"""FVU is about the mean over all held-out rows."""

import numpy as np
import pytest
import torch

from neglog.sae.data import open_activations
from neglog.sae.evaluation import evaluate, mean_active, shrinkage
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


def test_slope_intercept_cosine_and_dense_by_definition(planted) -> None:
    torch.manual_seed(0)
    x, index = planted(600), np.arange(600)
    sae = SAE(16, 40)
    sae.out_mean.copy_(x.mean(0))
    sae.b_enc.data[3] = 50.0  # a latent that is always active
    found = evaluate(sae, open_activations(x), index, batch=128)
    y = (x - x.mean(0)).double().flatten()
    z = (sae(x) - x.mean(0)).detach().double().flatten()
    slope, intercept = np.polyfit(y.numpy(), z.numpy(), 1)
    assert found["slope"] == pytest.approx(slope, rel=1e-5)
    assert found["intercept"] == pytest.approx(intercept, abs=1e-5)
    cosine = torch.cosine_similarity(y.view(600, 16), z.view(600, 16)).mean()
    assert found["cosine"] == pytest.approx(float(cosine), rel=1e-5)
    on = (sae.encode(x) > 0).double().mean(0)
    assert found["dense"] == float((on > 0.1).double().mean()) > 0


def test_shrinkage_of_soft_thresholding_is_known() -> None:
    truth = torch.empty(500, 8).exponential_() * (torch.rand(500, 8) < 0.3)
    slope, intercept = shrinkage(torch.relu(truth - 0.25), truth)
    assert slope == pytest.approx(1.0, abs=1e-5)
    assert intercept == pytest.approx(-0.25, abs=1e-5)
