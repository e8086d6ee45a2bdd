"""The products on active entries equal the dense ones, values and gradients."""

import pytest
import torch

from neglog.sae.kernels import columns_times, decode_active, encode_active, products, rows_times
from neglog.sae.pattern import Pattern

B, M, D = 17, 23, 7


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@pytest.fixture(params=[0.0, 0.2, 1.0])
def mask(request) -> torch.Tensor:
    torch.manual_seed(0)
    mask = torch.rand(B, M) < request.param
    if request.param == 0.2:
        mask[3], mask[:, 5] = False, False  # an empty row and an empty column
    return mask


def test_pattern_takes_and_puts(mask) -> None:
    dense, pattern = _random(B, M), Pattern.from_mask(mask)
    assert torch.equal(pattern.take(dense), dense[mask])
    assert torch.equal(pattern.put(dense[mask]), dense * mask)
    assert torch.equal(pattern.rows.long(), mask.nonzero()[:, 0])


def test_pattern_of_columns_equals_that_of_a_mask() -> None:
    columns = torch.rand(B, M).topk(4, dim=1).indices.sort(1).values
    mask = torch.zeros(B, M, dtype=torch.bool).scatter(1, columns, True)
    one, other = Pattern.from_columns(columns, M), Pattern.from_mask(mask)
    assert torch.equal(one.columns, other.columns)
    assert torch.equal(one.offsets, other.offsets)


def test_products_equal_dense_products(mask) -> None:
    pattern, a = Pattern.from_mask(mask), _random(B, M) * mask
    right, left = _random(M, D), _random(B, D)
    torch.testing.assert_close(rows_times(a[mask], pattern, right), a @ right)
    torch.testing.assert_close(columns_times(a[mask], pattern, left), a.T @ left)
    torch.testing.assert_close(products(left, right, pattern), (left @ right.T)[mask])


def test_gradients_equal_dense_autograd(mask) -> None:
    pattern, x, probe = Pattern.from_mask(mask), _random(B, D), _random(B, D)
    sparse = [_random(M, D), _random(M), _random(M, D)]
    dense = [p.clone() for p in sparse]
    for p in sparse + dense:
        p.requires_grad_()

    encoder, bias, decoder = sparse
    z = (x @ encoder.T + bias).detach()
    values = encode_active(x, encoder, bias, pattern.take(z), pattern).tanh()
    loss = (decode_active(values, decoder, pattern) * probe).sin().sum() + values.exp().sum()
    loss.backward()

    encoder, bias, decoder = dense
    code = (x @ encoder.T + bias).tanh() * mask
    dense_loss = (code @ decoder * probe).sin().sum() + (code.exp() * mask).sum()
    dense_loss.backward()

    torch.testing.assert_close(loss, dense_loss)
    for p, q in zip(sparse, dense, strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=1e-12, atol=1e-12)
