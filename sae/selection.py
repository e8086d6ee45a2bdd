"""The encoder product block by block of rows, keeping only the entries that can be active.

z = u Wᵀ + b [batch, m] is never held whole: a block of rows is computed into one buffer that stays
near the processor, its active entries are picked, and the next block takes its place. That saves
the memory of z and, on a CPU, the time to get that memory from the system and write it.
"""

import numpy as np
import torch
from torch import Tensor

from neglog.sae.pattern import Pattern

#: Entries of z in a block: 32 MiB of float32.
BLOCK = 1 << 23
#: Neighbouring entries looked at together, by their maximum.
GROUP = 32
#: Fraction of groups with something in them above which looking at every entry is faster.
CROWDED = 0.3


def places(mask: Tensor) -> Tensor:
    """Where the flattened mask is True, int64 in ascending order."""
    if mask.device.type == "cpu":  # NumPy's is several times faster
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return mask.flatten().nonzero().squeeze(1)


def group_size(m: int) -> int:
    """The largest power of two up to GROUP that divides m."""
    return min(GROUP, m & -m)


def above(z: Tensor, floor: Tensor | float, high: Tensor | None = None) -> Tensor:
    """Places in the flattened z [n, m] of the entries > floor (a number, [n, 1] or [m]), ascending.

    `high` [n, m/size] are the maxima of groups of neighbours where they are known already.
    """
    n, m = z.shape
    size = group_size(m)
    of_rows = isinstance(floor, Tensor) and floor.shape == (n, 1)
    if size < 8 or not (of_rows or isinstance(floor, float)):
        return places(z > floor)
    if high is None:
        high = z.view(n, -1, size).amax(2)
    near = places(high > floor)
    if len(near) > CROWDED * high.numel():
        return places(z > floor)
    limit = floor
    if isinstance(floor, Tensor):
        limit = floor.flatten()[near // high.shape[1]].unsqueeze(1)
    inside = places(z.reshape(-1, size).index_select(0, near) > limit)
    return near[inside // size] * size + inside % size


def top_candidates(z: Tensor, k: int) -> Tensor:
    """Places that hold the k largest entries of each row of z [n, m], and a few others.

    The k-th largest of the groups' maxima is exceeded or met by k entries, so no entry below it
    is among the k largest.
    """
    n, m = z.shape
    size = group_size(m)
    if size < 8 or m // size < 2 * k:
        columns = z.topk(k, dim=1, sorted=False).indices.sort(1).values
        return (columns + m * torch.arange(n, device=z.device).unsqueeze(1)).flatten()
    high = z.view(n, -1, size).amax(2)
    floor = high.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True)
    return above(z, torch.nextafter(floor, torch.full_like(floor, -torch.inf)), high)


def largest(values: Tensor, pattern: Pattern, k: int) -> Tensor:
    """Which entries [≤ batch·k] of a pattern are the k largest of their row, ascending."""
    batch, _ = pattern.shape
    counts = pattern.offsets.diff()
    most = int(counts.max()) if batch else 0
    if most <= k:
        return torch.arange(len(values), device=values.device)
    starts = pattern.offsets[:-1].long()
    place = torch.arange(len(values), device=values.device) - starts[pattern.rows.long()]
    padded = values.new_full((batch, most), -torch.inf)
    padded[pattern.rows.long(), place] = values
    top = padded.topk(k, dim=1, sorted=False).indices.sort(1).values
    found = (top + starts.unsqueeze(1))[top < counts.unsqueeze(1)]
    return found.flatten()


class Scratch:
    """The buffer for blocks of z, kept between steps."""

    def __init__(self) -> None:
        self._buffer: Tensor | None = None

    def block(self, rows: int, m: int, like: Tensor) -> Tensor:
        """An uninitialised [rows, m] of the dtype and on the device of `like`."""
        old = self._buffer
        if (
            old is None
            or old.numel() < rows * m
            or old.dtype != like.dtype
            or old.device != like.device
        ):
            self._buffer = old = torch.empty(rows * m, dtype=like.dtype, device=like.device)
        return old[: rows * m].view(rows, m)


@torch.no_grad()
def select(
    u: Tensor, weight: Tensor, bias: Tensor, activation: torch.nn.Module, scratch: Scratch
) -> tuple[Pattern, Tensor]:
    """The entries of z = u weightᵀ + bias that `activation` may use: (pattern, z there [n]).

    u [batch, d], weight [m, d], bias [m]. No gradient is kept: see `encode_active`.
    """
    batch, m = len(u), len(weight)
    rows = max(1, min(batch, BLOCK // m))

    def pick(start_over: bool) -> tuple[Pattern, Tensor]:
        found, values = [], []
        for start in range(0, batch, rows):
            part = u[start : start + rows]
            z = torch.addmm(bias, part, weight.T, out=scratch.block(len(part), m, u))
            at = activation.pick(z, start_over)  # type: ignore[operator]
            values.append(z.view(-1).index_select(0, at))
            found.append(at + start * m)
        return Pattern.from_flat(torch.cat(found), (batch, m)), torch.cat(values)

    pattern, z = pick(False)
    keep = activation.settle(pattern, z)  # type: ignore[operator]
    if keep is None:  # what was picked was too little
        pattern, z = pick(True)
        keep = activation.settle(pattern, z)  # type: ignore[operator]
    return (pattern, z) if len(keep) == len(z) else (pattern.only(keep), z[keep])
