"""A training run from data to folder."""

import json

import numpy as np
import pytest
import torch

from neglog.priors.errors import InputError
from neglog.sae import run
from neglog.sae.checkpoint import load
from neglog.sae.data import open_activations, split
from neglog.sae.evaluation import evaluate

SMALL = {"steps": 30, "batch": 128, "eval_every": 10, "progress": False}


@pytest.mark.parametrize(
    "kind",
    [
        {"target_l0": 4},
        {"strength": 0.3},
        {"activation": "topk", "k": 4},
        {"activation": "batchtopk", "target_l0": 4},
    ],
)
def test_a_loaded_model_gives_exactly_the_codes_of_the_trained_one(
    tmp_path, planted, lomax, kind
) -> None:
    penalty = None if "activation" in kind else lomax
    sae = run.train(planted(), 64, penalty, out=tmp_path / "run", **kind, **SMALL)
    loaded = load(tmp_path / "run")
    x = planted(300, seed=5)
    assert torch.equal(loaded.encode(x), sae.encode(x))
    assert torch.equal(loaded(x), sae(x))
    assert (loaded.codes(x) != sae.codes(x)).nnz == 0


def test_the_same_seed_gives_the_same_weights(planted, lomax) -> None:
    def weights(seed):
        sae = run.train(planted(), 64, lomax, target_l0=4, seed=seed, **SMALL)
        return torch.cat([p.flatten() for p in sae.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_training_does_not_touch_the_global_random_state(planted, lomax) -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    run.train(planted(), 64, lomax, target_l0=4, **SMALL)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_folder_tells_what_happened(tmp_path, planted, lomax) -> None:
    x = planted()
    out = tmp_path / "run"
    sae = run.train(x, 64, lomax, target_l0=4, out=out, **{**SMALL, "steps": 25})
    assert sorted(p.name for p in out.iterdir()) == [
        "config.json", "metrics.jsonl", "sae.safetensors"]  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    lines = [json.loads(line) for line in (out / "metrics.jsonl").open()]
    assert [line["step"] for line in lines] == [10, 20, 25]
    assert lines[-1]["tokens"] == 25 * 128
    assert set(lines[-1]) >= {"strength", "loss", "fvu", "l0", "dead", "never_active"}
    _, test = split(open_activations(x), 0.1, seed=0)
    assert lines[-1]["fvu"] == evaluate(sae, open_activations(x), test)["fvu"]
    assert json.loads((out / "config.json").read_text())["result"] == lines[-1]
    assert sae.metrics == load(out).metrics == lines[-1]


def test_training_learns_planted_features(planted, lomax) -> None:
    sae = run.train(planted(), 64, lomax, target_l0=4, steps=400, batch=256, progress=False)
    assert sae.metrics["fvu"] < 0.15
    assert sae.metrics["dead"] < 0.1


def test_a_transcoder_with_a_skip_is_saved_and_loaded(tmp_path, planted, lomax) -> None:
    x = planted()
    y = torch.tanh(x[:, :10])
    sae = run.train(x, 64, lomax, target=y, skip=True, target_l0=4, out=tmp_path / "t", **SMALL)
    loaded = load(tmp_path / "t")
    assert torch.equal(loaded(x[:50]), sae(x[:50]))
    assert sae.metrics["fvu"] < 0.6


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_run_leaves_nothing(tmp_path, planted, lomax, monkeypatch, error) -> None:
    real, calls = run.Trainer.step, []

    def step(self, *args):
        calls.append(1)
        if len(calls) == 15:
            raise error
        return real(self, *args)

    monkeypatch.setattr(run.Trainer, "step", step)
    with pytest.raises(error):
        run.train(planted(), 64, lomax, target_l0=4, out=tmp_path / "run", **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_run_is_refused_before_any_work(tmp_path, planted, lomax) -> None:
    (tmp_path / "metrics.jsonl").write_text("old")
    with pytest.raises(InputError, match="already holds"):
        run.train(tmp_path / "absent.npy", 64, lomax, target_l0=4, out=tmp_path, **SMALL)
    assert (tmp_path / "metrics.jsonl").read_text() == "old"


def _with_nan(x):
    x = x.clone()
    x[77, 3] = float("nan")
    return x


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target_l0": 64}, "below the width"),
        ({"width": 0}, "width must be at least 1"),
        ({"strength": -1.0, "target_l0": None}, "strength must be positive"),
        ({"target_l0": None}, "either its strength or a target L0"),
        ({"penalty": None}, "needs a penalty"),
        ({"penalty": 3}, "not int"),
        (
            {"activation": "topk", "k": 65, "penalty": None, "target_l0": None},
            "more than the width",
        ),
        ({"activation": "topk", "k": 4}, "takes no penalty"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"batch": 5000}, "too few"),
        ({"held_out": 1.0}, "between 0 and 1"),
        ({"target": np.zeros((3, 16), np.float32)}, "3 rows where the input has 4000"),
        ({"data": _with_nan}, "NaN in row 77"),
        ({"data": lambda x: x[0]}, "tokens × d"),
        ({"data": lambda x: x[:100]}, "too few"),
    ],
)
def test_bad_settings_are_refused_and_leave_nothing(tmp_path, planted, lomax, change, says) -> None:
    settings = {"width": 64, "penalty": lomax, "target_l0": 4, **SMALL, **change}
    data = settings.pop("data", lambda x: x)(planted())
    with pytest.raises(InputError, match=says):
        run.train(data, out=tmp_path / "run", **settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["config.json", "sae.safetensors"])
def test_a_damaged_or_missing_checkpoint_is_refused(tmp_path, planted, lomax, file) -> None:
    out = tmp_path / "run"
    run.train(planted(), 64, lomax, target_l0=4, out=out, **SMALL)
    whole = (out / file).read_bytes()
    (out / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        load(out)
    (out / file).unlink()
    with pytest.raises(InputError, match=f"holds no trained SAE: {file}"):
        load(out)
