"""Laws of the sketch: merging is addition, saving is exact, everything else follows from counts."""

import json
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from neglog.priors.errors import InputError
from neglog.validation import Sketch, fit, sketch
from neglog.validation.sketches.bins import BINS, bits_of, left, mantissa_bits, right

from .laws import codes_of, draw

SUMS = ("square", "log", "log_square", "sum")


def random_codes(tokens=200, features=7, seed=0):
    rng = np.random.default_rng(seed)
    dense = np.exp(rng.normal(size=(tokens, features))).astype(np.float32)
    dense[rng.random(dense.shape) < 0.8] = 0
    return dense


def same(one, other, rtol=1e-12):
    assert one.tokens == other.tokens
    for name in ("indptr", "bins", "counts", "offsets", "low", "top", "used"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in SUMS:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=rtol, atol=1e-12)


@given(
    arrays.arrays(np.float32, st.integers(1, 50), elements=st.floats(2.0**-149, 2.0**127, width=32))
)
def test_a_bin_holds_its_values_and_is_narrow(values):
    bins = bits_of(values) >> 18
    assert (left(bins) <= values).all()
    assert (values < right(bins)).all()
    assert (bins < BINS).all()
    normal = values >= 2.0**-126
    assert (right(bins) <= left(bins) * (1 + 1 / 32))[normal].all()


def test_at_least_32_bins_an_efold():
    edges = left(np.arange(BINS))
    normal = edges[edges >= 2.0**-126]
    assert np.diff(np.log(normal)).max() < 1 / 32


@given(st.integers(0, 1000))
def test_float16_and_bfloat16_are_recognised(seed):
    values = np.exp(np.random.default_rng(seed).normal(size=400))
    half = bits_of(values.astype(np.float16).astype(np.float32))
    assert mantissa_bits(np.bitwise_or.reduce(half, keepdims=True))[0] <= 10
    brain = torch.tensor(values).bfloat16().float().numpy()
    assert mantissa_bits(np.bitwise_or.reduce(bits_of(brain), keepdims=True))[0] <= 7


def test_counts_and_sums_are_those_of_the_codes():
    dense = random_codes()
    found = sketch(dense)
    active = dense > 0
    np.testing.assert_array_equal(found.nonzero, active.sum(axis=0))
    np.testing.assert_array_equal(found.zeros, (~active).sum(axis=0))
    wide = dense.astype(np.float64)
    np.testing.assert_allclose(found.sum, wide.sum(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.square, (wide**2).sum(axis=0), rtol=1e-13)
    logs = np.where(active, np.log(np.where(active, wide, 1)), 0)
    np.testing.assert_allclose(found.log, logs.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.log_square, (logs**2).sum(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(found.top, dense.max(axis=0))
    np.testing.assert_array_equal(found.low, np.where(active, dense, np.inf).min(axis=0))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 199), min_size=2, max_size=2, unique=True))
def test_merging_is_associative_and_commutative(seed, cuts):
    dense = random_codes(seed=seed)
    i, j = sorted(cuts)
    a, b, c = sketch(dense[:i]), sketch(dense[i:j]), sketch(dense[j:])
    whole = sketch(dense)
    same((a + b) + c, whole)
    same(a + (b + c), whole)
    same(c.merge(a, b), whole)


@pytest.mark.parametrize(
    "container",
    [
        sparse.csr_array,
        sparse.csc_array,
        sparse.coo_array,
        torch.from_numpy,
        lambda x: torch.from_numpy(x).to_sparse_csr(),
        lambda x: (x[k : k + 30] for k in range(0, len(x), 30)),
        lambda x: [sparse.csr_array(x[:100]), x[100:]],
        lambda x: [sketch(x[:50]), x[50:]],
        lambda x: x.tolist(),
    ],
)
def test_every_container_gives_the_same_sketch(container):
    dense = random_codes()
    same(sketch(container(dense)), sketch(dense))


def test_files_folders_and_sketches(tmp_path):
    dense = random_codes()
    np.save(tmp_path / "a.npy", dense[:70])
    sparse.save_npz(tmp_path / "b.npz", sparse.csr_array(dense[70:150]))
    sketch(dense[150:]).save(tmp_path / "c.safetensors")
    folder = tmp_path / "shards"
    folder.mkdir()
    np.save(folder / "0.npy", dense[:70])
    np.save(folder / "1.npy", dense[70:])
    same(sketch([tmp_path / n for n in ("a.npy", "b.npz", "c.safetensors")]), sketch(dense))
    same(sketch(folder), sketch(dense))


