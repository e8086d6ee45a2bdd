"""Run a model over text and keep the activations of one layer."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neglog.priors.errors import InputError
from neglog.sae.files import new_folder
from neglog.sae.hub import load_model, model_folder
from neglog.sae.progress import progress_bar
from neglog.sae.shards import MANIFEST, SEQUENCE, ShardWriter
from neglog.sae.sites import SITES, cut_after, device_of, tap
from neglog.sae.text import builtin_documents, pieces, read_documents, text_hash
from neglog.sae.windows import Window, limited, padded, windows

#: Batches whose windows are sorted by length together, so that little padding is computed.
_POOL = 16


def harvest(
    out: str | Path,
    model: str | Path = "minilm",
    layer: int = 3,
    site: str | Sequence[str] = "residual",
    tokens: int | None = 60_000,
    text: Sequence[str | Path] | None = None,
    batch: int = 32,
    seq_len: int = 128,
    dtype: str = "float32",
    rows_per_shard: int = 100_000,
    device: str = "cpu",
    progress: bool = True,
) -> dict[str, Any]:
    """Write the activations of `tokens` tokens at `site` of `layer` to the folder `out`.

    `model` is `minilm` or the path of a Hugging Face model folder; layers count from 0. `text`
    are UTF-8 files, None the English text that comes with Python. Special tokens (and padding)
    are left out and counted. `tokens=None` reads all the text; less text than asked for is not
    an error, the manifest says how many came.

    `out` gets `shard-*.npy` (rows × d, `dtype` float32 or float16), `sequence.npy` (int32 for
    each row: tokens of one sequence are dependent) and `harvest.json`, which is also returned.
    With a list of sites each gets a folder of its name within `out`, rows aligned: the input and
    the target of a transcoder. `out` appears whole or not at all.

    Raises InputError for a missing model, layer, site or text, text without tokens, or an `out`
    that holds something.
    """
    sites = [site] if isinstance(site, str) else list(site)
    _check(sites, tokens, batch, seq_len, dtype, rows_per_shard)
    folder = model_folder(model)
    documents = builtin_documents() if text is None else read_documents(text)
    with new_folder(out) as partial:
        net, tokenizer = load_model(folder)
        block = cut_after(net.to(device), layer)
        longest = getattr(net.config, "max_position_embeddings", None) or seq_len
        length = min(seq_len, longest)
        about = {
            "schema": "neglog.harvest/1",
            "model": str(model),
            "layer": layer,
            "dtype": dtype,
            "seq_len": length,
            "text": "python" if text is None else [str(path) for path in text],
            "text_sha256": text_hash(documents),
        }
        found = limited(windows(pieces(documents), tokenizer, length), tokens)
        folders = {s: partial if isinstance(site, str) else partial / s for s in sites}
        for path in folders.values():
            path.mkdir(exist_ok=True)
        return _run(net, block, tokenizer.pad_token_id or 0, found, folders, about,
                    tokens, batch, rows_per_shard, progress)  # fmt: skip


def _check(
    sites: list[str],
    tokens: int | None,
    batch: int,
    seq_len: int,
    dtype: str,
    rows_per_shard: int,
) -> None:
    for s in sites:
        if s not in SITES:
            raise InputError(f"There is no site {s!r}: choose one of {', '.join(SITES)}.")
    if not sites or len(set(sites)) < len(sites):
        raise InputError("Name at least one site, and each only once.")
    if dtype not in ("float32", "float16"):
        raise InputError(f"Activations are stored as float32 or float16, not {dtype}.")
    for name, value in (("tokens", tokens), ("batch", batch), ("rows_per_shard", rows_per_shard)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, not {value}.")
    if seq_len < 4:
        raise InputError(f"seq_len must be at least 4, not {seq_len}.")


@torch.no_grad()
def _run(
    net: nn.Module,
    block: nn.Module,
    pad: int,
    found: Iterable[Window],
    folders: dict[str, Path],
    about: dict[str, Any],
    tokens: int | None,
    batch: int,
    rows_per_shard: int,
    progress: bool,
) -> dict[str, Any]:
    """Fill the folders and return the manifest of the first site."""
    now: dict[str, Tensor] = {}
    writers = {s: ShardWriter(path, rows_per_shard, about["dtype"]) for s, path in folders.items()}
    sequence: list[NDArray[Any]] = []
    rows = special = seen = 0
    for s in folders:
        tap(block, s, lambda value, s=s: now.__setitem__(s, value))  # type: ignore[misc]
    with ExitStack() as stack:
        advance = stack.enter_context(progress_bar("harvest", tokens or 0, progress))
        for pool in _pools(found, batch * _POOL):
            collected = {s: [np.empty(0)] * len(pool) for s in folders}
            for places in _by_length(pool, batch):
                ids, attention, kept = padded([pool[i] for i in places], pad)
                device = device_of(net)
                net(input_ids=ids.to(device), attention_mask=attention.to(device))
                for s, value in now.items():
                    for row, i in enumerate(places):
                        collected[s][i] = value[row][kept[row]].float().cpu().numpy()
                advance(int(kept.sum()), "")
            for s, parts in collected.items():
                writers[s].add(np.concatenate(parts))
            sequence += [np.full(w.kept, seen + i, dtype=np.int32) for i, w in enumerate(pool)]
            seen += len(pool)
            rows += sum(w.kept for w in pool)
            special += sum(sum(w.special) for w in pool)
    if rows == 0:
        raise InputError("The text holds no tokens: give text with words in it.")
    for s, path in folders.items():
        np.save(path / SEQUENCE, np.concatenate(sequence))
        counts = {"tokens": rows, "asked": tokens, "d": now[s].shape[-1], "sequences": seen}
        manifest = {**about, "site": s, **counts, "special_tokens_left_out": special,
                    "shards": writers[s].close()}  # fmt: skip
        (path / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    return json.loads((next(iter(folders.values())) / MANIFEST).read_text())


def _pools(found: Iterable[Window], size: int) -> Iterator[list[Window]]:
    found = iter(found)
    while pool := list(islice(found, size)):
        yield pool


def _by_length(pool: list[Window], batch: int) -> Iterator[list[int]]:
    """Batches of places in the pool, windows of similar length together, longest first."""
    order = sorted(range(len(pool)), key=lambda i: -len(pool[i].ids))
    for start in range(0, len(order), batch):
        yield order[start : start + batch]
