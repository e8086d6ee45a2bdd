"""Folders and files that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neglog.priors.errors import InputError

try:
    import fcntl
except ModuleNotFoundError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]


def refuse_existing(out: Path) -> None:
    """Raise InputError unless `out` is free: absent, or an empty folder."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists() or out.is_symlink():
        raise InputError(f"{out} already holds something: choose another --out or remove it first.")


@contextmanager
def new_folder(out: str | Path) -> Iterator[Path]:
    """A temporary sibling of `out` to write in, renamed to `out` when the block ends well.

    On any exception, Ctrl-C included, the sibling is removed and `out` is left as it was.

    Raises InputError if `out` already holds something or cannot be made.
    """
    target = Path(out).resolve()
    refuse_existing(target)
    partial = target.parent / f".{target.name}.{os.getpid()}.partial"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
    except OSError as e:
        raise InputError(f"Cannot write in {target.parent}: {e.strerror}.") from e
    try:
        yield partial
        refuse_existing(target)  # someone may have been quicker
        os.replace(partial, target)
    finally:
        # After the rename there is nothing here to remove.
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def locked(path: Path, otherwise: str) -> Iterator[None]:
    """Hold the lock file `path`; the system lets go of it if the process dies, however it dies.

    Raises InputError, saying `otherwise`, if another process holds it.
    """
    with path.open("w") as f:
        if fcntl is not None:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise InputError(otherwise) from e
        yield