def test_many_small_batches_are_cut_from_large_codes(monkeypatch):
    from neglog.validation.sketches import batches, building, counting, merging

    dense = random_codes()
    whole = sketch(dense)
    monkeypatch.setattr(batches, "VALUES", 10)
    monkeypatch.setattr(batches, "BYTES", 100)
    monkeypatch.setattr(building, "VALUES", 35)
    monkeypatch.setattr(counting, "BLOCK", 7)
    monkeypatch.setattr(merging, "BLOCK", 9)
    same(sketch(sparse.csr_array(dense)), whole)
    same(sketch(dense), whole)
    same(sketch(sparse.csc_array(dense)), whole)


def test_a_live_model():
    torch.manual_seed(0)
    weights, x = torch.randn(5, 9), torch.randn(100, 5)

    def encode(rows):
        return torch.relu(rows @ weights)

    same(sketch(x.numpy(), model=encode), sketch(encode(x).numpy()), rtol=1e-5)


def test_saving_is_exact_and_leaves_no_partial_file(tmp_path):
    found = sketch(random_codes())
    found.save(tmp_path / "s.safetensors")
    back = Sketch.load(tmp_path / "s.safetensors")
    same(found, back, rtol=0)
    assert [p.name for p in tmp_path.iterdir()] == ["s.safetensors"]


def test_large_counts_survive_a_file(tmp_path):
    found = sketch(random_codes())
    for _ in range(32):
        found = found + found
    found.save(tmp_path / "s.safetensors")
    assert Sketch.load(tmp_path / "s.safetensors").tokens == 200 * 2**32
    same(found, Sketch.load(tmp_path / "s.safetensors"))


def test_a_file_of_another_version_or_cut_short_is_refused(tmp_path):
    path = tmp_path / "s.safetensors"
    sketch(random_codes()).save(path)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"neglog.sketch/1", b"neglog.sketch/9"))
    with pytest.raises(InputError, match=r"sketch/9 and this neglog reads neglog\.sketch/1"):
        Sketch.load(path)
    with pytest.raises(InputError, match="sketch/9"):
        fit(path)
    for length in (4, 60, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:length])
        with pytest.raises(InputError, match="damaged"):
            Sketch.load(path)
    header = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(InputError, match="no sketch"):
        Sketch.load(path)
    with pytest.raises(InputError, match="there is no sketch"):
        Sketch.load(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("name", ["counts", "offsets", "bins", "indptr"])
def test_a_damaged_histogram_is_refused(tmp_path, name):
    from dataclasses import replace

    path = tmp_path / "s.safetensors"
    found = sketch(random_codes())
    broken = getattr(found, name).copy()
    broken[1:] = broken[1:][::-1]
    if name in ("counts", "offsets"):
        broken[0] = -1
    replace(found, **{name: broken}).save(path)
    with pytest.raises(InputError, match="damaged"):
        Sketch.load(path)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.array([[1.0, -2.0]]), "token 0, feature 1 is negative"),
        (np.array([[1.0, np.nan]]), "feature 1 is nan"),
        (np.array([[1e300, 1.0]]), "outside the range of float32"),
        (np.array([[1e-60, 1.0]]), "outside the range of float32"),
        (np.ones(3), "two axes"),
        ([], "no codes|two axes"),
        (iter([np.ones((2, 3)), np.ones((2, 4))]), "4 features where those before have 3"),
        (iter([np.ones((2, 3)), np.full((2, 3), -1.0)]), "batch 1: token 0, feature 0"),
        (iter([]), "no codes"),
    ],
)
def test_bad_codes(codes, message):
    with pytest.raises(InputError, match=message):
        sketch(codes)


def test_a_corrupt_csr_is_refused_and_an_unsorted_one_is_read():
    good = sparse.csr_array(random_codes())
    shuffled = good.copy()
    shuffled.indices = shuffled.indices.copy()
    for start, end in zip(good.indptr, good.indptr[1:], strict=False):
        shuffled.indices[start:end] = good.indices[start:end][::-1]
        shuffled.data[start:end] = good.data[start:end][::-1]
    shuffled.has_sorted_indices = False
    same(sketch(shuffled), sketch(good))
    bad = good.copy()
    bad.indices[3] = 99
    with pytest.raises(InputError, match="damaged"):
        sketch(bad)
    bad = good.copy()
    bad.indptr[5] = 10_000
    with pytest.raises(InputError, match="damaged"):
        sketch(bad)


def test_merging_needs_equal_widths():
    with pytest.raises(InputError, match="cannot be merged"):
        sketch(np.ones((2, 3))) + sketch(np.ones((2, 4)))


def test_memory_does_not_grow_with_tokens():
    one = sketch(codes_of(*(draw("log-normal", 20_000, seed=s) for s in range(5))))
    assert (one + one + one).nbytes == one.nbytes
    assert one.nbytes <= 18 * len(one.bins) + 54 * 5 + 8
