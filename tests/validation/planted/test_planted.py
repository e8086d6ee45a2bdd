"""What is planted is what was asked for, and readouts do what they say."""

import numpy as np
import pytest

from neglog.priors.errors import InputError
from neglog.validation import fit
from neglog.validation.planted.confusion import confusion, diagonal, wilson
from neglog.validation.planted.data import Design, plant
from neglog.validation.planted.laws import LAWS, MEDIAN, draw
from neglog.validation.planted.matching import match
from neglog.validation.planted.readouts import inverted, refitted


@pytest.mark.parametrize("law", LAWS)
def test_every_law_has_the_median(law):
    values = draw(law, 40_000, np.random.default_rng(0))
    assert values.min() > 0
    assert np.median(values) == pytest.approx(MEDIAN, rel=0.03)


def test_true_codes_name_their_law():
    rng = np.random.default_rng(0)
    codes = np.zeros((20_000, len(LAWS)))
    for feature, law in enumerate(LAWS):
        codes[:4_000, feature] = draw(law, 4_000, rng)
    table = fit(codes)
    best = table[table["best_bic"]]["family"].astype(str).tolist()
    assert sum(a == b for a, b in zip(best, LAWS, strict=True)) >= len(LAWS) - 1


@pytest.mark.parametrize("support", ["independent", "exclusive", "coactivating"])
def test_supports(support):
    design = Design(features=32, dimension=16, tokens=40_000, l0=3.0, support=support)
    on = plant(design, 2).codes > 0
    assert on.sum(axis=1).mean() == pytest.approx(3.0, rel=0.05)
    pair, chance = (on[:, 0] & on[:, 1]).mean(), on[:, 0].mean() * on[:, 1].mean()
    apart = (on[:, 0] & on[:, 4]).mean() / (on[:, 0].mean() * on[:, 4].mean())
    assert apart == pytest.approx(1, abs=0.3)
    if support == "exclusive":
        assert pair == 0
    elif support == "coactivating":
        assert pair > 3 * chance
    else:
        assert pair == pytest.approx(chance, rel=0.4)


def test_x_is_codes_times_dictionary_and_noise():
    planted = plant(Design(features=16, dimension=40, tokens=3_000, l0=2.0, coherence=0.3), 0)
    rest = planted.x - planted.codes @ planted.dictionary
    assert rest.std() == pytest.approx(0.05, rel=0.02)
    cosine = planted.dictionary @ planted.dictionary.T
    assert cosine[0, 1:4].mean() == pytest.approx(0.3, abs=0.2)


def test_match_undoes_a_permutation():
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((20, 8))
    order = rng.permutation(20)
    learned = np.vstack([3 * truth[order], rng.standard_normal((5, 8))])
    partner, cosine = match(learned, truth)
    np.testing.assert_array_equal(order[partner], np.arange(20))
    np.testing.assert_allclose(cosine, 1)
    assert (match(truth[:3], truth)[0] == -1).sum() == 17


def test_refitting_is_least_squares():
    planted = plant(Design(features=16, dimension=40, tokens=500, l0=2.0, noise=0.0), 0)
    shrunk = planted.codes * 0.7
    np.testing.assert_allclose(
        refitted(planted.dictionary, planted.x, shrunk), planted.codes, atol=2e-3
    )


@pytest.mark.parametrize("expression", ["abs(a)", "log(1+abs(a))"])
def test_inverting_undoes_the_proximal_map(expression):
    import torch

    import neglog

    z = np.random.default_rng(0).uniform(0, 4, (50, 3)).astype(np.float32)
    prox = neglog.penalty(expression, domain="positive").prox("torch", strength=0.3)
    codes = prox(torch.tensor(z)).detach().numpy()
    back = inverted(None, codes, expression, 0.6)
    active = codes > 0
    np.testing.assert_allclose(back[active], z[active], atol=1e-5)
    assert (back[~active] == 0).all()


def test_confusion_counts_and_intervals():
    records = [
        {"law": "lomax", "aic": "lomax"},
        {"law": "lomax", "aic": "weibull"},
        {"law": "gamma", "aic": None},
    ]
    table = confusion(records)
    assert table.loc["lomax", "weibull"] == 1
    assert table.loc["gamma", "lost"] == 1
    assert diagonal(records) == (1, 2)
    low, high = wilson(50, 100)
    assert (low, high) == (pytest.approx(0.404, abs=2e-3), pytest.approx(0.596, abs=2e-3))
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"support": "odd"}, "support is"),
        ({"laws": ("cauchyish",)}, "among"),
        ({"l0": 100.0}, "l0 must"),
        ({"features": 30, "l0": 2.0}, "multiple"),
    ],
)
def test_bad_designs(change, message):
    with pytest.raises(InputError, match=message):
        Design(**change)


@pytest.mark.slow
def test_debiasing_finds_the_law_where_raw_codes_do_not():
    from neglog.validation.planted.reading import read_learned

    planted = plant(Design(features=64, dimension=64, tokens=20_000, l0=3.0), 0)
    records, about = read_learned(planted, "TopK", 0, ("raw", "em"), 800)
    hits = {r: diagonal([x for x in records if x["readout"] == r]) for r in ("raw", "em")}
    assert about["found"] > 40
    assert hits["em"][0] > 1.5 * hits["raw"][0]
    assert hits["em"][0] > 0.45 * hits["em"][1]
