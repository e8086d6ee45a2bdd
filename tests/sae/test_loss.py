"""The objective, dense and on active latents: the same numbers and the same gradients."""

import pytest
import torch

from neglog.sae.loss import penalty_value, reconstruction
from neglog.sae.model import SAE
from neglog.sae.passes import dense_pass, sparse_pass


def _model(activation: str, k: int | None, skip: bool) -> SAE:
    torch.manual_seed(0)
    sae = SAE(12, 30, activation, k, skip=skip, penalty="log(1+abs(a))").double()
    if activation == "prox":
        sae.activation.strength.fill_(0.9)
    with torch.no_grad():
        for p in sae.parameters():
            p.add_(0.1 * torch.randn_like(p))
        sae.b_enc.sub_(0.5)
        sae.b_enc[4] = -100.0  # a latent that is never active
    return sae


def test_reconstruction_has_no_hidden_half() -> None:
    x, y = torch.randn(7, 5), torch.randn(7, 5)
    expected = ((x - y) ** 2).sum(1).mean()
    torch.testing.assert_close(reconstruction(x, y), expected)


@pytest.mark.parametrize("with_norms", [False, True])
@pytest.mark.parametrize("activation", ["relu", "jumprelu", "prox", "topk", "batchtopk"])
def test_sparse_gradients_equal_dense_autograd(activation, make_penalty, with_norms) -> None:
    k = 4 if "topk" in activation else None
    u = torch.randn(40, 12, dtype=torch.float64)
    results = []
    for forward in (dense_pass, sparse_pass):
        sae = _model(activation, k, skip=True)
        penalty = make_penalty()
        done = forward(sae, u)
        norms = sae.W_dec.norm(dim=1) if with_norms else None
        loss = reconstruction(done.output, u) + 0.7 * penalty_value(penalty, done, norms)
        loss.backward()
        gradients = [p.grad for p in [*sae.parameters(), *penalty.parameters()]]
        results.append([loss.detach(), done.counts(), done.dense_code(), *gradients])
    for dense, sparse in zip(*results, strict=True):
        assert torch.isfinite(dense).all()
        torch.testing.assert_close(sparse, dense, rtol=1e-11, atol=1e-11)


def test_the_penalty_is_a_sum_over_features_and_a_mean_over_samples(lomax) -> None:
    sae, u = _model("relu", None, skip=False), torch.randn(40, 12, dtype=torch.float64)
    done = dense_pass(sae, u)
    norms = sae.W_dec.norm(dim=1)
    expected = (done.values * norms).log1p().sum(1).mean()
    torch.testing.assert_close(penalty_value(lomax, done, norms), expected)


def test_where_the_code_is_zero_a_slope_of_any_size_does_no_harm(penalty) -> None:
    sae, u = _model("relu", None, skip=False), torch.randn(40, 12, dtype=torch.float64)
    for forward in (dense_pass, sparse_pass):
        sae.zero_grad()
        penalty_value(penalty, forward(sae, u), sae.W_dec.norm(dim=1)).backward()
        assert all(torch.isfinite(p.grad).all() for p in sae.parameters() if p.grad is not None)
        assert sae.b_enc.grad[4] == 0
