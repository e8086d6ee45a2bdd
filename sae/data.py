"""Activations to train on: tokens × d, in memory or memory-mapped shards larger than memory."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from neglog.priors.errors import InputError
from neglog.sae.shards import SEQUENCE
from neglog.sae.stored import as_float32, open_array

#: Rows looked at together in a pass over all of the data.
_CHUNK = 8192

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Shard:
    """Rows [n, d] and the name to call them by in a message."""

    name: str
    rows: NDArray[Any]
    bfloat16: bool = False


class Activations:
    """Rows of activations, [len, d] over all shards, read as float32.

    `sequence` [len] tells which rows come from one sequence; None where that is not known.
    """

    def __init__(self, shards: list[Shard], sequence: NDArray[Any] | None = None) -> None:
        for shard in shards:
            _check_shard(shard, shards[0])
        self.shards = shards
        self.d = int(shards[0].rows.shape[1])
        self.sequence = sequence
        self._starts = np.cumsum([0, *(len(s.rows) for s in shards)])
        if sequence is not None and sequence.shape != (len(self),):
            raise InputError(
                f"{SEQUENCE} has shape {sequence.shape} where {len(self)} rows need an entry each."
            )

    def __len__(self) -> int:
        return int(self._starts[-1])

    def rows(self, index: Index) -> Tensor:
        """The rows at `index` [n], as float32 [n, d]."""
        out = np.empty((len(index), self.d), dtype=np.float32)
        shard_of = np.searchsorted(self._starts, index, side="right") - 1
        for i in np.unique(shard_of):
            here = shard_of == i
            shard = self.shards[i]
            out[here] = as_float32(shard.rows[index[here] - self._starts[i]], shard.bfloat16)
        return torch.from_numpy(out)

    def chunks(self) -> Iterator[tuple[int, Shard, int, NDArray[np.float32]]]:
        """(row number, shard, row number in the shard, rows as float32), in order."""
        for start, shard in zip(self._starts, self.shards, strict=False):
            for i in range(0, len(shard.rows), _CHUNK):
                part = as_float32(shard.rows[i : i + _CHUNK], shard.bfloat16)
                yield int(start) + i, shard, i, part


def _check_shard(shard: Shard, first: Shard) -> None:
    rows = shard.rows
    if rows.ndim != 2 or 0 in rows.shape:
        raise InputError(f"{shard.name} has shape {rows.shape}: activations are tokens × d.")
    if not shard.bfloat16 and rows.dtype.kind != "f":
        raise InputError(f"{shard.name} holds {rows.dtype}: activations are floating-point.")
    if rows.shape[1] != first.rows.shape[1]:
        raise InputError(
            f"{shard.name} has d = {rows.shape[1]} where {first.name} has {first.rows.shape[1]}: "
            "all shards must have the same d."
        )


def open_activations(data: "str | Path | ArrayLike | Tensor | Activations") -> Activations:
    """Activations from a `.npy` or `.safetensors` file, a folder of them, or an array [n, d].

    Raises InputError if there are none, or they are not tokens × d numbers.
    """
    if isinstance(data, Activations):
        return data
    if not isinstance(data, (str, Path)):
        array = data.detach().cpu().numpy() if isinstance(data, Tensor) else np.asarray(data)
        return Activations([Shard("the array", array)])
    path = Path(data)
    if path.is_dir():
        return _open_folder(path)
    if path.suffix not in (".npy", ".safetensors"):
        kind = "is neither .npy nor .safetensors" if path.exists() else "does not exist"
        raise InputError(f"{path} {kind}: give a file or a folder of activations.")
    return Activations([Shard(str(path), *open_array(path))])


def _open_folder(folder: Path) -> Activations:
    files = sorted(p for p in folder.iterdir() if p.suffix in (".npy", ".safetensors"))
    shards = [Shard(str(p), *open_array(p)) for p in files if p.name != SEQUENCE]
    if not shards:
        raise InputError(f"The folder {folder} holds no .npy or .safetensors file.")
    index = folder / SEQUENCE
    return Activations(shards, open_array(index)[0] if index.exists() else None)


def split(data: Activations, held_out: float, seed: int) -> tuple[Index, Index]:
    """(training rows, held-out rows), both sorted; whole sequences where they are known.

    Tokens of one sequence are dependent: held out with part of a sequence in training would
    look better than it is.
    """
    values, lengths = _runs(data)
    names, unit = np.unique(values, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    held = rank < max(1, round(held_out * len(names)))
    out = np.repeat(held[unit], lengths)
    return np.flatnonzero(~out), np.flatnonzero(out)


def _runs(data: Activations) -> tuple[NDArray[Any], NDArray[Any] | int]:
    """(the sequence of each run of neighbouring rows, how many rows it has)."""
    if data.sequence is None:
        return np.arange(len(data)), 1
    sequence = np.asarray(data.sequence)
    starts = np.concatenate([[0], np.flatnonzero(sequence[1:] != sequence[:-1]) + 1])
    return sequence[starts], np.diff(starts, append=len(sequence))


@dataclass(frozen=True)
class Scaling:
    """x ↦ (x − mean)/scale with mean [d] and scale² = E‖x − mean‖²/d: unit variance per entry.

    `digest` is a hash of all the data they were taken from.
    """

    mean: Tensor
    scale: float
    digest: str = ""


def check_and_scale(data: Activations, train: Index) -> Scaling:
    """One pass over the data: every entry is finite; mean and scale of the training rows.

    Raises InputError naming shard and row of the first entry that is not finite, or if all
    training rows are equal.
    """
    used = np.zeros(len(data), dtype=bool)
    used[train] = True
    total, square = np.zeros(data.d), 0.0
    # Differences from the first row keep the sum of squares accurate far from the origin.
    origin = data.rows(train[:1])[0].double().numpy()
    digest = hashlib.blake2b(f"{len(data)} {data.d}".encode(), digest_size=16)
    for start, shard, row, part in data.chunks():
        digest.update(part.tobytes())
        bad = ~np.isfinite(part).all(axis=1)
        if bad.any():
            where = int(bad.argmax())
            kind = "NaN" if np.isnan(part[where]).any() else "an infinite value"
            raise InputError(
                f"{shard.name} holds {kind} in row {row + where}: remove such rows first."
            )
        part64 = part[used[start : start + len(part)]].astype(np.float64) - origin
        total += part64.sum(axis=0)
        square += float(np.square(part64).sum())
    mean = total / len(train)
    variance = (square / len(train) - float(mean @ mean)) / data.d
    if not variance > 0:
        raise InputError("All training rows are equal: there is nothing to learn.")
    return Scaling(torch.from_numpy(mean + origin).float(), float(np.sqrt(variance)),
                   digest.hexdigest())  # fmt: skip


#: Rows that stay together on disk when blocks are shuffled, and rows shuffled among each other.
BLOCK, BUFFER = 1024, 1 << 17
SHUFFLES = ("none", "buffer", "full")


def epoch_order(train: Index, seed: int, epoch: int, shuffle: str = "full") -> Index:
    """The order in which an epoch takes the rows `train`; depends on seed and epoch alone.

    `full`: any row next to any other. `buffer`: blocks of 1,024 neighbouring rows in random order,
    then rows in random order within 128 blocks at a time, so that a disk reads long stretches.
    `none`: as stored. Memory: 8 bytes a row.
    """
    generator = np.random.default_rng([seed, epoch])
    if shuffle == "full":
        return generator.permutation(train)
    if shuffle == "none":
        return train
    starts = BLOCK * generator.permutation(-(-len(train) // BLOCK))
    order = np.concatenate([train[start : start + BLOCK] for start in starts])
    for start in range(0, len(order), BUFFER):
        generator.shuffle(order[start : start + BUFFER])
    return order


def batches(
    train: Index, size: int, seed: int, shuffle: str = "full", start: int = 0
) -> Iterator[Index]:
    """Endless batches of row numbers [size] from step `start` on; an epoch has every row once.

    Sorted within a batch, which reads faster and does not matter to a mean.
    """
    epoch, used = divmod(start * size, len(train))
    waiting = epoch_order(train, seed, epoch, shuffle)[used:]
    while True:
        while len(waiting) < size:
            epoch += 1
            waiting = np.concatenate([waiting, epoch_order(train, seed, epoch, shuffle)])
        yield np.sort(waiting[:size])
        waiting = waiting[size:]
