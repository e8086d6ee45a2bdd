"""Many trainings at once: one process a core, one thread each.

Small sparse steps gain little from threads and lose much when cores are shared, so trainings run
side by side through the command line, each with one thread; a study can then be repeated by hand
from the commands in its results. A finished SAE is a folder that exists, so a study that was
interrupted trains only what is missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neglog.priors.errors import InputError
from neglog.sae.progress import progress_bar


@dataclass(frozen=True)
class Job:
    """One training: which penalty (None: TopK), at which L0, from which seed."""

    name: str
    penalty: str | None
    l0: int
    seed: int

    def folder(self, root: Path) -> Path:
        """Where its SAE is written."""
        return root / "saes" / f"{self.name}-L0-{self.l0}-seed-{self.seed}"

    def words(self, root: Path, data: Path, width: int, steps: int, batch: int) -> list[str]:
        """The command that trains it."""
        kind = (
            ["--activation", "topk", "--k", str(self.l0)]
            if self.penalty is None
            else ["--penalty", self.penalty, "--target-l0", str(self.l0)]
        )
        sizes = ["--width", str(width), "--steps", str(steps), "--batch", str(batch)]
        return ["train", str(data), *sizes, *kind, "--seed", str(self.seed), "--json", "--out",
                str(self.folder(root))]  # fmt: skip


@dataclass(frozen=True)
class Trained:
    """A finished job and its last metrics."""

    job: Job
    metrics: dict[str, Any]
    command: str


def train_all(
    jobs: Sequence[Job],
    root: Path,
    data: Path,
    width: int,
    steps: int,
    batch: int,
    progress: bool,
) -> list[Trained]:
    """Train every job that has no SAE yet, as many at once as there are cores.

    Raises:
        InputError: the activations cannot be trained on; the training's own message is quoted.
        RuntimeError: a training failed for another reason.
    """
    waiting = [job for job in jobs if not job.folder(root).exists()]
    running: dict[subprocess.Popen[str], Job] = {}
    slots = max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    (root / "saes").mkdir(exist_ok=True)
    try:
        with progress_bar("train SAEs", len(jobs), progress) as advance:
            advance(len(jobs) - len(waiting), "")
            while waiting or running:
                while waiting and len(running) < slots:
                    job = waiting.pop(0)
                    running[_start(job.words(root, data, width, steps, batch))] = job
                process = _first_done(running)
                job = running.pop(process)
                _, errors = process.communicate()
                _check(job, process.returncode, errors)
                advance(1, f"{job.name} L0 {job.l0}")
    finally:
        for process in running:
            process.kill()
            process.wait()
    return [_read(job, root, data, width, steps, batch) for job in jobs]


def _check(job: Job, status: int, errors: str) -> None:
    if status == 0:
        return
    last = (errors.strip().splitlines() or ["no message"])[-1]
    what = f"training {job.name} at L0 {job.l0} failed: {last.removeprefix('neglog: ')}"
    raise InputError(what) if status == 2 else RuntimeError(f"{what}\n{errors}")


def _start(words: list[str]) -> subprocess.Popen[str]:
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "neglog", *words, "--resume"]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=one_thread
    )


def _first_done(running: dict[subprocess.Popen[str], Job]) -> subprocess.Popen[str]:
    while True:
        for process in running:
            try:
                process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
            return process


def _read(job: Job, root: Path, data: Path, width: int, steps: int, batch: int) -> Trained:
    lines = (job.folder(root) / "metrics.jsonl").read_text().splitlines()
    words = job.words(root, data, width, steps, batch)
    quoted = [f'"{w}"' if set(w) & set("()* |") else w for w in words]
    return Trained(job, json.loads(lines[-1]), " ".join(["neglog", *quoted]))
