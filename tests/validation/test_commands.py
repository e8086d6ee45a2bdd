"""neglog sketch and neglog fit from the command line: one document or one sentence comes out."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import sparse

from neglog.cli import cli
from neglog.priors.errors import InputError
from neglog.validation import Sketch, sketch
from neglog.validation.sketches import files

from .laws import codes_of, draw
from .test_sketch import random_codes, same


def run(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def codes(tmp_path):
    dense = codes_of(draw("gamma", 300), draw("lomax", 200), np.zeros(0))
    np.save(tmp_path / "codes.npy", dense)
    return tmp_path / "codes.npy"


def test_sketch_then_fit(tmp_path, codes):
    done = run("sketch", codes, "--out", tmp_path / "s.safetensors", "--json")
    about = json.loads(done.stdout)
    assert about["schema"] == "neglog.sketch/1"
    assert (about["tokens"], about["features"], about["nonzero"]) == (600, 3, 500)
    assert about["never_active"] == 1
    fitted = json.loads(run("fit", tmp_path / "s.safetensors", "--json").stdout)
    assert fitted["schema"] == "neglog.fit/1"
    assert fitted["source"] == "sketch"
    plain = json.loads(run("fit", codes, "--json").stdout)
    assert [f["best"] for f in fitted["features"]] == [f["best"] for f in plain["features"]]


def test_sketches_and_codes_are_merged(tmp_path):
    dense = random_codes()
    np.save(tmp_path / "a.npy", dense[:70])
    sparse.save_npz(tmp_path / "b.npz", sparse.csr_array(dense[70:]))
    run("sketch", tmp_path / "a.npy", "--out", tmp_path / "a.safetensors")
    done = run("sketch", tmp_path / "a.safetensors", tmp_path / "b.npz", "--out",
               tmp_path / "all.safetensors")  # fmt: skip
    assert done.exit_code == 0
    same(Sketch.load(tmp_path / "all.safetensors"), sketch(dense))


def test_a_stopped_run_is_resumed(tmp_path, monkeypatch):
    dense = random_codes()
    folder = tmp_path / "shards"
    folder.mkdir()
    for number in range(4):
        np.save(folder / f"{number}.npy", dense[50 * number : 50 * number + 50])
    out = tmp_path / "s.safetensors"
    monkeypatch.setattr(files, "KEEP_EVERY", -1.0)
    read, seen = files.sketch, []

    def stops_at_the_third(path, model=None):
        seen.append(path)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return read(path, model=model)

    monkeypatch.setattr(files, "sketch", stops_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        files.sketch_files((str(folder),), str(out), None, False, False)
    assert not out.exists()
    files.sketch_files((str(folder),), str(out), None, True, False)
    assert len(seen) == 5  # two, the one that was stopped, and the last two
    same(Sketch.load(out), sketch(dense))
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name] == []


def test_resuming_over_other_files_is_refused(tmp_path, codes):
    from neglog.validation.sketches.storage import save

    save(sketch(codes), tmp_path / "s.partial.safetensors", {"files": ["other.npy"]})
    with pytest.raises(InputError, match="other files"):
        files.sketch_files((str(codes),), str(tmp_path / "s.safetensors"), None, True, False)


def test_everything_at_once(tmp_path, codes):
    np.save(tmp_path / "sequence.npy", np.arange(600) // 4)
    done = run(
        "fit", codes, "--families", "gamma,lomax", "--intervals", "0.9", "--gof",
        "anderson-darling", "--replicates", "19", "--tail", "--folds", "3", "--sequence",
        tmp_path / "sequence.npy", "--figure", tmp_path / "fit.png", "--csv",
        tmp_path / "fit.csv", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    first, _, silent = json.loads(done.stdout)["features"]
    entry = first["families"][first["best"]]
    assert entry["interval"]["scale"][0] < entry["params"]["scale"] < entry["interval"]["scale"][1]
    assert 0 < entry["goodness"]["p"] <= 1
    assert {row["share"] for row in first["tail"]} >= {0.5, 0.1}
    assert sum(row["best"] for row in first["held_out"]) == 1
    assert silent["families"]["gamma"]["flags"] == ["never-active"]
    assert (tmp_path / "fit.png").stat().st_size > 1000
    assert (tmp_path / "fit.csv").read_text().startswith("feature,family,nonzero")


def test_tables_for_people(codes):
    done = run("fit", codes, "--families", "gamma", "--gof", "cramer-von-mises", "--replicates",
               "19", "--tail", "--folds", "2")  # fmt: skip
    for word in ("best by AIC", "rejected at 5%", "share above threshold", "best held out"):
        assert word in done.stdout


def test_offset_truncation_and_weights_from_files(tmp_path, codes):
    np.save(tmp_path / "w.npy", np.full(600, 2.0))
    np.save(tmp_path / "cut.npy", np.array([0.05, 0.1, 0.1]))
    done = run("fit", codes, "--families", "gamma", "--weights", tmp_path / "w.npy",
               "--truncation", tmp_path / "cut.npy", "--json")  # fmt: skip
    first = json.loads(done.stdout)["features"][0]
    assert first["truncation"] == 0.05
    assert first["used"] == 2 * (draw("gamma", 300) > 0.05).sum()
    done = run("fit", codes, "--families", "gamma", "--offset", "minimum", "--json")
    assert json.loads(done.stdout)["features"][0]["offset"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--offset", "median"], "no number"),
        (["--weights", "/no/such.npy"], "cannot be read"),
        (["--intervals", "95"], "between 0 and 1"),
        (["--gof", "anderson-darling", "--truncation", "0.1"], "whole slabs"),
        (["--sequence", "x.npy"], "--gof and --folds"),
        (["--figure", "/no/such/folder/x.png"], "no folder"),
        (["--folds", "1"], "at least 2"),
        (["--gof", "chi"], "chi"),
    ],
)
def test_bad_options_are_one_sentence(codes, words, message):
    done = run("fit", codes, *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_bad_sketches_are_one_sentence(tmp_path, codes):
    done = run("sketch", codes, "--out", tmp_path / "s.npy")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "safetensors" in done.stderr
    done = run("sketch", tmp_path / "none.npy", "--out", tmp_path / "s.safetensors")
    assert "there are no codes" in done.stderr
    np.save(tmp_path / "narrow.npy", np.ones((5, 2)))
    done = run("sketch", codes, tmp_path / "narrow.npy", "--out", tmp_path / "s.safetensors")
    assert "2 features where those before have 3" in done.stderr
    np.save(tmp_path / "bad.npy", np.array([[1.0, -1.0, 0.0]]))
    done = run("sketch", tmp_path / "bad.npy", "--out", tmp_path / "s.safetensors")
    assert "bad.npy" in done.stderr
    assert "negative" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.npy", "codes.npy", "narrow.npy"]


def test_codes_of_a_trained_sae_are_sketched_without_being_kept(tmp_path):
    from neglog.sae import SAE, save

    x = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    sae = SAE(6, 20, seed=1)
    save(sae, tmp_path / "sae")
    done = run("sketch", tmp_path / "x.npy", "--sae", tmp_path / "sae", "--out",
               tmp_path / "s.safetensors", "--json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["tokens"] == 300
    same(Sketch.load(tmp_path / "s.safetensors"), sketch(sae.codes(x)), rtol=1e-6)
