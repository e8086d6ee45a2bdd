"""A sketch as a safetensors file with a version."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from neglog.priors.errors import InputError
from neglog.validation.sketches.bins import BINS
from neglog.validation.sketches.sketch import Sketch
from neglog.validation.tensorfile import metadata, read_safetensors

SCHEMA = "neglog.sketch/1"
INTEGERS = ("counts", "offsets", "indptr")


def is_sketch(path: Path) -> bool:
    """Whether a safetensors file says that it holds a sketch, of whatever version."""
    return path.suffix == ".safetensors" and metadata(path).get("schema", "").startswith(
        "neglog.sketch/"
    )


def save(sketch: Sketch, path: Path, notes: dict[str, object] | None = None) -> None:
    """Write a file that appears whole or not at all; ``notes`` travel in its metadata."""
    from safetensors.numpy import save_file

    require_writable(path)
    about = {"schema": SCHEMA, "tokens": str(sketch.tokens), "notes": json.dumps(notes or {})}
    tensors = {k: np.ascontiguousarray(_small(k, v)) for k, v in sketch.arrays().items()}
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        save_file(tensors, partial, metadata=about)
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Raise InputError, before any work, where a sketch cannot be written at the path."""
    if path.suffix != ".safetensors":
        raise InputError(f"a sketch is written as .safetensors, and {path.name} is not.")
    if not path.resolve().parent.is_dir():
        raise InputError(f"there is no folder {path.resolve().parent} to write the sketch in.")


def _small(name: str, array: np.ndarray) -> np.ndarray:
    """Integers in 4 bytes where they fit."""
    if name in INTEGERS and (not array.size or array.max() < 2**31):
        return array.astype(np.int32)
    return array


def load(path: Path) -> Sketch:
    """Read a sketch; InputError if it is damaged, none, or of another version."""
    return load_with_notes(path)[0]


def load_with_notes(path: Path) -> tuple[Sketch, dict[str, object]]:
    """A sketch and the notes saved beside it."""
    if not path.is_file():
        raise InputError(f"there is no sketch at {path}.")
    about = metadata(path)
    schema = about.get("schema", "")
    if not schema.startswith("neglog.sketch/"):
        raise InputError(f"{path} is no sketch: make one with neglog sketch CODES --out FILE.")
    if schema != SCHEMA:
        raise InputError(
            f"{path} is {schema} and this neglog reads {SCHEMA}: use the version that wrote it, "
            "or sketch the codes again."
        )
    tensors = read_safetensors(path)
    names = {"indptr", "bins", "counts", "offsets", "square", "log", "log_square", "low", "top",
             "used", "grid"}  # fmt: skip
    if tensors.keys() != names or not about.get("tokens", "").isdecimal():
        raise InputError(f"{path} is damaged: a sketch's tensors are {', '.join(sorted(names))}.")
    wide: dict[str, Any] = {
        k: v.astype(np.int64) if k in INTEGERS else v for k, v in tensors.items()
    }
    sketch = Sketch(tokens=int(about["tokens"]), **wide)
    _require_sound(sketch, path)
    return sketch, json.loads(about.get("notes", "{}"))


def _require_sound(sketch: Sketch, path: Path) -> None:
    """Raise InputError unless the arrays can come from codes."""
    m, entries = len(sketch.indptr) - 1, len(sketch.bins)
    shapes = [len(getattr(sketch, n)) == m for n in ("square", "log", "log_square", "low", "top")]
    sound = (
        m >= 1
        and all(shapes)
        and len(sketch.used) == len(sketch.grid) == m
        and len(sketch.counts) == len(sketch.offsets) == entries
        and sketch.indptr[0] == 0
        and sketch.indptr[-1] == entries
        and (np.diff(sketch.indptr) >= 0).all()
        and (sketch.bins < BINS).all()
        and (sketch.counts >= 1).all()
        and (sketch.offsets >= 0).all()
    )
    if sound and entries > 1:
        inside = np.ones(entries, dtype=bool)
        inside[sketch.indptr[:-1][np.diff(sketch.indptr) > 0]] = False
        sound = bool((np.diff(sketch.bins.astype(np.int64))[inside[1:]] > 0).all())
    if not sound or (sketch.nonzero > sketch.tokens).any():
        raise InputError(f"{path} is damaged: its histogram is not one of {sketch.tokens} tokens.")
