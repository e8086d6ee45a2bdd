"""Several processes that share every batch train as one process does."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from neglog.cli import cli
from neglog.priors.errors import InputError
from neglog.sae.processes import SOLO, processes
from neglog.sae.run import train

PORT = 29_000 + os.getpid() % 2000


def _together(words: list[str], count: int = 2) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={count}",
                f"--master-port={PORT}", "-m", "neglog"]  # fmt: skip
    return subprocess.run(
        [*launcher, *words],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def _compare(tmp_path, planted, kinds) -> None:
    np.save(tmp_path / "x.npy", planted(1500).double().numpy())
    for number, kind in enumerate(kinds):
        sizes = ["--width", "64", "--steps", "45", "--batch", "128", "--dtype", "float64",
                 "--dead-after", "600"]  # fmt: skip
        words = ["train", str(tmp_path / "x.npy"), *sizes, *kind, "--json", "--out"]
        one, two = tmp_path / f"one-{number}", tmp_path / f"two-{number}"
        alone = CliRunner().invoke(cli, [*words, str(one)])
        assert alone.exit_code == 0, alone.stderr
        done = _together([*words, str(two)])
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout.count('"schema"') == 1  # one document, from one process
        expected, found = (load_file(p / "sae.safetensors") for p in (one, two))
        for name in expected:
            torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-8)


@pytest.mark.slow
def test_two_processes_train_as_one_does(tmp_path, planted) -> None:
    steered = ["--penalty", "log(1+abs(a))", "--target-l0", "4", "--auxk", "4"]
    _compare(tmp_path, planted, [[*steered, "--resample-every", "20"]])


@pytest.mark.slow
def test_two_processes_train_every_model_as_one_does(tmp_path, planted) -> None:
    kinds = [
        ["--activation", "topk", "--k", "4"],
        ["--activation", "batchtopk", "--k", "4"],
        ["--activation", "jumprelu", "--target-l0", "4"],
        ["--activation", "prox", "--penalty", "log(1+abs(a))", "--target-l0", "4"],
        ["--penalty", "log(1+sum(abs(a)))", "--lam", "2"],
        ["--penalty", "log(1+abs(a))", "--learn", "scale", "--target-l0", "4"],
    ]
    _compare(tmp_path, planted, kinds)


@pytest.mark.slow
def test_two_processes_harvest_the_same_files_as_one(tmp_path, bert, text) -> None:
    asked = ["harvest", "--model", str(bert), "--layer", "1", "--text", str(text), "--site",
             "residual", "--site", "mlp-out", "--tokens", "110", "--seq-len", "10",
             "--rows-per-shard", "16", "--json", "--out"]  # fmt: skip
    one, two = tmp_path / "one", tmp_path / "two"
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    alone = subprocess.run([sys.executable, "-m", "neglog", *asked, str(one)], check=True,
                           capture_output=True, text=True, env=env)  # fmt: skip
    done = _together([*asked, str(two)])
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == alone.stdout  # one document, from one process
    files = [{str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
             for out in (one, two)]  # fmt: skip
    assert files[0] == files[1]
    assert len(files[0]) == 2 * (7 + 2)
    assert {p.name for p in tmp_path.iterdir()} == {"text", "one", "two"}
    refused = _together([*asked, str(two)])
    assert refused.returncode != 0
    assert "already holds something" in refused.stderr


def test_alone_every_reduction_is_the_identity(monkeypatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone, x = processes(), torch.arange(3.0)
    assert alone is SOLO
    assert torch.equal(alone.sum_(x.clone()), x)
    assert torch.equal(alone.gather(x), x)
    assert alone.agree(2.5) == 2.5


def test_a_batch_that_cannot_be_shared_is_refused(planted) -> None:
    from neglog.sae.processes import Processes
    from neglog.sae.run import prepare
    from neglog.sae.settings import Settings

    three = Processes()
    three.count = 3
    with pytest.raises(InputError, match="cannot be shared by 3"):
        prepare(Settings(64, "abs(a)", strength=1.0, batch=128), planted(), None, three)
    train(planted(), 64, "abs(a)", strength=1.0, batch=128, steps=1, progress=False)
