"""The files of a harvest: `shard-00000.npy`, …, each with the rows of whole sequences."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from neglog.priors.errors import InputError
from neglog.sae.files import whole_file
from neglog.sae.windows import Window

#: The name of the row → sequence index in a folder of shards.
SEQUENCE = "sequence.npy"
#: The name of the manifest in a folder of shards.
MANIFEST = "harvest.json"
#: How activations can be stored.
STORED = ("float32", "float16", "bfloat16")
#: By default a harvest has about so many shards, enough to share out, of so many rows.
_SHARDS, _FEWEST, _MOST = 8, 8192, 100_000


def usual_rows(tokens: int | None) -> int:
    """Rows in a shard where the user names no number; None tokens: as many as there are."""
    return _MOST if tokens is None else min(_MOST, max(_FEWEST, -(-tokens // _SHARDS)))


def by_shard(found: Iterable[Window], rows: int) -> Iterator[list[Window]]:
    """The windows of one shard after another, at most `rows` rows or a single window each."""
    part: list[Window] = []
    size = 0
    for window in found:
        if part and size + window.kept > rows:
            yield part
            part, size = [], 0
        part.append(window)
        size += window.kept
    if part:
        yield part


def shard_name(number: int, dtype: str) -> str:
    """The file of a shard. NumPy has no bfloat16, so those are `.safetensors`."""
    return f"shard-{number:05d}.{'safetensors' if dtype == 'bfloat16' else 'npy'}"


def write_shard(path: Path, rows: NDArray[np.float32], dtype: str) -> None:
    """Write rows [n, d] as `dtype`; the file appears whole or not at all.

    Raises InputError if a row holds NaN or infinity, or does as `dtype`.
    """
    stored = rows
    if dtype == "float16":
        with np.errstate(over="ignore"):  # infinity is refused below
            stored = rows.astype(np.float16)
    if not np.isfinite(stored).all():
        raise InputError(
            f"The activations do not fit {dtype}, or the model puts out NaN or infinity: "
            "store float32, or check the model."
        )
    with whole_file(path) as partial:
        _save(partial, stored, dtype)


def _save(path: Path, rows: NDArray[Any], dtype: str) -> None:
    if dtype == "bfloat16":
        save_file({"activations": torch.from_numpy(rows).to(torch.bfloat16)}, path)
        return
    with path.open("wb") as f:  # np.save would add a suffix to a name
        np.save(f, rows)
