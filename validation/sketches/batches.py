"""Codes of any kind as a stream of batches small enough for memory."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from neglog.priors.errors import InputError
from neglog.validation.codes import Codes, from_path, read_codes

VALUES = 1 << 22  # non-zero codes in a batch
BYTES = 1 << 27  # of a dense batch
SUFFIXES = (".npy", ".npz", ".safetensors")


def batches(codes: Any) -> Iterator[Codes]:
    """Codes batch by batch; errors name the token among all tokens, or the file it is in."""
    if isinstance(codes, Codes):
        yield codes
    elif isinstance(codes, str | Path):
        yield from _of_path(Path(codes))
    elif sparse.issparse(codes) or hasattr(codes, "ndim"):
        yield from _of_array(codes)
    elif isinstance(codes, list | tuple) and codes and not _is_batch(codes[0]):
        yield from _of_array(np.asarray(codes))
    elif isinstance(codes, Iterable):
        for number, part in enumerate(codes):
            where = str(part) if isinstance(part, str | Path) else f"batch {number}"
            with _located(where):
                yield from batches(part)
    else:
        raise InputError(f"codes cannot be read from {type(codes).__name__}.")


def _is_batch(item: Any) -> bool:
    return isinstance(item, str | Path | Codes) or sparse.issparse(item) or hasattr(item, "ndim")


def _of_path(path: Path) -> Iterator[Codes]:
    if path.is_dir():
        for shard in shards(path):
            with _located(str(shard)):
                yield from batches(shard)
        return
    found = from_path(path)
    with _located(str(path)):
        yield from _of_array(found)


def shards(folder: Path) -> list[Path]:
    """The codes files of a folder, by name; InputError where there are none."""
    found = sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES and p.name[0] != ".")
    if not found:
        raise InputError(f"the folder {folder} holds no {', '.join(SUFFIXES)} file.")
    return found


def _of_array(codes: Any) -> Iterator[Codes]:
    """Rows a batch at a time where rows can be cut out cheaply; the whole otherwise."""
    if (
        getattr(codes, "format", "csr") != "csr"
        or getattr(codes, "is_sparse_csr", False)
        or (getattr(codes, "is_sparse", False))
    ):
        yield read_codes(codes)
        return
    if len(getattr(codes, "shape", ())) != 2 or 0 in codes.shape:
        yield read_codes(codes)  # raises, saying why
        return
    for start, stop in _cuts(codes):
        with _located(None if start == 0 else f"after token {start}"):
            yield read_codes(codes[start:stop])


def _cuts(codes: Any) -> Iterator[tuple[int, int]]:
    tokens, features = codes.shape
    if not sparse.issparse(codes):
        step = max(1, BYTES // (features * getattr(codes, "itemsize", 4)))
        yield from ((s, min(s + step, tokens)) for s in range(0, tokens, step))
        return
    indptr = np.asarray(codes.indptr)
    if indptr[0] != 0 or (np.diff(indptr) < 0).any() or indptr[-1] > len(codes.indices):
        yield 0, tokens  # damaged: read_codes says so
        return
    start = 0
    while start < tokens:
        stop = int(np.searchsorted(indptr, indptr[start] + VALUES, side="right")) - 1
        stop = min(max(stop, start + 1), tokens)
        yield start, stop
        start = stop


@contextmanager
def _located(where: str | None) -> Iterator[None]:
    """An InputError from inside says where it arose."""
    try:
        yield
    except InputError as error:
        if where is None or where in str(error):
            raise
        raise InputError(f"{where}: {error}") from error
