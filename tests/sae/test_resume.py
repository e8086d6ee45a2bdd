"""A run killed at any moment continues as if nothing had happened, or says why it cannot."""

import json
import random
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from neglog.priors.errors import InputError
from neglog.sae import run
from neglog.sae.resume import Workplace

STEPS = {"steps": 40, "batch": 128, "eval_every": 10, "checkpoint_every": 7, "progress": False}


class Killed(BaseException):
    """Stands for the end of the process."""


def _kill_at(monkeypatch, step: int) -> None:
    real = run.Trainer.step

    def dies(self, *args):
        if self.step_number == step:
            raise Killed
        return real(self, *args)

    monkeypatch.setattr(run.Trainer, "step", dies)


def _same(one, other) -> None:
    found, expected = one.state_dict(), other.state_dict()
    assert found.keys() == expected.keys()
    for name in expected:
        assert torch.equal(found[name], expected[name]), name


@pytest.mark.parametrize(
    "kind",
    [
        {"penalty": "log(1+abs(a))", "target_l0": 4},
        {"penalty": "abs(a)", "lam": 1.0, "auxk": 4, "dead_after": 500, "resample_every": 6},
        {"penalty": "log(1+abs(a))", "learn": ("scale",), "target_l0": 4},
        {"activation": "jumprelu", "target_l0": 4, "dtype": "bfloat16"},
        {"activation": "prox", "penalty": "log(1+abs(a))", "target_l0": 4},
        {"activation": "batchtopk", "k": 4, "shuffle": "buffer"},
        {"activation": "topk", "k": 4, "shuffle": "none"},
    ],
    ids=lambda kind: " ".join(map(str, kind.values())),
)
def test_an_interrupted_run_ends_with_the_same_bits(tmp_path, planted, monkeypatch, kind) -> None:
    x = planted(1000)
    whole = run.train(x, 64, **kind, **STEPS, out=tmp_path / "whole")
    with monkeypatch.context() as patch:
        _kill_at(patch, random.Random(str(kind)).randrange(8, 39))
        with pytest.raises(Killed):
            run.train(x, 64, **kind, **STEPS, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    found = run.train(x, 64, **kind, **STEPS, out=tmp_path / "run", resume=True)
    _same(found, whole)
    one, other = (
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").open()]
        for name in ("run", "whole")
    )
    for line in one + other:
        del line["seconds"]
    assert one == other
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [
        "config.json", "metrics.jsonl", "sae.safetensors"]  # fmt: skip


@pytest.mark.slow
def test_a_killed_process_continues_with_the_same_bits(tmp_path, planted) -> None:
    np.save(tmp_path / "x.npy", planted(3000).numpy())
    words = [sys.executable, "-m", "neglog", "train", str(tmp_path / "x.npy"), "--width", "256",
             "--penalty", "log(1+abs(a))", "--target-l0", "4", "--steps", "300", "--batch", "256",
             "--checkpoint-every", "5"]  # fmt: skip
    subprocess.run([*words, "--out", tmp_path / "whole"], check=True, capture_output=True)
    place = Workplace(tmp_path / "run")
    for wait in (0.0, 0.5):
        process = subprocess.Popen(
            [*words, "--resume", "--out", tmp_path / "run"], stderr=subprocess.DEVNULL
        )
        before = place.checkpoint.stat().st_mtime_ns if place.checkpoint.exists() else 0
        while not place.checkpoint.exists() or place.checkpoint.stat().st_mtime_ns == before:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(wait * random.random())
        process.kill()  # SIGKILL
        process.wait()
        assert not (tmp_path / "run").exists()
    subprocess.run([*words, "--resume", "--out", tmp_path / "run"], check=True, capture_output=True)
    one, other = (load_file(tmp_path / n / "sae.safetensors") for n in ("run", "whole"))
    assert all(torch.equal(one[name], other[name]) for name in other)


@pytest.fixture
def interrupted(tmp_path, planted, monkeypatch):
    """A folder whose run was interrupted at step 30, and what it was started with."""
    np.save(tmp_path / "x.npy", planted(1000).numpy())
    words = {"data": tmp_path / "x.npy", "width": 64, "penalty": "abs(a)", "strength": 0.3, **STEPS}
    with monkeypatch.context() as patch:
        _kill_at(patch, 30)
        with pytest.raises(Killed):
            run.train(**words, out=tmp_path / "run")
    return Workplace(tmp_path / "run"), words


def test_an_interrupted_run_is_not_started_over_by_mistake(interrupted) -> None:
    place, words = interrupted
    with pytest.raises(InputError, match="--resume"):
        run.train(**words, out=place.out)
    assert place.checkpoint.exists()


@pytest.mark.parametrize("size", [0, 5, 1000, -1])
def test_a_truncated_checkpoint_is_refused(interrupted, size) -> None:
    place, words = interrupted
    place.checkpoint.write_bytes(place.checkpoint.read_bytes()[:size])
    with pytest.raises(InputError, match="is damaged"):
        run.train(**words, out=place.out, resume=True)
    assert not place.out.exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"penalty": "log(1+abs(a))"}, "penalty = abs"),
        ({"steps": 41}, "steps = 40, not 41"),
        ({"seed": 1}, "seed"),
        ({"strength": 0.4}, "strength = 0.3, not 0.4"),
        ({"width": 65}, "width = 64, not 65"),
    ],
)
def test_other_settings_are_refused(interrupted, change, says) -> None:
    place, words = interrupted
    with pytest.raises(InputError, match=says):
        run.train(**{**words, **change}, out=place.out, resume=True)
    assert place.checkpoint.exists()


