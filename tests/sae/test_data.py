"""Data: the same rows from every kind of storage, split, batches, and what is refused."""

from itertools import islice

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from neglog.priors.errors import InputError
from neglog.sae.data import batches, check_and_scale, epoch_order, open_activations, split
from neglog.sae.shards import STORED, shard_name, write_shard

X = np.random.default_rng(0).normal(2.0, 3.0, size=(250, 6)).astype(np.float32)


def _folder(path):
    path.mkdir()
    for i, part in enumerate(np.array_split(X, 4)):
        np.save(path / f"shard-{i}.npy", part)
    return path


def _npy(path):
    np.save(path.with_suffix(".npy"), X)
    return path.with_suffix(".npy")


def _safetensors(path):
    save_file({"x": torch.from_numpy(X)}, path.with_suffix(".safetensors"))
    return path.with_suffix(".safetensors")


@pytest.mark.parametrize("store", [_folder, _npy, _safetensors, lambda _: X])
def test_every_storage_gives_the_same_rows(tmp_path, store) -> None:
    data = open_activations(store(tmp_path / "data"))
    assert (len(data), data.d) == X.shape
    index = np.array([249, 0, 63, 62, 125])
    np.testing.assert_array_equal(data.rows(index), X[index])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_read_exactly(tmp_path, dtype) -> None:
    x = torch.from_numpy(X).to(dtype)
    save_file({"x": x}, tmp_path / "x.safetensors")
    rows = open_activations(tmp_path / "x.safetensors").rows(np.arange(250))
    assert torch.equal(rows, x.float())


@pytest.mark.parametrize("order", ["together", "interleaved", "backwards"])
def test_split_keeps_sequences_whole_and_is_seeded(tmp_path, order) -> None:
    folder = _folder(tmp_path / "data")
    sequence = np.repeat(np.arange(50, dtype=np.int32), 5)
    sequence = {"together": sequence, "interleaved": sequence.reshape(50, 5).T.ravel(),
                "backwards": sequence[::-1] - 7}[order]  # fmt: skip
    np.save(folder / "sequence.npy", sequence)
    data = open_activations(folder)
    fit, test = split(data, 0.1, seed=3)
    assert sorted([*fit, *test]) == list(range(250))
    assert len(np.unique(sequence[test])) == 5
    assert not set(sequence[fit]) & set(sequence[test])
    assert np.array_equal(split(data, 0.1, seed=3)[1], test)
    assert not np.array_equal(split(data, 0.1, seed=4)[1], test)


