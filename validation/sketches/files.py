"""Many files into one sketch file, resumably."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from neglog.priors.errors import InputError
from neglog.sae.progress import progress_bar
from neglog.validation.sketches.batches import shards
from neglog.validation.sketches.building import push, sketch
from neglog.validation.sketches.merging import merged
from neglog.validation.sketches.sketch import Sketch
from neglog.validation.sketches.storage import load_with_notes, require_writable, save

KEEP_EVERY = 60.0  # seconds between states kept of a long run


def sketch_files(
    codes: tuple[str, ...], out: str, sae: str | None, resume: bool, progress: bool
) -> dict[str, Any]:
    """Sketch files one after another into ``out``; the ``neglog.sketch/1`` summary of the result.

    Every minute what is done so far is kept beside ``out`` under the ending .partial.safetensors,
    with the names of the files in it; ``resume`` goes on from there.

    Raises InputError as ``sketch`` does, before any work where ``out`` cannot be written, and where
    what was kept is of other files.
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
    stack = [] if found is None else [found]
    with progress_bar("sketch", len(files), progress) as advance:
        advance(len(done), "")
        for path in files[len(done) :]:
            part = sketch(path, model=model)
            if stack and part.features != stack[0].features:
                raise InputError(
                    f"{path} has {part.features} features where those before have "
                    f"{stack[0].features}."
                )
            push(stack, part)
            done.append(path)
            advance(1, path)
            if time.monotonic() - saved > KEEP_EVERY:
                stack = [merged(stack)]
                save(stack[0], partial, {"files": done})
                saved = time.monotonic()
    found = merged(stack)
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
