"""What ``neglog fit`` and ``neglog sketch`` do between reading their options and printing."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.sae.progress import progress_bar
from neglog.validation.fitting import fit
from neglog.validation.judging.calibration import goodness
from neglog.validation.judging.figures import fit_figure
from neglog.validation.judging.holding_out import held_out
from neglog.validation.judging.thresholds import tail as tail_table
from neglog.validation.results import to_json, with_goodness, with_rows
from neglog.validation.sketches.batches import shards
from neglog.validation.sketches.building import read_source, sketch
from neglog.validation.sketches.sketch import Sketch
from neglog.validation.sketches.storage import load_with_notes, require_writable, save

KEEP_EVERY = 60.0  # seconds between states kept of a long run
TAIL = ("share", "threshold", "exceedances", "xi", "low", "high", "tail", "hill")
HELD_OUT = ("family", "scored", "score", "se", "behind", "behind_se", "best")


def fit_document(
    codes: str,
    families: list[str] | None,
    min_nonzero: int,
    *,
    weights: str | None,
    offset: str | None,
    truncation: str | None,
    intervals: float | None,
    gof: str | None,
    replicates: int,
    tail: bool,
    folds: int | None,
    sequence: str | None,
    seed: int,
    figure: str | None,
    csv: str | None,
    progress: bool,
) -> dict[str, Any]:
    """The ``neglog.fit/1`` document with everything that was asked for."""
    if gof is not None and (weights or offset or truncation):
        raise InputError("--gof tests whole slabs: leave out --weights, --offset, --truncation.")
    if sequence is not None and folds is None and gof is None:
        raise InputError("--sequence is for --gof and --folds: give one of them.")
    for path in filter(None, (figure, csv)):
        if not Path(path).resolve().parent.is_dir():
            raise InputError(f"there is no folder to write {path} in.")
    source = read_source(codes)
    table = fit(
        source, families, min_nonzero, weights=array(weights), offset=number_or_array(offset),
        truncation=number_or_array(truncation), intervals=intervals,
    )  # fmt: skip
    document = to_json(table)
    if gof is not None:
        tested = goodness(
            source, families, best_only=True, statistic=gof, replicates=replicates,
            min_nonzero=min_nonzero, seed=seed, progress=progress, sequence=array(sequence),
        )  # fmt: skip
        document = with_goodness(document, tested)
    if tail:
        document = with_rows(document, tail_table(source), "tail", TAIL)
    if folds is not None:
        scored = held_out(source, families, folds=folds, sequence=array(sequence),
                          min_nonzero=min_nonzero, seed=seed)  # fmt: skip
        document = with_rows(document, scored, "held_out", HELD_OUT)
    if figure is not None:
        fit_figure(source, figure, **({"families": families} if families else {}))  # type: ignore[arg-type]
    if csv is not None:
        table.to_csv(csv, index=False)
    return document


Table = tuple[tuple[str, ...], Sequence[tuple[str, ...]]]


def fit_rows(document: dict[str, Any]) -> list[Table]:
    """What a terminal shows of a document: heads and rows of small tables."""
    won = [(name, str(count)) for name, count in document["counts"].items()]
    tables: list[Table] = [(("family", "best by AIC"), won)]
    kept: dict[str, list[float]] = {}
    for feature in document["features"]:
        for name, entry in feature["families"].items():
            p = entry.get("goodness", {}).get("p")
            if p is not None:
                kept.setdefault(name, []).append(p)
    if kept:
        rows = [(name, str(len(p)), f"{np.mean(np.array(p) <= 0.05):.0%}")
                for name, p in sorted(kept.items(), key=lambda item: -len(item[1]))]  # fmt: skip
        tables.append((("family", "tested", "rejected at 5%"), rows))
    if any("tail" in feature for feature in document["features"]):
        words: dict[tuple[float, str], int] = {}
        for feature in document["features"]:
            for row in feature["tail"]:
                if row["tail"] is not None:
                    key = (row["share"], row["tail"])
                    words[key] = words.get(key, 0) + 1
        rows = [(f"{share:g}", word, str(count)) for (share, word), count in
                sorted(words.items(), key=lambda item: (-item[0][0], item[0][1]))]  # fmt: skip
        tables.append((("share above threshold", "tail", "features"), rows))
    if any("held_out" in feature for feature in document["features"]):
        best = [row["family"] for f in document["features"] for row in f["held_out"] if row["best"]]
        tally = sorted({name: best.count(name) for name in best}.items(), key=lambda i: -i[1])
        tables.append((("family", "best held out"), [(n, str(c)) for n, c in tally]))
    return tables


def sketch_files(
    codes: tuple[str, ...], out: str, sae: str | None, resume: bool, progress: bool
) -> dict[str, Any]:
    """Sketch files one after another into ``out``; the ``neglog.sketch/1`` summary of the result.

    Every minute, and where it is interrupted, what is done so far is kept beside ``out`` under the
    ending .partial.safetensors, with the names of the files in it; ``resume`` goes on from there.
    """
    target = Path(out)
    partial = target.with_name(f"{target.stem}.partial.safetensors")
    files = [str(path) for name in codes for path in _files(Path(name), sae is not None)]
    found, done = _kept(partial, files, resume)
    require_writable(target)
    model = None
    if sae is not None:
        from neglog.sae import load as load_sae

        model = load_sae(sae)
    saved = time.monotonic()
    with progress_bar("sketch", len(files), progress) as advance:
        advance(len(done), "")
        for path in files[len(done) :]:
            part = sketch(path, model=model)
            if found is not None and part.features != found.features:
                raise InputError(
                    f"{path} has {part.features} features where those before have {found.features}."
                )
            found = part if found is None else found.merge(part)
            done.append(path)
            advance(1, path)
            if time.monotonic() - saved > KEEP_EVERY:
                save(found, partial, {"files": done})
                saved = time.monotonic()
    assert found is not None
    save(found, target, {"files": files})
    partial.unlink(missing_ok=True)
    return {
        "schema": "neglog.sketch/1",
        "out": out,
        "files": len(files),
        "tokens": found.tokens,
        "features": found.features,
        "nonzero": int(found.nonzero.sum()),
        "never_active": int((found.nonzero == 0).sum()),
        "bins_per_feature": float(np.diff(found.indptr).mean()),
        "bytes": found.nbytes,
        "mantissa_bits": int(found.mantissa.max(initial=0)),
    }


def _files(path: Path, activations: bool) -> list[Path]:
    """The files of a folder of codes; a folder of activations stays whole."""
    if not path.exists():
        raise InputError(f"there are no codes at {path}.")
    return [path] if activations or not path.is_dir() else shards(path)


def _kept(partial: Path, files: list[str], resume: bool) -> tuple[Sketch | None, list[str]]:
    """The sketch of a run that stopped and the files in it."""
    if not resume or not partial.exists():
        return None, []
    found, notes = load_with_notes(partial)
    done = notes.get("files")
    if not isinstance(done, list) or done != files[: len(done)]:
        raise InputError(f"{partial} is of a run over other files: remove it to begin again.")
    return found, done


def array(path: str | None) -> NDArray[Any] | None:
    """The array of a .npy file; InputError if it cannot be read."""
    if path is None:
        return None
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a .npy file: {error}.") from error


def number_or_array(text: str | None) -> float | str | NDArray[Any] | None:
    """A number, the array of a .npy file, or the word "minimum"."""
    if text is None or text == "minimum":
        return text
    if text.endswith(".npy"):
        return array(text)
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is no number, .npy file or the word minimum.") from None