def test_other_data_are_refused(interrupted) -> None:
    place, words = interrupted
    x = np.load(words["data"])
    x[500, 3] += 1e-3
    np.save(words["data"], x)
    with pytest.raises(InputError, match="data changed"):
        run.train(**words, out=place.out, resume=True)


def test_what_may_differ_may_differ(interrupted) -> None:
    place, words = interrupted
    run.train(**{**words, "eval_every": 3, "checkpoint_every": 100}, out=place.out, resume=True)
    assert place.out.exists()
    assert not place.folder.exists()


def test_resume_without_a_checkpoint_starts_at_the_beginning(tmp_path, planted) -> None:
    run.train(planted(500), 64, "abs(a)", strength=0.3, **STEPS, out=tmp_path / "a", resume=True)
    assert (tmp_path / "a" / "sae.safetensors").exists()


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from neglog.cli import cli
cli(sys.argv[2:])
"""


@pytest.mark.parametrize("limit", [2_000, pytest.param(80_000, marks=pytest.mark.slow)])
def test_a_disk_that_is_full_is_said_and_leaves_nothing(tmp_path, planted, limit) -> None:
    np.save(tmp_path / "x.npy", planted(500).numpy())
    words = ["train", str(tmp_path / "x.npy"), "--width", "256", "--penalty", "abs(a)",
             "--strength", ".3", "--steps", "20", "--batch", "64", "--checkpoint-every", "5",
             "--out", str(tmp_path / "run")]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(limit), *words], capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert "Cannot write" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.npy"]


def test_a_disk_that_fills_up_later_keeps_the_checkpoint_before(
    tmp_path, planted, monkeypatch
) -> None:
    from neglog.sae import resume

    x, calls = planted(500), []
    whole = run.train(x, 64, "abs(a)", strength=0.3, **STEPS)
    real = resume.save_file

    def full(tensors, path, metadata):
        calls.append(path)
        if len(calls) == 3:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        real(tensors, path, metadata)

    monkeypatch.setattr(resume, "save_file", full)
    with pytest.raises(InputError, match=r"No space left on device.*--resume"):
        run.train(x, 64, "abs(a)", strength=0.3, **STEPS, out=tmp_path / "run")
    place = Workplace(tmp_path / "run")
    assert sorted(p.name for p in place.folder.iterdir()) == [
        "checkpoint.safetensors", "lock", "metrics.jsonl"]  # fmt: skip
    found = run.train(x, 64, "abs(a)", strength=0.3, **STEPS, out=tmp_path / "run", resume=True)
    _same(found, whole)


def test_two_runs_to_one_folder_are_refused(tmp_path) -> None:
    place = Workplace(tmp_path / "run")
    with (
        place.claim(resume=False),
        pytest.raises(InputError, match="at work"),
        place.claim(resume=True),
    ):
        pass
