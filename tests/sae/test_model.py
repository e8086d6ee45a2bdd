"""The model: shapes, starting point, codes, scale."""

import numpy as np
import pytest
import torch

from neglog.priors.errors import InputError
from neglog.sae.activations import Elementwise, make_activation
from neglog.sae.batchtopk import BatchTopK
from neglog.sae.data import Scaling
from neglog.sae.model import SAE


def test_encoder_starts_as_the_transpose_of_a_unit_norm_decoder() -> None:
    sae = SAE(16, 40)
    assert torch.equal(sae.W_enc, sae.W_dec)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(40))
    assert torch.equal(SAE(16, 40, seed=3).W_dec, SAE(16, 40, seed=3).W_dec)
    assert not torch.equal(SAE(16, 40, seed=3).W_dec, sae.W_dec)


def test_raw_activations_in_and_out() -> None:
    sae = SAE(16, 40)
    x = torch.randn(8, 16)
    before = sae(x)
    sae.set_scaling(Scaling(torch.full((16,), 5.0), 3.0))
    torch.testing.assert_close(sae(3 * x + 5), 3 * before + 5, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["relu", "topk", "batchtopk"])
def test_picked_entries_and_values_make_the_code(name) -> None:
    torch.manual_seed(0)
    z = torch.randn(30, 40)
    act = make_activation(name, None if name == "relu" else 5)
    pattern = act.active(z)
    torch.testing.assert_close(pattern.put(act.value(pattern.take(z))), act(z))
    if name != "relu":
        assert int((act(z) > 0).sum()) == 30 * 5


def test_any_function_can_be_the_activation() -> None:
    soft = Elementwise(lambda z: torch.relu(z - 0.5), "soft")
    sae = SAE(16, 40, activation=soft)
    x = torch.randn(8, 16)
    torch.testing.assert_close(sae.encode(x), torch.relu(x @ sae.W_enc.T - 0.5))
    z = torch.randn(9, 40)
    pattern = soft.active(z)
    torch.testing.assert_close(pattern.put(soft.value(pattern.take(z))), soft(z))


def test_batchtopk_in_use_does_not_see_the_rest_of_the_batch() -> None:
    torch.manual_seed(0)
    act = BatchTopK(5, momentum=0.9)
    for _ in range(50):
        act(torch.randn(200, 40))
    act.eval()
    z = torch.randn(2000, 40)
    assert torch.equal(act(z)[:7], act(z[:7]))
    assert float((act(z) > 0).sum()) / 2000 == pytest.approx(5, rel=0.05)


def test_batchtopk_keeps_the_same_entries_however_it_selects_them() -> None:
    torch.manual_seed(0)
    act = BatchTopK(5)
    for scale in (1.0, 1.0, 0.2, 3.0):  # the cut of the batch before is near, too high, too low
        z = scale * torch.randn(200, 40)
        cut = z.flatten().sort(descending=True).values[5 * 200]
        assert torch.equal(act(z) > 0, z > cut)


def test_batchtopk_passes_no_nan_from_a_steep_penalty() -> None:
    z = torch.randn(20, 40, requires_grad=True)
    BatchTopK(5)(z).sqrt().sum().backward()
    assert torch.isfinite(z.grad).all()


def test_codes_come_batch_by_batch_as_csr(planted) -> None:
    sae, x = SAE(16, 40), planted(rows=1000)
    codes = sae.codes(x, batch=300)
    assert codes.format == "csr"
    assert codes.shape == (1000, 40)
    np.testing.assert_allclose(codes.toarray(), sae.encode(x).detach(), rtol=1e-4, atol=1e-5)


def test_a_skip_needs_the_input() -> None:
    sae = SAE(16, 40, d_out=12, skip=True)
    x = torch.randn(8, 16)
    assert sae(x).shape == (8, 12)
    with pytest.raises(InputError, match="needs the input"):
        sae.decode(sae.encode(x))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"width": 0}, "width must be at least 1"),
        ({"width": 4, "activation": "topk", "k": 5}, "more than the width"),
        ({"width": 4, "activation": "topk"}, "needs k"),
        ({"width": 4, "activation": "gelu"}, "no activation 'gelu'"),
        ({"width": 4, "k": 2}, "k goes with topk"),
    ],
)
def test_impossible_shapes_are_refused(settings, says) -> None:
    with pytest.raises(InputError, match=says):
        SAE(16, **settings)


def test_codes_of_another_width_are_refused() -> None:
    with pytest.raises(InputError, match="d = 15"):
        SAE(16, 40).codes(torch.randn(5, 15))
