"""Picking entries block by block gives what looking at all of them gives."""

import pytest
import torch

from neglog.sae import selection
from neglog.sae.activations import make_activation
from neglog.sae.selection import Scratch, above, select, top_candidates


@pytest.mark.parametrize("m", [7, 64, 96, 384])
@pytest.mark.parametrize("floor", [-10.0, 0.0, 2.0, 10.0, "rows", "columns"])
def test_above_finds_every_entry_above(m, floor) -> None:
    torch.manual_seed(0)
    z = torch.randn(23, m)
    if floor == "rows":
        floor = torch.randn(23, 1) + 1
    elif floor == "columns":
        floor = torch.randn(m) + 1
    assert torch.equal(above(z, floor), (z > floor).flatten().nonzero().squeeze(1))


@pytest.mark.parametrize(("m", "k"), [(40, 5), (384, 3), (384, 6), (1024, 16)])
def test_the_k_largest_are_among_the_candidates(m, k) -> None:
    torch.manual_seed(0)
    z = torch.randn(50, m)
    z[3] = 0.5  # a row of ties
    z[4] = 0.0
    found = set(top_candidates(z, k).tolist())
    for row in (0, 1, 2, 10, 49):
        assert found >= {row * m + c for c in z[row].topk(k).indices.tolist()}
    pattern = make_activation("topk", k).active(z)
    assert torch.equal(pattern.offsets.diff(), torch.full((50,), k, dtype=torch.int32))
    torch.testing.assert_close(pattern.take(z).view(50, k).sum(1), z.topk(k).values.sum(1))


@pytest.mark.parametrize("name", ["relu", "jumprelu", "prox", "topk", "batchtopk"])
@pytest.mark.parametrize("block", [1, 384, 5 * 384, 1 << 23])
def test_blocks_of_any_size_give_the_same_entries(monkeypatch, name, block) -> None:
    torch.manual_seed(0)
    act = make_activation(name, 4 if "topk" in name else None, 384, "log(1+abs(a))")
    if name == "prox":
        act.strength.fill_(3.0)
    u, w, b = torch.randn(33, 12).double(), torch.randn(384, 12).double(), torch.randn(384).double()
    z = u @ w.T + b - 3
    expected = act(z)
    if name == "batchtopk":
        act.threshold.fill_(100.0)  # far too high: what is picked first is too little
    monkeypatch.setattr(selection, "BLOCK", block)
    pattern, found = select(u, w, b - 3, act, Scratch())
    torch.testing.assert_close(found, pattern.take(z))
    torch.testing.assert_close(pattern.put(act.value(found, pattern.columns)), expected)


def test_the_buffer_is_kept_between_steps() -> None:
    scratch, x = Scratch(), torch.zeros(1)
    first = scratch.block(10, 20, x)
    assert scratch.block(5, 20, x).data_ptr() == first.data_ptr()
    assert scratch.block(10, 20, x.double()).dtype == torch.float64
