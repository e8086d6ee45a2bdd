"""Folders that appear whole or not at all, and the folder of a run that can be resumed."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import safetensors

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
def whole_file(path: Path) -> Iterator[Path]:
    """A hidden sibling of `path` to write, renamed over it when the block ends well, else removed.

    So `path` is at any moment whole, as it was, or absent.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        with partial.open("rb+") as f:
            os.fsync(f.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def refusing(failed: str, then: Callable[[], str]) -> Iterator[None]:
    """Turn a failed write (a full disk, say) into an InputError: what failed, why, what then."""
    try:
        yield
    except (OSError, safetensors.SafetensorError) as e:
        why = getattr(e, "strerror", None) or str(e)
        raise InputError(f"{failed} ({why}): {then()}.") from e


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


@contextmanager
def claimed(out: Path, folder: Path, resume: bool, begun: Callable[[], bool]) -> Iterator[None]:
    """Hold `folder`, in which a run prepares what is to become `out`.

    `begun` says whether the folder holds work worth keeping. If so when the block ends, however it
    ends, the folder stays and the run can be resumed; else nothing stays.

    Raises InputError if `out` holds something, another run is at work, the folder cannot be
    made, or an interrupted run waits there and is not to be resumed.
    """
    refuse_existing(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise InputError(f"Cannot write in {out.parent}: {e.strerror}.") from e
    with locked(folder / "lock", f"Another run to {out} is at work."):
        if begun() and not resume:
            raise InputError(
                f"An interrupted run to {out} waits in {folder}: continue it with "
                "--resume, or remove that folder."
            )
        try:
            yield
        finally:
            if not begun():
                shutil.rmtree(folder, ignore_errors=True)
