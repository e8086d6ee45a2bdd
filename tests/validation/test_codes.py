import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch
from scipy import sparse

from neglog.priors.errors import InputError
from neglog.validation import codes as codes_module
from neglog.validation import read_codes

DENSE = np.array([[0.0, 1.5, 0.0], [2.0, 0.0, 0.0], [0.5, 3.0, 0.0], [0.0, 0.25, 0.0]])


def same(codes, dense=DENSE):
    np.testing.assert_array_equal(codes.matrix().toarray(), dense)
    return codes


def test_dense():
    codes = same(read_codes(DENSE))
    assert (codes.tokens, codes.features) == (4, 3)
    assert codes.nonzero.tolist() == [2, 3, 0]
    assert codes.zero_fraction.tolist() == [0.5, 0.25, 1.0]
    assert codes.column(1).tolist() == [1.5, 3.0, 0.25]
    assert read_codes(codes) is codes


def test_dense_in_blocks(monkeypatch):
    monkeypatch.setattr(codes_module, "BLOCK_BYTES", 48)
    same(read_codes(DENSE))


@pytest.mark.parametrize("kind", ["csr_array", "csc_array", "coo_array", "csr_matrix"])
def test_sparse(kind):
    same(read_codes(getattr(sparse, kind)(DENSE)))


def test_unsorted_rows_are_sorted():
    data, indices, indptr = [3.0, 0.5, 1.0], [1, 0, 2], [0, 2, 3]
    codes = read_codes(sparse.csr_array((data, indices, indptr), shape=(2, 3)))
    same(codes, [[0.5, 3.0, 0.0], [0.0, 0.0, 1.0]])


def test_stored_zeros_are_not_activations():
    matrix = sparse.csr_array(([0.0, 2.0], [0, 1], [0, 1, 2]), shape=(2, 2))
    assert read_codes(matrix).nonzero.tolist() == [0, 1]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(DENSE),
        torch.tensor(DENSE, requires_grad=True),
        torch.tensor(DENSE).to_sparse(),
        torch.tensor(DENSE).to_sparse_csr(),
        torch.tensor(DENSE).to_sparse_csc(),
        torch.tensor(DENSE).bfloat16(),
        torch.tensor(DENSE).half(),
    ],
)
def test_torch(tensor):
    same(read_codes(tensor))


def test_precision_is_kept():
    assert read_codes(DENSE).values.dtype == np.float64
    assert read_codes(DENSE.astype(np.float32)).values.dtype == np.float32
    assert read_codes(DENSE.astype(np.float16)).values.dtype == np.float32
    assert read_codes(np.eye(3, dtype=int)).values.dtype == np.float64


def test_files(tmp_path):
    np.save(tmp_path / "c.npy", DENSE)
    sparse.save_npz(tmp_path / "c.npz", sparse.csr_array(DENSE))
    save_file({"anything": DENSE}, tmp_path / "one.safetensors")
    save_file({"codes": DENSE, "more": np.ones(2)}, tmp_path / "named.safetensors")
    save_torch({"codes": torch.tensor(DENSE).bfloat16()}, tmp_path / "half.safetensors")
    csr = sparse.csr_array(DENSE)
    parts = {"data": csr.data, "indices": csr.indices, "indptr": csr.indptr}
    save_file({**parts, "shape": np.array([4, 3])}, tmp_path / "csr.safetensors")
    for path in tmp_path.iterdir():
        same(read_codes(path))
        same(read_codes(str(path)))


@pytest.mark.parametrize("name", ["c.npy", "c.npz", "c.safetensors"])
def test_truncated_files(tmp_path, name):
    path = tmp_path / name
    {
        "c.npy": lambda: np.save(path, DENSE),
        "c.npz": lambda: sparse.save_npz(path, sparse.csr_array(DENSE)),
        "c.safetensors": lambda: save_file({"codes": DENSE}, path),
    }[name]()
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=name):
        read_codes(path)


def test_pickles_are_not_loaded(tmp_path):
    np.save(tmp_path / "c.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        read_codes(tmp_path / "c.npy")


def damaged(**changes):
    matrix = sparse.csr_array(DENSE)
    for name, value in changes.items():
        getattr(matrix, name)[-1] = value
    return matrix


BAD = {
    "three axes": (np.ones((2, 2, 2)), "two axes"),
    "one axis": (np.ones(4), r"shape \(4,\)"),
    "empty": (np.ones((0, 3)), "no codes"),
    "empty sparse": (sparse.csr_array((5, 0)), "no codes"),
    "text": (np.array([["a"]]), "real numbers"),
    "complex": (np.array([[1j]]), "real numbers"),
    "ragged": ([[1.0], [1.0, 2.0]], "rectangular"),
    "nan": (np.array([[1.0, 0.0], [0.0, np.nan]]), "token 1, feature 1 is nan"),
    "infinite": (sparse.csr_array(np.array([[0.0, np.inf]])), "token 0, feature 1 is inf"),
    "negative": (np.array([[1.0, 0.0], [-0.5, 2.0]]), "token 1, feature 0 is negative.*abs"),
    "negative sparse": (sparse.csc_array(np.array([[0.0], [-1.0]])), "token 1, feature 0"),
    "index outside": (damaged(indices=7), "outside 0 … 2"),
    "pointer outside": (damaged(indptr=9), "pointers are damaged"),
    "duplicate": (sparse.csr_array(([1.0, 2.0], [1, 1], [0, 2]), shape=(1, 2)), "stored twice"),
    "missing file": ("/nowhere/codes.npy", "no codes file"),
    "wrong ending": (__file__, "none of them"),
}


@pytest.mark.parametrize(("codes", "message"), BAD.values(), ids=BAD)
def test_bad_codes(codes, message):
    with pytest.raises(InputError, match=message):
        read_codes(codes)


def test_ambiguous_tensors(tmp_path):
    save_file({"x": DENSE, "y": DENSE}, tmp_path / "c.safetensors")
    with pytest.raises(InputError, match="holds tensors x, y"):
        read_codes(tmp_path / "c.safetensors")
