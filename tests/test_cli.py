"""The command line: JSON on stdout, one sentence on stderr, exit status 0 or 2."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from neglog.cli import cli, split_families


def run(*words):
    return CliRunner().invoke(cli, list(words))


def test_derive_prints_one_json_document():
    done = run("derive", "log(1+abs(a))", "--json", "--at", "lam=3.5")
    doc = json.loads(done.stdout)
    assert done.exit_code == 0
    assert doc["schema"] == "neglog.derivation/1"
    assert doc["proper_when"] == "lam > 1"
    assert doc["normalizer"] == "2/(lam - 1)"
    assert doc["dependence"] == "independent"
    assert float(doc["numeric"]["normalizer"]) == pytest.approx(0.8)


KEYS = {
    "schema", "penalty", "domain", "parameters", "proper", "proper_when", "reason", "density",
    "normalizer", "verified_digits", "moments", "cdf", "quantile", "entropy", "tail", "law",
    "kink", "exact_zeros", "convex", "concave_on_positive", "prox", "scale_mixture",
    "irls_weight", "dependence", "conditional", "numeric", "seconds",
}  # fmt: skip


@pytest.mark.parametrize("expr", ["abs(a)", "tanh(abs(a))", "log(1+sum(abs(a)))"])
def test_every_key_is_there(expr):
    assert set(json.loads(run("derive", expr, "--json").stdout)) >= KEYS


def test_derive_for_people():
    done = run("derive", "log(1+abs(a))")
    assert "proper iff λ > 1" in done.stdout
    assert "double Lomax" in done.stdout
    assert r"\lambda" in run("derive", "log(1+abs(a))", "--latex").stdout


def test_an_expression_may_begin_with_a_minus_sign():
    done = run("derive", "--json", "-log(erfc(abs(a)))", "--timeout", "20")
    assert json.loads(done.stdout)["penalty"] == "-log(erfc(Abs(a)))"
    assert run("derive", "-h").exit_code == 0


def test_wrong_usage_is_one_sentence():
    done = run("derive", "abs(a)", "--nosuch")
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_joint_with_dim():
    done = run("derive", "prod(1+abs(a))", "--dim", "2", "--at", "lam=0.7", "--json")
    numeric = json.loads(done.stdout)["numeric"]
    assert float(numeric["normalizer"]) == pytest.approx(2.135821961, abs=1e-9)
    assert float(numeric["correlation"]) == pytest.approx(-0.27386, abs=1e-5)


def test_invert_with_an_atom():
    doc = json.loads(run("invert", "0.9*atom+0.1*exp(-abs(a))/2", "--json").stdout)
    assert doc["schema"] == "neglog.inversion/1"
    assert (doc["penalty"], doc["atom"], doc["notes"]) == ("Abs(a)", "9/10", [])
    assert "eps" in doc["spike_and_slab"]
    assert "spike of width eps" in run("invert", "0.9*atom+0.1*exp(-abs(a))/2").stdout


def test_invert_says_improper():
    done = run("invert", "1/(1+abs(a))")
    assert done.exit_code == 0
    assert "improper" in done.stdout
    assert json.loads(run("invert", "1/(1+abs(a))", "--json").stdout)["normalisable"] == "False"


BAD = [
    (["derive", "log(1+"], "position"),
    (["derive", "foo(a)"], "unknown function"),
    (["derive", "__import__('os').system('x')"], "means nothing"),
    (["derive", "log(a)"], "not real"),
    (["derive", ""], "empty"),
    (["derive", "logg(abs(a))"], "did you mean log"),
    (["derive", "log(abs(a)-1/100)"], "not real at a = 1e-05"),
    (["derive", "-oo*abs(a)"], "minus infinity"),
    (["derive", "Piecewise((a, a < -1))", "--domain", "positive"], "nowhere finite"),
    (["derive", "lam*abs(a)"], "leave it out"),
    (["derive", "beta*abs(a)"], "beta_"),
    (["derive", "exp(exp(exp(exp(99))))*a"], "too large"),
    (["derive", "abs(a)", "--at", "lam=nan"], "not a number"),
    (["derive", "abs(a)", "--at", "lam=oo"], "positive finite"),
    (["derive", "abs(a)", "--at", "lam=1", "--at", "lam=2"], "twice"),
    (["derive", "abs(a)", "--plot", "{tmp}/x.gif"], "png"),
    (["derive", "abs(a)", "--plot", "{tmp}/no/x.png"], "folder"),
    (["atlas", "--theme", "cooking"], "no theme"),
    (["derive", "abs(a)", "--at", "lam"], "NAME=VALUE"),
    (["derive", "abs(a)", "--at", "k=1"], "no such parameter"),
    (["derive", "k*abs(a)", "--at", "lam=1"], "needs a value"),
    (["derive", "abs(a)", "--at", "lam=-1"], "positive"),
    (["derive", "abs(a)", "--dim", "2"], "joint"),
    (["derive", "sum(abs(a))", "--dim", "0"], "between 1"),
    (["invert", "scipy:nosuchlaw(c=1)"], "unknown law"),
    (["invert", "0-exp(-abs(a))"], "negative"),
    (["invert", "scipy:genpareto(k=1)"], "no parameter"),
    (["harvest", "--out", "{tmp}/x", "--model", "/no/such/model"], "model"),
    (["train", "/no/such/file.npy", "--width", "8", "--penalty", "abs(a)", "--strength", "1",
      "--out", "{tmp}/x"], "file.npy"),
    (["train", "{data}", "--width", "8", "--penalty", "foo(a)", "--strength", "1",
      "--out", "{tmp}/x"], "unknown function"),
    (["train", "{data}", "--width", "8", "--penalty", "abs(a)", "--target-l0", "9", "--batch", "16",
      "--out", "{tmp}/x"], "9"),
    (["train", "{nan}", "--width", "8", "--penalty", "abs(a)", "--strength", "1", "--batch", "16",
      "--out", "{tmp}/x"], "nan.npy"),
    (["train", "{data}", "--width", "8", "--penalty", "abs(a)", "--strength", "1", "--batch", "16",
      "--out", "{tmp}"], "holds|empty|exists|already"),
    (["fit", "/no/such/codes.npy"], "codes.npy"),
    (["fit", "{negative}"], "negative"),
    (["study", "nosuchstudy", "--out", "{tmp}/x"], "nosuchstudy"),
    (["coactivation", "{negative}"], "negative"),
    (["coactivation", "{data}", "--sequence", "/no/such.npy"], "such.npy"),
    (["coactivation", "{data}", "--alpha", "7"], "alpha is 7"),
    (["opposing", "{data}", "--below", "-3"], "below holds -3"),
    (["opposing", "/no/such/sae"], "no decoder"),
    (["study", "--out", "{tmp}"], "holds|empty|exists|already"),
]  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    data = rng.standard_normal((200, 6)).astype(np.float32)
    np.save(folder / "data.npy", data)
    np.save(folder / "negative.npy", data)
    data[7, 2] = np.nan
    np.save(folder / "nan.npy", data)
    return folder


@pytest.mark.parametrize(("words", "says"), BAD, ids=lambda w: " ".join(w)[:40])
def test_bad_input_is_one_sentence_and_status_2(words, says, files):
    places = {"tmp": files, "data": files / "data.npy", "nan": files / "nan.npy"}
    places["negative"] = files / "negative.npy"
    done = run(*[word.format(**places) if "{" in word else word for word in words])
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    import re

    assert re.search(says, done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (files / "x").exists()


def test_invert_gives_back_the_law():
    found = json.loads(run("invert", "scipy:genpareto(c=0.3)", "--json").stdout)
    assert found["domain"] == "positive"
    assert found["derivation"]["law"]["name"] == "Lomax"


def test_atlas_lists_the_catalogue():
    entries = json.loads(run("atlas", "--json").stdout)["entries"]
    names = [e["name"] for e in entries]
    assert "lomax" in names
    assert len(names) == len(set(names)) >= 60
    assert {"theme", "expr", "proper_when", "law", "reference", "description"} <= set(entries[0])


def test_atlas_is_filtered_by_theme_and_words():
    robust = json.loads(run("atlas", "--theme", "robust", "--json").stdout)["entries"]
    assert {e["theme"] for e in robust} == {"robust"}
    found = json.loads(run("atlas", "student", "--json").stdout)["entries"]
    assert "student-t" in [e["name"] for e in found]
    assert "Tibshirani" in run("atlas", "laplace", "lasso").stdout
    assert "nothing in the catalogue" in run("atlas", "nosuchword").stdout


def test_nothing_is_wider_than_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["derive", "huber"], ["derive", "log(1+abs(a))"], ["atlas"]):
        lines = run(*words).stdout.splitlines()
        assert max(map(len, lines)) <= 80, words


def test_a_cached_answer_needs_no_algebra(tmp_path):
    code = (
        "import sys; from neglog.cli import cli\n"
        "cli(['derive', 'abs(a)'], standalone_mode=False)\n"
        "assert 'sympy' not in sys.modules"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_listing_the_catalogue_needs_no_algebra():
    code = (
        "import sys; from neglog.cli import cli\n"
        "cli(['atlas'], standalone_mode=False)\n"
        "assert 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_help_has_an_example(command):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert "Example:" in done.stdout


def test_train_fit_coactivation_opposing(files, tmp_path):
    rng = np.random.default_rng(1)
    dictionary = rng.standard_normal((12, 6)).astype(np.float32)
    codes = rng.exponential(1, (3000, 12)) * (rng.random((3000, 12)) < 0.2)
    np.save(tmp_path / "data.npy", (codes @ dictionary).astype(np.float32))
    np.save(tmp_path / "codes.npy", codes)
    done = run("train", str(tmp_path / "data.npy"), "--width", "12", "--penalty", "log(1+abs(a))",
               "--strength", "0.05", "--steps", "20", "--batch", "256", "--json",
               "--out", str(tmp_path / "sae"))  # fmt: skip
    assert 0 < json.loads(done.stdout)["fvu"] < 1
    assert {p.name for p in (tmp_path / "sae").iterdir()} == {
        "sae.safetensors",
        "config.json",
        "metrics.jsonl",
    }
    fitted = json.loads(run("fit", str(tmp_path / "codes.npy"), "--json").stdout)
    assert fitted["schema"] == "neglog.fit/1"
    pairs = json.loads(run("coactivation", str(tmp_path / "codes.npy"), "--json").stdout)
    assert pairs["schema"] == "neglog.coactivation/1"
    np.save(tmp_path / "sequence.npy", np.repeat(np.arange(100), 30))
    words = ["--sequence", str(tmp_path / "sequence.npy"), "--lags", "5", "--rates", "sequence"]
    pairs = json.loads(run("coactivation", str(tmp_path / "codes.npy"), *words, "--json").stdout)
    assert (pairs["null"], pairs["lags"]) == ("sequence-rates", 5)
    words = ["--below", "-0.3", "--above", "0.4", "--top", "3", "--json"]
    directions = json.loads(run("opposing", str(tmp_path / "sae"), *words).stdout)
    assert directions["features"] == 12
    assert directions["below"].keys() == directions["random"].keys() == {"-0.3"}
    assert directions["above"].keys() == {"0.4"}
    assert len(directions["pairs"]) <= 3


def test_families_are_split_outside_brackets():
    assert split_families("lomax,min(a,1), gamma") == ["lomax", "min(a,1)", "gamma"]


def test_module_runs():
    done = subprocess.run(
        [sys.executable, "-m", "neglog", "--version"], capture_output=True, text=True, check=True
    )
    assert "neglog" in done.stdout
