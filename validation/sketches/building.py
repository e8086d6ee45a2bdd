"""``sketch``: one pass over codes, in bounded memory."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from neglog.priors.errors import InputError
from neglog.validation.codes import Codes
from neglog.validation.sketches.batches import batches
from neglog.validation.sketches.counting import counted
from neglog.validation.sketches.merging import merged
from neglog.validation.sketches.sketch import Sketch

VALUES = 1 << 24  # codes counted together
TOGETHER = 4  # sketches merged together


def sketch(codes: Any, model: Any = None) -> Sketch:
    """The sketch of codes, tokens × features, read once and batch by batch.

    codes: whatever ``read_codes`` takes, a folder of such files, a sketch or its file, or an
    iterable of any of these. With ``model``, ``codes`` are activations (as
    ``neglog.sae.open_activations`` takes them) and the model's codes of them are sketched without
    being kept: an ``neglog.sae.SAE``, or any callable from rows [batch, d] to codes.

    Values are rounded to float32. Memory: 16 million codes (or one batch, if that is
    more) and a few sketches.

    Raises InputError for what ``read_codes`` refuses, and where batches differ in their features.

    >>> import numpy as np, neglog
    >>> s = neglog.validation.sketch(np.array([[0.0, 1.5], [2.0, 0.0], [3.0, 0.0]]))
    >>> s.tokens, s.nonzero.tolist(), s.sum.tolist()
    (3, [2, 1], [5.0, 1.5])
    """
    if model is not None:
        codes = encoded(model, codes)
    stack: list[Sketch] = []
    for part in _parts(codes):
        push(stack, part)
    if not stack:
        raise InputError("there are no codes to sketch.")
    return merged(stack)


def push(stack: list[Sketch], part: Sketch) -> None:
    """Add a sketch to those waiting; like sizes are merged first: an entry is moved few times."""
    stack.append(part)
    while len(stack) >= TOGETHER and len(stack[-TOGETHER].bins) < 2 * len(stack[-1].bins):
        stack[-TOGETHER:] = [merged(stack[-TOGETHER:])]


def _parts(codes: Any) -> Iterator[Sketch]:
    """Sketches of about ``VALUES`` values each, however small the batches are; those given."""
    held: list[Codes] = []
    features = None
    for item in _items(codes):
        if features is not None and item.features != features:
            raise InputError(
                f"a batch has {item.features} features where those before have {features}."
            )
        features = item.features
        if isinstance(item, Sketch):
            yield item
            continue
        held.append(item)
        if sum(len(part.values) for part in held) >= VALUES:
            yield counted(held)
            held = []
    if held:
        yield counted(held)


def _items(codes: Any) -> Iterator[Codes | Sketch]:
    from neglog.validation.sketches.storage import is_sketch, load

    if isinstance(codes, Sketch):
        yield codes
    elif isinstance(codes, str | Path) and Path(codes).is_file() and is_sketch(Path(codes)):
        yield load(Path(codes))
    elif isinstance(codes, list | tuple) and any(
        isinstance(item, Sketch | str | Path) for item in codes
    ):
        for item in codes:
            yield from _items(item)
    else:
        yield from batches(codes)


def encoded(model: Any, activations: Any, batch: int = 4096) -> Iterator[Any]:
    """A model's codes of activations, batch by batch, as CSR."""
    import torch

    from neglog.sae import open_activations

    encode: Callable[[Any], Any] = getattr(model, "encode", model)
    found = open_activations(activations)
    for start in range(0, len(found), batch):
        rows = found.rows(np.arange(start, min(start + batch, len(found))))
        if isinstance(model, torch.nn.Module):
            rows = rows.to(next(model.parameters()).device)
        with torch.no_grad():
            code = encode(rows)
        yield sparse.csr_array(code.float().cpu().numpy())


def read_source(codes: Any) -> Codes | Sketch:
    """Codes, or a sketch of them, from a record, a container or a path."""
    from neglog.validation.codes import read_codes
    from neglog.validation.sketches.storage import is_sketch, load

    if isinstance(codes, Sketch):
        return codes
    if isinstance(codes, str | Path) and Path(codes).is_file() and is_sketch(Path(codes)):
        return load(Path(codes))
    return read_codes(codes)
