"""A run in progress on disk: its checkpoints, and how it is continued or finished.

While a run to `out` lasts, it lives in the hidden sibling `.out.training`:

* `checkpoint.safetensors`: all tensors of `Trainer.state`, and in the file's header the numbers, as
  JSON. It is written beside the old one and renamed over it, so at any moment there is one whole
  checkpoint or none.
* `metrics.jsonl`: the lines so far; the checkpoint knows how long it was.

At the end the result is written to a folder in there, and that is renamed to `out`.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import save_file
from torch import Tensor

from neglog.priors.errors import InputError
from neglog.sae.files import claimed, refuse_existing, refusing, whole_file

CHECKPOINT = "checkpoint.safetensors"
METRICS = "metrics.jsonl"
SCHEMA = "neglog.checkpoint/1"


class Workplace:
    """The hidden folder of a run that is to become `out`."""

    def __init__(self, out: str | Path) -> None:
        self.out = Path(out).resolve()
        self.folder = self.out.parent / f".{self.out.name}.training"
        self.checkpoint = self.folder / CHECKPOINT
        self.metrics = self.folder / METRICS

    def claim(self, resume: bool) -> contextlib.AbstractContextManager[None]:
        """Hold the folder for one run; if the run is interrupted, its last checkpoint stays.

        Raises InputError as `claimed` does.
        """
        return claimed(self.out, self.folder, resume, self.checkpoint.exists)

    def write(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Replace the checkpoint by a new one.

        Raises InputError if it cannot be written (a full disk, say); the old one is then intact.
        """
        length = self.metrics.stat().st_size if self.metrics.exists() else 0
        about = json.dumps({"schema": SCHEMA, "metrics_bytes": length, **numbers})
        kept = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
        with self.writing(CHECKPOINT), whole_file(self.checkpoint) as partial:
            save_file(kept, partial, metadata={"state": about})

    def read(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """(tensors, numbers) of the checkpoint, None if there is none; cuts the metrics to it.

        Raises InputError if it is damaged.
        """
        if not self.checkpoint.exists():
            return None
        try:
            with safetensors.safe_open(self.checkpoint, framework="pt") as f:
                numbers = json.loads((f.metadata() or {})["state"])
                tensors = {name: f.get_tensor(name) for name in f.keys()}  # noqa: SIM118
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as e:
            raise InputError(
                f"The checkpoint {self.checkpoint} is damaged and cannot be resumed ({e}): remove "
                f"{self.folder} and start again."
            ) from e
        if numbers.get("schema") != SCHEMA:
            raise InputError(f"{self.checkpoint} is not of the form {SCHEMA}.")
        return tensors, numbers

    def cut_metrics(self, length: int) -> None:
        """Drop the lines of metrics that came after the checkpoint."""
        if self.metrics.exists():
            os.truncate(self.metrics, length)

    def log(self, line: dict[str, Any]) -> None:
        """Append a line of metrics."""
        with self.writing(METRICS), self.metrics.open("a") as f:
            f.write(json.dumps(line) + "\n")

    @contextlib.contextmanager
    def result(self) -> Iterator[Path]:
        """A folder to write the result in; it becomes `out` when the block ends well."""
        result = self.folder / "result"
        shutil.rmtree(result, ignore_errors=True)
        with self.writing("result"):
            result.mkdir()
            yield result
            shutil.copyfile(self.metrics, result / METRICS)
            refuse_existing(self.out)  # someone may have been quicker
            os.replace(result, self.out)
        self.checkpoint.unlink(missing_ok=True)

    def writing(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Turn a failed write of a file or folder in here into InputError."""

        def then() -> str:
            if self.checkpoint.exists():
                return "the checkpoint before it is whole; make room and continue with --resume"
            return "make room and start again"

        return refusing(f"Cannot write {name} in {self.folder}", then)


def check_same(now: dict[str, Any], then: dict[str, Any]) -> None:
    """Raise InputError naming what differs between a run's settings now and at its checkpoint."""
    for name in sorted({*now, *then}):
        new, old = now.get(name), then.get(name)
        if json.dumps(new) == json.dumps(old):
            continue
        if name in ("data_digest", "target_digest"):
            what = name.removesuffix("_digest")
            raise InputError(
                f"The {what} changed since the run was interrupted: resume with the same rows, or "
                "start anew."
            )
        raise InputError(
            f"The interrupted run had {name} = {old}, not {new}: resume with the same settings, or "
            "start anew."
        )
