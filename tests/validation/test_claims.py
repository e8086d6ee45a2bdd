"""A prior is named only with its measurement, and never against its controls."""

import pytest

from neglog.priors.errors import InputError
from neglog.validation import claim

RANDOM, NOISE = "random dictionary", "Gaussian noise"
HOW = {"penalty": "L1", "readout": "ReLU", "threshold": "0.1"}


def test_a_family_that_only_the_features_show():
    said = claim({"lomax": 80, "gamma": 20}, {RANDOM: {"gamma": 90}, NOISE: {"gamma": 90}}, **HOW)
    assert said.family == "lomax"
    assert "L1" in said.text
    assert "readout ReLU, threshold 0.1" in said.text
    assert "80%" in said.text


@pytest.mark.parametrize(
    ("counts", "controls", "reason"),
    [
        ({"lomax": 80}, {RANDOM: {"lomax": 60, "gamma": 40}, NOISE: {"gamma": 9}}, "random"),
        ({"lomax": 80}, {RANDOM: {"lomax": 60}, NOISE: {"lomax": 9}}, "show the same"),
        ({"lomax": 52, "gamma": 48}, {RANDOM: {"lomax": 49, "gamma": 51}, NOISE: {"gamma": 9}},
         "shows the same"),
        ({"lomax": 40, "gamma": 30, "weibull": 30}, {RANDOM: {"gamma": 9}, NOISE: {"gamma": 9}},
         "majority"),
        ({"lomax": 80}, {RANDOM: {"gamma": 90}}, "Gaussian noise was not measured"),
        ({"lomax": 80}, {}, "was not measured"),
        ({}, {RANDOM: {"gamma": 90}, NOISE: {"gamma": 90}}, "no feature"),
    ],
)  # fmt: skip
def test_refusals(counts, controls, reason):
    said = claim(counts, controls, **HOW)
    assert said.family is None
    assert reason in said.reason
    assert "called their prior" in said.text


def test_a_family_that_debiasing_takes_away():
    controls = {RANDOM: {"gamma": 90}, NOISE: {"gamma": 90}}
    counts = {"lomax": 80, "gamma": 20}
    said = claim(counts, controls, **HOW, debiased={"weibull": 9, "lomax": 1})
    assert said.family is None
    assert "debiased codes: weibull 90%" in said.text
    assert claim(counts, controls, **HOW, debiased={"lomax": 9}).family == "lomax"


def test_bad_input():
    with pytest.raises(InputError, match="no control 'shuffled'"):
        claim({"lomax": 1}, {"shuffled": {}}, **HOW)
    with pytest.raises(InputError, match="which penalty"):
        claim({"lomax": 1}, {}, penalty=" ", readout="ReLU")
