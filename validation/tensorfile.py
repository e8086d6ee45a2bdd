"""Read a safetensors file into numpy arrays, bfloat16 included."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """All tensors of a file by name; bfloat16, which numpy lacks, becomes float32, exactly.

    Raises InputError if the file is damaged or the safetensors package is missing.
    """
    try:
        import safetensors
    except ImportError as error:
        raise InputError(f"reading {path} needs safetensors: pip install safetensors.") from error
    try:
        raw = dict(safetensors.deserialize(path.read_bytes()))
    except Exception as error:  # the Rust side raises a private class for every kind of damage
        raise InputError(f"{path} is damaged or not a safetensors file ({error}).") from error
    return {name: _array(record, name, path) for name, record in raw.items()}


def metadata(path: Path) -> dict[str, str]:
    """The strings a file carries beside its tensors; InputError if its header cannot be read."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        # A header is JSON of at most 100 MB (the format's own limit): what claims more is none.
        text = file.read(length) if length <= 100_000_000 else b""
    try:
        found = json.loads(text).get("__metadata__", {})
    except (ValueError, AttributeError) as error:
        raise InputError(f"{path} is damaged or not a safetensors file ({error}).") from error
    return {str(name): str(value) for name, value in found.items()}


_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def _array(record: dict[str, Any], name: str, path: Path) -> NDArray[Any]:
    shape, dtype, data = record["shape"], record["dtype"], record["data"]
    if dtype == "BF16":  # the upper half of a float32
        wide = np.frombuffer(data, "<u2").astype("<u4") << 16
        return wide.view("<f4").reshape(shape)
    if dtype not in _DTYPES:
        raise InputError(f"tensor {name} of {path} is {dtype}, which cannot be read as numbers.")
    return np.frombuffer(data, _DTYPES[dtype]).reshape(shape)
