"""One sketch from the sketches of several processes."""

from typing import Any

import numpy as np

from neglog.priors.errors import InputError
from neglog.validation.sketches.merging import merged
from neglog.validation.sketches.sketch import Sketch, empty


def all_reduce(sketch: Sketch, group: Any = None) -> Sketch:
    """The merge over all ranks, in the order of ranks, so that every rank holds the same bits.

    Each rank in turn broadcasts its arrays: memory is two sketches beside the rank's own, whatever
    the number of ranks. A collective call: every rank of the group must make it.
    """
    import torch
    import torch.distributed as dist

    if not dist.is_initialized():
        raise InputError("all_reduce needs torch.distributed: call init_process_group first.")
    backend = dist.get_backend(group)
    device = torch.device("cuda", torch.cuda.current_device()) if backend == "nccl" else "cpu"
    rank, world = dist.get_rank(group), dist.get_world_size(group)
    widths = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(world)]
    dist.all_gather(widths, torch.full((1,), sketch.features, device=device), group=group)
    if len({int(w) for w in widths}) > 1:
        raise InputError(
            f"the processes' features differ: {', '.join(str(int(w)) for w in widths)}."
        )
    found = empty(sketch.features)
    for source in range(world):
        root = source if group is None else dist.get_global_rank(group, source)

        def received(array: Any, own: bool, root: int = root) -> Any:
            moved = torch.from_numpy(np.array(array)).to(device)
            dist.broadcast(moved, root, group=group)
            return array if own else moved.cpu().numpy()

        found = merged([found, _broadcast(sketch, rank == source, received)])
    return found


def _broadcast(sketch: Sketch, own: bool, received: Any) -> Sketch:
    """The source's sketch, on every rank: sizes first, then each array in a type torch can send."""
    sizes = received(np.array([sketch.tokens, len(sketch.bins)]), own)
    arrays = {}
    for name, array in sketch.arrays().items():
        sendable = _sendable(array)
        if not own:
            entries = name in ("bins", "counts", "offsets")
            length = int(sizes[1]) if entries else len(array)
            sendable = np.zeros(length, sendable.dtype)
        arrays[name] = received(sendable, own).astype(array.dtype)
    return Sketch(tokens=int(sizes[0]), **arrays)


def _sendable(array: np.ndarray) -> np.ndarray:
    return array.astype(np.int64) if array.dtype.itemsize < 8 else array
