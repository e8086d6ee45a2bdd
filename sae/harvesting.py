"""Run a model over text and keep the activations of one layer."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
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
from neglog.sae.text import HashedText, builtin_documents, pieces, read_documents
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

    `out` gets `shard-*.npy` (rows × d, `dtype` float32 or float16) or `.safetensors` (bfloat16),
    `sequence.npy` (int32 for each row: tokens of one sequence are dependent) and `harvest.json`,
    which is also returned.
    With a list of sites each gets a folder of its name within `out`, rows aligned: the input and
    the target of a transcoder. `out` appears whole or not at all.

    Raises InputError for a missing model, layer, site or text, text without tokens, or an `out`
    that holds something.
    """
    sites = [site] if isinstance(site, str) else list(site)
    _check(sites, tokens, batch, seq_len, dtype, rows_per_shard)
    source = model_folder(model)
    documents = HashedText(builtin_documents() if text is None else read_documents(text))
    with new_folder(out) as folder:
        net, tokenizer = load_model(source)
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
        }
        found = limited(windows(pieces(documents), tokenizer, length), tokens)
        folders = {s: folder if isinstance(site, str) else folder / s for s in sites}
        for path in folders.values():
            path.mkdir(exist_ok=True)
        run = _Run(net, block, tokenizer.pad_token_id or 0, folders, rows_per_shard, dtype)
        with progress_bar("harvest", tokens, progress) as advance:
            run.read(found, batch, advance)
        return run.finish({**about, "asked": tokens, "text_sha256": documents.hexdigest()})


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
    if dtype not in ("float32", "float16", "bfloat16"):
        raise InputError(f"Activations are stored as float32, float16 or bfloat16, not {dtype}.")
    for name, value in (("tokens", tokens), ("batch", batch), ("rows_per_shard", rows_per_shard)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, not {value}.")
    if seq_len < 4:
        raise InputError(f"seq_len must be at least 4, not {seq_len}.")


class _Run:
    """A model, the sites it is read at and the shards that grow."""

    def __init__(
        self,
        net: nn.Module,
        block: nn.Module,
        pad: int,
        folders: dict[str, Path],
        rows_per_shard: int,
        dtype: str,
    ) -> None:
        self.net, self.pad, self.folders = net, pad, folders
        self.writers = {s: ShardWriter(path, rows_per_shard, dtype) for s, path in folders.items()}
        self.sequence: list[NDArray[Any]] = []
        self.special = self.seen = 0
        self._now: dict[str, Tensor] = {}
        for s in folders:
            tap(block, s, partial(self._now.__setitem__, s))

    @torch.no_grad()
    def read(
        self, found: Iterable[Window], batch: int, advance: Callable[[int, str], None]
    ) -> None:
        """Run the model over the windows and write their rows in the order of the text."""
        device = device_of(self.net)
        found = iter(found)
        while pool := list(islice(found, batch * _POOL)):
            rows = {s: [np.empty(0)] * len(pool) for s in self.folders}
            for places in _by_length(pool, batch):
                ids, attention, kept = padded([pool[i] for i in places], self.pad)
                self.net(input_ids=ids.to(device), attention_mask=attention.to(device))
                for s, value in self._now.items():
                    for row, i in enumerate(places):
                        rows[s][i] = value[row][kept[row]].float().cpu().numpy()
                advance(int(kept.sum()), "")
            for s, parts in rows.items():
                self.writers[s].add(np.concatenate(parts))
            for window in pool:
                self.sequence.append(np.full(window.kept, self.seen, dtype=np.int32))
                self.special += sum(window.special)
                self.seen += 1

    def finish(self, about: dict[str, Any]) -> dict[str, Any]:
        """Write what is left and a manifest for each site; returns that of the first."""
        if not self.sequence:
            raise InputError("The text holds no tokens: give text with words in it.")
        sequence = np.concatenate(self.sequence)
        manifests = []
        for s, folder in self.folders.items():
            np.save(folder / SEQUENCE, sequence)
            manifest = {
                **about,
                "site": s,
                "tokens": len(sequence),
                "d": self._now[s].shape[-1],
                "sequences": self.seen,
                "special_tokens_left_out": self.special,
                "shards": self.writers[s].close(),
            }
            (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
            manifests.append(manifest)
        return manifests[0]


def _by_length(pool: list[Window], batch: int) -> Iterator[list[int]]:
    """Batches of places in the pool, windows of similar length together, longest first."""
    order = sorted(range(len(pool)), key=lambda i: -len(pool[i].ids))
    for start in range(0, len(order), batch):
        yield order[start : start + batch]
