"""Read feature activations (tokens × features) from any common container into one record."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neglog.priors.errors import InputError
from neglog.validation.tensorfile import read_safetensors

BLOCK_BYTES = 1 << 26  # dense input is scanned in blocks of tokens of about this size


@dataclass(frozen=True)
class Codes:
    """Non-zero activations by feature (compressed sparse columns, tokens ascending).

    Feature f fired on ``rows[indptr[f]:indptr[f+1]]`` with ``values[indptr[f]:indptr[f+1]]``, all
    of them finite and > 0, in float32 or float64 as given.
    """

    values: NDArray[Any]  # (nonzeros,)
    rows: NDArray[Any]  # (nonzeros,) integer
    indptr: NDArray[np.int64]  # (features + 1,)
    tokens: int

    @property
    def features(self) -> int:
        return len(self.indptr) - 1

    @property
    def nonzero(self) -> NDArray[np.int64]:
        """Tokens on which each feature is active, (features,)."""
        return np.diff(self.indptr)

    @property
    def zero_fraction(self) -> NDArray[np.float64]:
        """Weight of the atom at zero, by maximum likelihood, (features,)."""
        return 1.0 - self.nonzero / self.tokens

    def column(self, feature: int) -> NDArray[Any]:
        return self.values[self.indptr[feature] : self.indptr[feature + 1]]

    def take(self, features: NDArray[np.int64]) -> "Codes":
        """The codes of some features, which need not be many."""
        size = self.nonzero[features]
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(size)])
        entries = np.repeat(self.indptr[:-1][features] - indptr[:-1], size) + np.arange(indptr[-1])
        return Codes(self.values[entries], self.rows[entries], indptr, self.tokens)

    def matrix(self) -> sparse.csc_array:
        """The same codes as a scipy CSC array (tokens, features) that shares this memory."""
        shape = (self.tokens, self.features)
        return sparse.csc_array((self.values, self.rows, self.indptr), shape=shape)


def read_codes(codes: Any) -> Codes:
    """Codes from a numpy array, scipy sparse matrix, torch tensor, ``Codes``, or a path.

    Paths: ``.npy`` (dense), ``.npz`` (``scipy.sparse.save_npz``), ``.safetensors`` (one dense
    matrix, or the tensors ``data``, ``indices``, ``indptr``, ``shape`` of a CSR matrix).

    Raises InputError for a wrong shape, nothing to read, NaN, infinities, negative values, or a
    damaged file or sparse structure.
    """
    if isinstance(codes, Codes):
        return codes
    if isinstance(codes, str | Path):
        return read_codes(from_path(Path(codes)))
    if sparse.issparse(codes):
        return _from_sparse(codes)
    if hasattr(codes, "detach"):  # a torch tensor, recognised without importing torch
        codes = _from_torch(codes)
        if sparse.issparse(codes):
            return _from_sparse(codes)
    try:
        array = np.asanyarray(codes)
    except ValueError as error:
        raise InputError(f"codes are not a rectangular array ({error}).") from error
    return _from_dense(array)


def from_path(path: Path) -> Any:
    """The array or sparse matrix in a file; InputError if there is none or it is damaged."""
    if not path.is_file():
        raise InputError(f"there is no codes file at {path}.")
    try:
        match path.suffix:
            case ".npy":
                return np.load(path, mmap_mode="r", allow_pickle=False)
            case ".npz":
                return sparse.load_npz(path)
            case ".safetensors":
                return _matrix(read_safetensors(path), path)
    except InputError:
        raise
    except Exception as error:  # each reader has its own family of errors for a damaged file
        raise InputError(
            f"{path} cannot be read as codes ({type(error).__name__}: {error}); it may be "
            f"truncated, or not what its ending {path.suffix} says."
        ) from error
    raise InputError(f"codes must be .npy, .npz or .safetensors, and {path.name} is none of them.")


def _matrix(tensors: dict[str, NDArray[Any]], path: Path) -> Any:
    if {"data", "indices", "indptr", "shape"} <= tensors.keys():
        parts = (tensors["data"], tensors["indices"], tensors["indptr"])
        return sparse.csr_array(parts, shape=tuple(int(n) for n in tensors["shape"]))
    if len(tensors) == 1:
        return next(iter(tensors.values()))
    if "codes" in tensors:
        return tensors["codes"]
    raise InputError(
        f"{path} holds tensors {', '.join(sorted(tensors)) or '(none)'}; codes need one matrix, "
        "one called codes, or data, indices, indptr and shape of a CSR matrix."
    )


def _from_torch(tensor: Any) -> Any:
    tensor = tensor.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":  # numpy has no bfloat16; float32 holds it exactly
        tensor = tensor.float()
    if str(tensor.layout) == "torch.strided":
        return tensor.numpy()
    tensor = tensor.coalesce() if str(tensor.layout) == "torch.sparse_coo" else tensor
    tensor = tensor.to_sparse_csr()
    parts = (tensor.values(), tensor.col_indices(), tensor.crow_indices())
    return sparse.csr_array(tuple(part.numpy() for part in parts), shape=tuple(tensor.shape))


def _from_sparse(matrix: Any) -> Codes:
    if matrix.ndim != 2:
        raise InputError(f"codes must be tokens × features, and these have {matrix.ndim} axes.")
    _require_shape(matrix.shape)
    if matrix.format in ("csr", "csc"):
        _require_sound(matrix)
    csc = sparse.csc_array(matrix)  # shares memory when it is CSC already
    if not csc.has_sorted_indices:
        csc = csc.sorted_indices()
    same_column = np.ones(csc.nnz, dtype=bool)
    same_column[csc.indptr[:-1][np.diff(csc.indptr) > 0]] = False
    repeated = np.flatnonzero(same_column[1:] & (np.diff(csc.indices) == 0)) + 1
    if repeated.size:
        where = int(repeated[0])
        feature = int(np.searchsorted(csc.indptr, where, side="right")) - 1
        raise InputError(
            f"token {csc.indices[where]}, feature {feature} is stored twice in the sparse codes; "
            "call sum_duplicates() if adding them is meant."
        )
    values, rows, indptr = csc.data, csc.indices, csc.indptr.astype(np.int64)
    _require_values(values, lambda k: (rows[k], int(np.searchsorted(indptr, k, "right")) - 1))
    if (zeros := values == 0).any():
        indptr = np.concatenate([[0], np.cumsum(~zeros)])[indptr]
        values, rows = values[~zeros], rows[~zeros]
    return Codes(_floats(values), rows, indptr, matrix.shape[0])


def _require_sound(matrix: Any) -> None:
    """Raise InputError unless pointers and indices describe a matrix of the stated shape."""
    starts, indices, width = matrix.indptr, matrix.indices, matrix.shape[matrix.format == "csr"]
    stored = min(len(indices), len(matrix.data))
    if starts[0] != 0 or (np.diff(starts) < 0).any() or starts[-1] > stored:
        raise InputError(
            f"the codes' {matrix.format.upper()} pointers are damaged: they must rise from 0 to "
            "the number of stored values."
        )
    used = indices[: starts[-1]]
    if used.size and (used.min() < 0 or used.max() >= width):
        raise InputError(
            f"the codes' {matrix.format.upper()} structure is damaged: an index lies outside "
            f"0 … {width - 1}."
        )


def _from_dense(array: NDArray[Any]) -> Codes:
    if array.ndim != 2:
        raise InputError(
            f"codes must have two axes, tokens × features, and these have shape {array.shape}."
        )
    _require_shape(array.shape)
    if array.dtype.kind not in "fiub":
        raise InputError(f"codes must be real numbers, and these are {array.dtype}.")
    blocks = []
    for start, block in _blocks(array):
        token, feature = np.nonzero(block)
        values = block[token, feature]
        _require_values(values, lambda k, t=token + start, f=feature: (t[k], f[k]))
        blocks.append(sparse.csr_array((_floats(values), (token, feature)), shape=block.shape))
    return _from_sparse(sparse.vstack(blocks, format="csc"))


def _blocks(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    step = max(1, BLOCK_BYTES // max(1, array.shape[1] * array.itemsize))
    for start in range(0, len(array), step):
        yield start, np.asarray(array[start : start + step])


def _floats(values: NDArray[Any]) -> NDArray[Any]:
    """float64 stays; float16 and float32 become float32, exactly; integers become float64."""
    small = values.dtype.kind == "f" and values.dtype.itemsize <= 4
    return values.astype(np.float32 if small else np.float64, copy=False)


def _require_shape(shape: tuple[int, ...]) -> None:
    if 0 in shape:
        raise InputError(f"there are no codes: tokens × features is {shape[0]} × {shape[1]}.")


def _require_values(values: NDArray[Any], where: Any) -> None:
    """Raise InputError, naming (token, feature) = where(k), unless values are finite and ≥ 0."""
    if values.dtype.kind == "f" and not (finite := np.isfinite(values)).all():
        k = int(np.argmin(finite))
        token, feature = where(k)
        raise InputError(
            f"token {token}, feature {feature} is {values[k]}; codes must be finite numbers."
        )
    if values.dtype.kind in "fi" and (negative := values < 0).any():
        k = int(np.argmax(negative))
        token, feature = where(k)
        raise InputError(
            f"token {token}, feature {feature} is negative ({values[k]}); the families live on "
            "[0, ∞): pass abs(codes), or the codes after their readout (ReLU, TopK)."
        )
