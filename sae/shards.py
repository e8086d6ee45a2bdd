"""Write a folder of activations: `shard-00000.npy`, … and the sequence each row came from."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from neglog.priors.errors import InputError

#: The name of the row → sequence index in a folder of shards.
SEQUENCE = "sequence.npy"
#: The name of the manifest in a folder of shards.
MANIFEST = "harvest.json"


class ShardWriter:
    """Collects rows [n, d] and writes a shard whenever `rows_per_shard` have come together.

    Shards are `.npy`; NumPy has no bfloat16, so those are `.safetensors`.
    """

    def __init__(self, folder: Path, rows_per_shard: int, dtype: str) -> None:
        self.folder = folder
        self.rows_per_shard = rows_per_shard
        self.bfloat16 = dtype == "bfloat16"
        self.dtype = np.dtype("float32" if self.bfloat16 else dtype)
        self.shards: list[dict[str, Any]] = []
        self._waiting: list[NDArray[Any]] = []
        self._rows = 0

    def add(self, rows: NDArray[Any]) -> None:
        """Append rows [n, d]."""
        while len(rows):
            part = rows[: self.rows_per_shard - self._rows]
            self._waiting.append(_cast(part, self.dtype))
            self._rows += len(part)
            rows = rows[len(part) :]
            if self._rows == self.rows_per_shard:
                self._flush()

    def close(self) -> list[dict[str, Any]]:
        """Write what is left; returns the shards as [{"file": …, "rows": …}, …]."""
        if self._rows:
            self._flush()
        return self.shards

    def _flush(self) -> None:
        name = f"shard-{len(self.shards):05d}.{'safetensors' if self.bfloat16 else 'npy'}"
        shard = np.concatenate(self._waiting)
        if not np.isfinite(shard).all():
            raise InputError(
                f"The activations do not fit {self.dtype}, or the model puts out NaN or infinity: "
                "store float32, or check the model."
            )
        if self.bfloat16:
            rows = torch.from_numpy(shard).to(torch.bfloat16)
            save_file({"activations": rows}, self.folder / name)
        else:
            np.save(self.folder / name, shard)
        self.shards.append({"file": name, "rows": self._rows})
        self._waiting, self._rows = [], 0


def _cast(rows: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):  # infinity is refused when the shard is written
        return rows.astype(dtype)
