"""Arrays on disk, memory-mapped: `.npy` and `.safetensors`, without reading them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError

#: safetensors' dtype names; bfloat16 has none in NumPy and is mapped as its 16 bits.
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def open_array(path: Path) -> tuple[NDArray[Any], bool]:
    """(the memory-mapped array, whether its uint16 are bfloat16 bits).

    Raises InputError if the file cannot be read as an array of numbers.
    """
    try:
        if path.suffix == ".safetensors":
            return _open_safetensors(path)
        return np.load(path, mmap_mode="r", allow_pickle=False), False
    except FileNotFoundError as e:
        raise InputError(f"There is no file {path}.") from e
    except (OSError, ValueError, EOFError) as e:
        if isinstance(e, InputError):
            raise
        raise InputError(f"{path} is not a readable {path.suffix} file: {e}") from e


def _open_safetensors(path: Path) -> tuple[NDArray[Any], bool]:
    """The only tensor of a safetensors file: 8 bytes of length, a JSON header, the data."""
    with path.open("rb") as f:
        length = int.from_bytes(f.read(8), "little")
        if length > path.stat().st_size:
            raise ValueError("its header is longer than the file")
        header = json.loads(f.read(length))
    tensors = {name: about for name, about in header.items() if name != "__metadata__"}
    if len(tensors) != 1:
        raise InputError(f"{path} holds {len(tensors)} tensors: a file of activations holds one.")
    (about,) = tensors.values()
    if about["dtype"] not in DTYPES:
        raise InputError(f"{path} holds {about['dtype']}: activations are floating-point.")
    start, _ = about["data_offsets"]
    array = np.memmap(
        path,
        dtype=DTYPES[about["dtype"]],
        mode="r",
        offset=8 + length + start,
        shape=tuple(about["shape"]),
    )
    return array, about["dtype"] == "BF16"


def as_float32(rows: NDArray[Any], bfloat16: bool) -> NDArray[np.float32]:
    """The rows as float32; bfloat16 is the upper half of a float32."""
    if bfloat16:
        return (rows.astype(np.uint32) << 16).view(np.float32)
    return np.ascontiguousarray(rows, dtype=np.float32)
