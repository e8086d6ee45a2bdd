"""A whole study on made activations, and the ways it refuses to start."""

import json
from pathlib import Path

import numpy as np
import pytest

from neglog.priors.errors import InputError
from neglog.validation import study
from neglog.validation.studies.jobs import Job
from neglog.validation.studies.settings import claim, settings_for


def test_sizes_follow_the_scale():
    full, small = settings_for(1.0, 0, 1, None), settings_for(0.05, 0, 1, None)
    assert full.tokens >= 60_000
    assert full.width >= 1_536
    assert len(full.targets) == 3
    assert small.width < full.width
    assert max(small.targets) < small.width


def test_unknown_name(tmp_path):
    with pytest.raises(InputError, match="unknown study"):
        study(tmp_path / "x", name="nothing")
    assert not (tmp_path / "x").exists()


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="already holds"):
        study(tmp_path)


def test_an_unfinished_study_is_continued_and_a_finished_one_refused(tmp_path):
    settings = settings_for(0.05, 0, 1, None)
    claim(tmp_path / "s", settings)
    claim(tmp_path / "s", settings)
    with pytest.raises(InputError):
        claim(tmp_path / "s", settings_for(0.06, 0, 1, None))
    (tmp_path / "s" / "results.json").write_text("{}")
    with pytest.raises(InputError):
        claim(tmp_path / "s", settings)


def test_the_command_of_a_job_is_the_one_that_runs():
    words = Job("L1", "abs(a)", 8, 3).words(Path("o"), Path("d"), 64, 10, 32)
    assert words[:2] == ["train", "d"]
    assert words[words.index("--penalty") + 1] == "abs(a)"
    assert words[words.index("--seed") + 1] == "3"
    assert "topk" in Job("TopK", None, 8, 3).words(Path("o"), Path("d"), 64, 10, 32)


@pytest.fixture(scope="module")
def activations(tmp_path_factory):
    """Sparse combinations of known directions, in sequences of eight tokens."""
    folder = tmp_path_factory.mktemp("acts")
    rng = np.random.default_rng(0)
    codes = rng.exponential(1, (4000, 96)) * (rng.random((4000, 96)) < 0.05)
    x = codes @ rng.standard_normal((96, 32)) + 0.05 * rng.standard_normal((4000, 32))
    np.save(folder / "shard-00000.npy", x.astype(np.float32))
    return folder


@pytest.mark.slow
def test_the_whole_loop(activations, tmp_path):
    results = study(tmp_path / "s", scale=0.02, activations=activations, progress=False)
    on_disk = json.loads((tmp_path / "s" / "results.json").read_text())
    assert on_disk["schema"] == "neglog.study/1"
    assert on_disk["verdict"] == results["verdict"]
    names = {run["penalty"] for run in results["trained"]}
    assert {"L1", "log(1+a²)", "log(1+|a|)", "TopK", "fitted", "log(1+Σ|a|)"} <= names
    for name in ("L1", "log(1+a²)", "log(1+|a|)"):
        assert len({r["target_l0"] for r in results["trained"] if r["penalty"] == name}) == 3
    assert (tmp_path / "s" / "report.html").stat().st_size > 100_000
    for sources in results["fits"].values():
        assert set(sources) == {"SAE", "random dictionary", "Gaussian noise"}