def test_scaling_is_that_of_the_training_rows() -> None:
    data = open_activations(X)
    fit, _ = split(data, 0.2, seed=0)
    scaling = check_and_scale(data, fit)
    u = (torch.from_numpy(X[fit]) - scaling.mean) / scaling.scale
    torch.testing.assert_close(u.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    assert float(u.square().mean()) == pytest.approx(1.0, rel=1e-5)


def test_scaling_is_accurate_far_from_the_origin() -> None:
    x = X.astype(np.float64) + 1e6
    scaling = check_and_scale(open_activations(x), np.arange(250))
    # The float32 rows themselves are rounded to 1/16 there.
    rounded = x.astype(np.float32).astype(np.float64)
    expected = np.sqrt(((rounded - rounded.mean(0)) ** 2).mean())
    assert scaling.scale == pytest.approx(expected, rel=1e-9)


def test_every_epoch_has_every_row_once_and_batches_repeat_by_seed() -> None:
    index = np.arange(10, 110)
    epoch = np.concatenate(list(islice(batches(index, 25, seed=0), 4)))
    assert np.array_equal(np.sort(epoch), index)
    # A batch size that does not divide an epoch still drops nothing.
    two = np.concatenate(list(islice(batches(index, 40, seed=0), 5)))
    assert np.array_equal(np.unique(two, return_counts=True)[1], np.full(100, 2))
    first, again, other = (next(batches(index, 25, seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("value", "says"), [(np.nan, "NaN"), (-np.inf, "infinite")])
def test_the_shard_and_row_of_a_bad_value_are_named(tmp_path, value, says) -> None:
    folder = _folder(tmp_path / "data")
    part = np.load(folder / "shard-2.npy")
    part[7, 3] = value
    np.save(folder / "shard-2.npy", part)
    data = open_activations(folder)
    with pytest.raises(InputError, match=rf"shard-2\.npy holds .*{says}.* in row 7"):
        check_and_scale(data, np.arange(250))


def _truncated(path):
    whole = _npy(path)
    whole.write_bytes(whole.read_bytes()[:500])
    return whole


def _mixed(path):
    np.save(_folder(path) / "shard-9.npy", X[:, :5])
    return path


def _two_tensors(path):
    save_file({"x": torch.zeros(2, 2), "y": torch.zeros(2, 2)}, path.with_suffix(".safetensors"))
    return path.with_suffix(".safetensors")


def _empty(path):
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: p, "does not exist"),
        (lambda p: p / "x.npy", "no file"),
        (_empty, "holds no"),
        (_truncated, "not a readable"),
        (_mixed, "same d"),
        (_two_tensors, "holds 2 tensors"),
        (lambda _: X[0], "tokens × d"),
        (lambda _: X[:0], "tokens × d"),
        (lambda _: X.astype(int), "floating-point"),
    ],
)
def test_bad_data_are_refused(tmp_path, make, says) -> None:
    with pytest.raises(InputError, match=says):
        open_activations(make(tmp_path / "data"))


def test_constant_data_are_refused() -> None:
    with pytest.raises(InputError, match="are equal"):
        check_and_scale(open_activations(np.ones((50, 4))), np.arange(50))


@pytest.mark.parametrize("shuffle", ["none", "buffer", "full"])
def test_every_shuffle_takes_every_row_once_and_can_start_anywhere(shuffle) -> None:
    index = np.arange(5, 5005)
    one = list(islice(batches(index, 300, 7, shuffle), 40))
    epoch = np.concatenate(one)[:5000] if shuffle == "none" else epoch_order(index, 7, 0, shuffle)
    assert np.array_equal(np.sort(epoch), index) or shuffle == "none"
    assert np.array_equal(np.sort(epoch_order(index, 7, 1, shuffle)), index)
    for start in (1, 16, 17, 33):
        assert np.array_equal(next(batches(index, 300, 7, shuffle, start)), one[start])


def test_what_each_shuffle_does(monkeypatch) -> None:
    from neglog.sae import data

    index = np.arange(8 * 1024)
    assert np.array_equal(epoch_order(index, 0, 0, "none"), index)
    monkeypatch.setattr(data, "BUFFER", 2048)
    order = epoch_order(index, 0, 0, "buffer")
    for part in order.reshape(4, 2048):  # two blocks at a time, well mixed
        assert len(np.unique(part // 1024)) == 2
        assert len(np.unique(part[:50] // 1024)) == 2
    assert not np.array_equal(order, epoch_order(index, 0, 1, "buffer"))
    full = epoch_order(index, 0, 0, "full")
    assert len(np.unique(full[:1024] // 1024)) == 8


@pytest.mark.parametrize("dtype", STORED)
def test_shards_are_read_as_they_were_written(tmp_path, dtype) -> None:
    for number, rows in enumerate((X[:100], X[100:])):
        write_shard(tmp_path / shard_name(number, dtype), rows, dtype)
    found = open_activations(tmp_path).rows(np.arange(250))
    assert torch.equal(found, torch.from_numpy(X).to(getattr(torch, dtype)).float())
    assert len(list(tmp_path.iterdir())) == 2


def test_the_digest_sees_any_change() -> None:
    x = X.copy()
    one = check_and_scale(open_activations(x), np.arange(200)).digest
    assert check_and_scale(open_activations(x.copy()), np.arange(200)).digest == one
    x[249, 5] += 1e-3
    assert check_and_scale(open_activations(x), np.arange(200)).digest != one
