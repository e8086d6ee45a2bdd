"""A harvest in progress on disk: the shards it has, and how it is continued or finished.

While a harvest to `out` lasts, it lives in the hidden sibling `.out.harvesting`:

* `settings.json`: what decides the rows, so that nobody continues with something else;
* `result`: the shards so far, each whole, in a folder for each site if there are several;
* `done-00000.json`, …: written after the shard of all sites; knows a hash of the token ids.

At the end sequence index and manifest are added, and `result` is renamed to `out`.
"""

import hashlib
import json
import os
import shutil
from array import array
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.priors.errors import InputError
from neglog.sae.files import claimed, refuse_existing, refusing, whole_file
from neglog.sae.resume import check_same
from neglog.sae.shards import MANIFEST, SEQUENCE, shard_name, write_shard
from neglog.sae.stored import open_array
from neglog.sae.windows import Window

#: Sequences whose numbers are written together.
_TOGETHER = 1 << 16


class Contents:
    """What the shards of a harvest hold, in bounded memory: four bytes a sequence."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.lengths = array("i")
        self.special = 0

    def add(self, part: Sequence[Window]) -> None:
        """Count the windows of the next shard."""
        self.rows.append(sum(window.kept for window in part))
        self.lengths.extend(window.kept for window in part)
        self.special += sum(sum(window.special) for window in part)


class Unfinished:
    """The hidden folder of a harvest that is to become `out`."""

    def __init__(self, out: str | Path, sites: Sequence[str], single: bool, dtype: str) -> None:
        self.out = Path(out).resolve()
        self.dtype = dtype
        self.folder = self.out.parent / f".{self.out.name}.harvesting"
        self.result = self.folder / "result"
        self.sites = {site: self.result if single else self.result / site for site in sites}

    def claim(self, resume: bool) -> AbstractContextManager[None]:
        """Hold the folder for one harvest; if it is interrupted, whole shards stay.

        Raises InputError as `claimed` does.
        """
        return claimed(self.out, self.folder, resume, self.begun)

    def begun(self) -> bool:
        """Whether any shard is done."""
        return any(self.folder.glob("done-*.json"))

    def begin(self, settings: dict[str, Any]) -> None:
        """Make the folders, or see that those there are belong to a harvest with these settings.

        Raises InputError naming the setting that differs, or if they are damaged.
        """
        noted = self.folder / "settings.json"
        if self.begun():
            check_same(settings, self._read(noted))
        with self._writing():
            noted.write_text(json.dumps(settings))
            for folder in self.sites.values():
                folder.mkdir(parents=True, exist_ok=True)

    def has(self, number: int, part: Sequence[Window]) -> bool:
        """Whether the shard of these windows is done.

        Raises InputError if it is done with other token ids, or its note is damaged.
        """
        done = self._done(number)
        if not done.exists():
            return False
        if self._read(done) != digest(part):
            raise InputError(
                f"The text changed since the harvest in {self.folder} was interrupted (shard "
                f"{number}): resume with the same text, or remove that folder."
            )
        return True

    def keep(
        self, number: int, part: Sequence[Window], rows: dict[str, NDArray[np.float32]]
    ) -> None:
        """Write the rows of a shard at every site; then it is done."""
        with self._writing():
            for site, folder in self.sites.items():
                write_shard(folder / shard_name(number, self.dtype), rows[site], self.dtype)
            with whole_file(self._done(number)) as partial:
                partial.write_text(json.dumps(digest(part)))

    def manifests(self, contents: Contents, about: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What is to be told of each site when all shards are done."""
        names = [shard_name(i, self.dtype) for i in range(len(contents.rows))]
        shared = {
            "tokens": sum(contents.rows),
            "sequences": len(contents.lengths),
            "special_tokens_left_out": contents.special,
            "shards": [
                {"file": name, "rows": rows}
                for name, rows in zip(names, contents.rows, strict=True)
            ],
        }
        return {
            site: {**about, "site": site, "d": open_array(folder / names[0])[0].shape[1], **shared}
            for site, folder in self.sites.items()
        }

    def finish(self, contents: Contents, manifests: dict[str, dict[str, Any]]) -> None:
        """Add sequence index and manifests, and give the result its name."""
        with self._writing():
            index = self.folder / SEQUENCE
            write_sequence(index, contents)
            for site, folder in self.sites.items():
                shutil.copyfile(index, folder / SEQUENCE)
                (folder / MANIFEST).write_text(json.dumps(manifests[site], indent=1) + "\n")
            refuse_existing(self.out)  # someone may have been quicker
            os.replace(self.result, self.out)
        for done in self.folder.glob("done-*.json"):
            done.unlink()

    def _read(self, path: Path) -> Any:
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError) as e:
            raise InputError(
                f"{path} is missing or damaged, so the harvest cannot be resumed: remove "
                f"{self.folder} and start again."
            ) from e

    def _done(self, number: int) -> Path:
        return self.folder / f"done-{number:05d}.json"

    def _writing(self) -> AbstractContextManager[None]:
        def then() -> str:
            return f"make room and {'continue with --resume' if self.begun() else 'start again'}"

        return refusing(f"Cannot write in {self.folder}", then)


def digest(part: Sequence[Window]) -> str:
    """A hash of the token ids of a shard, and of which are special and where windows end."""
    found = hashlib.sha256()
    for window in part:
        found.update(np.array([len(window.ids), *window.ids], dtype="<i8").tobytes())
        found.update(bytes(window.special))
    return found.hexdigest()


def write_sequence(path: Path, contents: Contents) -> None:
    """Write the number of the sequence that each row came from, int32 [rows], to a .npy file."""
    lengths = np.frombuffer(contents.lengths, dtype=np.int32)
    with path.open("wb") as f:
        head = {"descr": "<i4", "fortran_order": False, "shape": (int(lengths.sum()),)}
        np.lib.format.write_array_header_1_0(f, head)
        for start in range(0, len(lengths), _TOGETHER):
            some = lengths[start : start + _TOGETHER]
            numbers = np.arange(start, start + len(some), dtype="<i4")
            f.write(np.repeat(numbers, some).tobytes())
