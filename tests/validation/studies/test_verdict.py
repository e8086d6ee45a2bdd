"""The words follow the numbers, whichever way the results come out."""

import sys
from pathlib import Path

from neglog.validation.studies.verdict import fvu_at, verdict, winner

sys.path.insert(0, str(Path(__file__).parent))
from results import made_up


def said(results, about):
    return next(sentence for sentence in verdict(results) if about in sentence)


def test_the_three_questions_are_answered_with_numbers():
    sentences = " ".join(verdict(made_up()))
    assert "proper iff λ > 1" in sentences
    assert "-0.27386" in sentences
    assert "+0.2857" in sentences
    assert "exclusive" in sentences
    assert "coactivating" in sentences


def test_a_family_that_controls_show_is_not_called_the_prior():
    sentence = said(made_up(winner="lomax", control="lomax"), "Features trained")
    assert "not called their prior" in sentence


def test_a_family_that_controls_do_not_show():
    sentence = said(made_up(winner="lomax", control="gamma"), "Features trained")
    assert "Neither control shows the same" in sentence
    assert "80%" in sentence


def test_a_family_without_majority():
    results = made_up(winner="lomax", control="gamma")
    results["fits"]["log(1+|a|)"]["SAE"]["aic"] = {"lomax": 40, "gamma": 30, "weibull": 30}
    assert "No family has a majority" in said(results, "Features trained")


def test_better_or_worse_is_computed():
    assert "better than" in said(made_up(fitted=0.10), "The loop")
    assert "worse than" in said(made_up(fitted=0.30), "The loop")


def test_penalties_are_ranked_by_fvu_with_spread():
    sentence = said(made_up(fitted=0.05), "best first")
    assert sentence.index("fitted") < sentence.index("L1") < sentence.index("TopK")
    assert "2 seeds" in sentence


def test_helpers():
    results = made_up()
    assert len(fvu_at(results, 32)["L1"]["fvu"]) == 2
    assert fvu_at(results, 7) == {}
    assert winner({"aic": {}, "features": 0}) == ("none", 0.0)


def test_exclusion_that_random_directions_share_is_not_credited_to_features():
    results = made_up()
    results["pairs"]["TopK"]["random dictionary"]["exclusive_fraction"] = 0.4
    assert "says nothing about learned features" in said(results, "tokens taken as independent")
    assert "says nothing" not in said(made_up(), "tokens taken as independent")


def test_one_token_a_sequence_is_reported_with_its_control():
    results = made_up()
    sources = results["pairs"]["TopK"]
    thinned = ", one token a sequence"
    sources["SAE" + thinned] = {**sources["SAE"], "exclusive_fraction": 0.02}
    sources["random dictionary" + thinned] = {**sources["SAE"], "exclusive_fraction": 0.001}
    assert "independence does not hold" in said(results, "With one token a sequence")
    sources["random dictionary" + thinned]["exclusive_fraction"] = 0.02
    assert "does not hold" not in said(results, "With one token a sequence")
