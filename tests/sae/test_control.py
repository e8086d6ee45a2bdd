"""A target L0 is reached on real training, and held, for penalties of any scale."""

import json

import pytest

from neglog.priors.errors import InputError
from neglog.sae.control import FixedStrength, TargetL0
from neglog.sae.run import train


@pytest.mark.parametrize("target", [pytest.param(2.0, marks=pytest.mark.slow), 5.0])
def test_target_l0_is_reached_on_unseen_rows_and_held(tmp_path, planted, penalty, target) -> None:
    train(planted(), 64, penalty, target_l0=target, steps=400, batch=256, eval_every=20,
          out=tmp_path / "run", progress=False)  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert lines[-1]["l0"] == pytest.approx(target, rel=0.05)
    # The last quarter stays near.
    assert all(line["l0"] == pytest.approx(target, rel=0.12) for line in lines[-5:])


def test_a_thousandfold_penalty_gets_a_thousandth_of_the_strength(planted, lomax) -> None:
    def run(penalty):
        return train(planted(), 64, penalty, target_l0=4, steps=60, batch=256, progress=False)

    one = run(lomax).metrics
    other = run(lambda a: 1000 * lomax(a)).metrics
    assert other["strength"] == pytest.approx(one["strength"] / 1000, rel=1e-2)


def test_a_fixed_strength_warms_up() -> None:
    control = FixedStrength(2.0, warmup=3)
    assert [control.at(i) for i in range(5)] == [0.5, 1.0, 1.5, 2.0, 2.0]


def test_no_code_at_all_lowers_the_strength_and_breaks_nothing() -> None:
    control = TargetL0(10.0)
    control.update(l0=100.0, loss=5.0, penalty=1.0)
    strength = control.at(1)
    for _ in range(50):
        control.update(l0=0.0, loss=5.0, penalty=0.0)
    control.correct(0.0)
    assert 0 < control.at(51) < strength


@pytest.mark.parametrize("target", [0.0, -3.0, float("inf"), float("nan")])
def test_an_impossible_target_is_refused(target) -> None:
    with pytest.raises(InputError, match="target L0"):
        TargetL0(target)


@pytest.mark.parametrize("target", [3.0, pytest.param(6.0, marks=pytest.mark.slow)])
def test_learned_thresholds_reach_it_too(tmp_path, planted, target) -> None:
    train(planted(), 64, activation="jumprelu", target_l0=target, steps=300, batch=256,
          eval_every=20, out=tmp_path / "run", progress=False)  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").open()]
    assert all(line["l0"] == pytest.approx(target, rel=0.05) for line in lines[-3:])
    strengths = [line["strength"] for line in lines[3:]]
    assert max(strengths) < 10 * min(strengths)  # no overshooting by orders of magnitude


@pytest.mark.parametrize("k", [2, 8])
def test_a_batch_cut_holds_for_single_tokens(planted, k) -> None:
    found = train(planted(), 64, activation="batchtopk", k=k, steps=120, batch=256, progress=False)
    assert found.metrics["l0"] == pytest.approx(k, rel=0.05)
