"""Run a model over text and keep the activations of one layer."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from neglog.priors.errors import InputError
from neglog.sae.hub import fingerprint, load_model, model_folder
from neglog.sae.processes import Processes, processes
from neglog.sae.progress import progress_bar
from neglog.sae.reader import Reader
from neglog.sae.shards import STORED, by_shard, usual_rows
from neglog.sae.sites import SITES, cut_after
from neglog.sae.text import HashedText, text_pieces
from neglog.sae.unfinished import Contents, Unfinished
from neglog.sae.windows import Window, limited, windows


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
    rows_per_shard: int | None = None,
    device: str = "cpu",
    progress: bool = True,
    resume: bool = False,
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

    A shard holds whole sequences, `rows_per_shard` rows at most (None: an eighth of the tokens,
    8,192 to 100,000). It is the unit of work: under `torchrun` each process computes every n-th
    one, with the same result as one process, and an interrupted harvest is continued with
    `resume` after its last whole shards. Processes on several machines need one file system.
    Memory: one
    shard a process, and four bytes a sequence.

    Raises InputError for a missing model, layer, site or text, text without tokens, an `out`
    that holds something, a full disk, or, with `resume`, other settings, weights or text.
    """
    sites = [site] if isinstance(site, str) else list(site)
    _check(sites, tokens, batch, seq_len, dtype, rows_per_shard)
    group = processes()
    source = model_folder(model)
    hashed = HashedText(text_pieces(text))
    place = Unfinished(out, sites, isinstance(site, str), dtype)
    with place.claim(resume) if group.first else nullcontext():
        net, tokenizer = load_model(source)
        block = cut_after(net.to(device), layer)
        reader = Reader(net, block, tokenizer.pad_token_id or 0, sites)
        length = min(seq_len, getattr(net.config, "max_position_embeddings", None) or seq_len)
        about = {
            "schema": "neglog.harvest/1",
            "model": str(model),
            "model_sha256": fingerprint(source),
            "layer": layer,
            "dtype": dtype,
            "seq_len": length,
            "text": "python" if text is None else [str(path) for path in text],
        }
        rows = rows_per_shard or usual_rows(tokens)
        if group.first:
            decisive = {"site": site, "tokens": tokens, "batch": batch, "rows_per_shard": rows}
            place.begin({**about, **decisive})
        group.wait()
        found = limited(windows(hashed, tokenizer, length), tokens)
        parts = by_shard(found, rows)
        contents = _share(parts, reader, place, group, batch, tokens, progress)
        group.wait()  # all shards are there
        about |= {"asked": tokens, "text_sha256": hashed.hexdigest()}
        told = place.manifests(contents, about)
        group.wait()
        if group.first:
            place.finish(contents, told)
        group.wait()
    return told[sites[0]]


def _share(
    parts: Iterable[list[Window]],
    reader: Reader,
    place: Unfinished,
    group: Processes,
    batch: int,
    tokens: int | None,
    progress: bool,
) -> Contents:
    """Compute and keep this process's shards; every process passes over the text of all."""
    contents = Contents()
    with progress_bar("harvest", tokens, progress and group.first) as advance:
        for number, part in enumerate(parts):
            contents.add(part)
            if number % group.count != group.rank or place.has(number, part):
                advance(contents.rows[-1], "")
            else:
                place.keep(number, part, reader.read(part, batch, advance))
    if not contents.rows:
        raise InputError("The text holds no tokens: give text with words in it.")
    return contents


def _check(
    sites: list[str],
    tokens: int | None,
    batch: int,
    seq_len: int,
    dtype: str,
    rows_per_shard: int | None,
) -> None:
    for s in sites:
        if s not in SITES:
            raise InputError(f"There is no site {s!r}: choose one of {', '.join(SITES)}.")
    if not sites or len(set(sites)) < len(sites):
        raise InputError("Name at least one site, and each only once.")
    if dtype not in STORED:
        raise InputError(f"Activations are stored as float32, float16 or bfloat16, not {dtype}.")
    for name, value in (("tokens", tokens), ("batch", batch), ("rows_per_shard", rows_per_shard)):
        if value is not None and value < 1:
            raise InputError(f"{name} must be at least 1, not {value}.")
    if seq_len < 4:
        raise InputError(f"seq_len must be at least 4, not {seq_len}.")
