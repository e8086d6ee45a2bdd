import json

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from neglog.priors.errors import InputError
from neglog.validation import opposing, opposites
from neglog.validation.opposites import expected


def decoder(features=300, d=20, seed=0):
    rows = np.random.default_rng(seed).standard_normal((features, d))
    rows[7] = -3 * rows[200]
    rows[8] = -rows[250] / np.linalg.norm(rows[250]) + 0.03 * rows[9]
    return rows


def brute_force(rows):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, np.inf)
    return cosine.min(axis=1), cosine.argmin(axis=1)


@pytest.mark.parametrize("block", [1024, 64, 7])
def test_as_brute_force(monkeypatch, block):
    monkeypatch.setattr(opposites, "BLOCK", block)
    lowest, partner = brute_force(decoder())
    found = opposing(decoder(), below=(-0.5, -0.7, -0.99))
    np.testing.assert_allclose(found.most_opposite, lowest, atol=1e-5)
    np.testing.assert_array_equal(found.partner, partner)
    assert found.below == {c: (lowest < c).sum() for c in (-0.5, -0.7, -0.99)}
    assert found.below[-0.99] >= 2
    first = found.pairs[0]
    assert (first["i"], first["j"]) == (7, 200)
    assert first["cosine"] == pytest.approx(-1, abs=1e-5)
    assert len({(p["i"], p["j"]) for p in found.pairs}) == len(found.pairs) == 20
    assert found.features_below(-0.99)[:2].tolist() == [7, 200]
    assert len(found.features_below(-0.7)) == found.below[-0.7]


def test_duplicates_are_opposites_of_the_negative():
    rows = decoder()
    rows[3] = 2 * rows[150]
    found = opposing(rows, above=(0.7, 0.99))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = unit @ unit.T - 2 * np.eye(300)
    np.testing.assert_allclose(found.most_alike, cosine.max(axis=1), atol=1e-5)
    np.testing.assert_array_equal(found.twin, cosine.argmax(axis=1))
    assert found.above == {c: (cosine.max(axis=1) > c).sum() for c in (0.7, 0.99)}
    first = found.duplicates[0]
    assert (first["i"], first["j"]) == (3, 150)
    assert first["cosine"] == pytest.approx(1, abs=1e-5)
    assert {3, 150} <= set(found.features_above(0.99).tolist())


def test_baseline_is_gaussian_directions():
    counts = [
        opposing(np.random.default_rng(seed).standard_normal((400, 6)), below=(-0.9,), above=(0.9,))
        for seed in range(20)
    ]
    mean = np.mean([c.below[-0.9] for c in counts])
    assert counts[0].random[-0.9] == pytest.approx(mean, rel=0.1)
    mean = np.mean([c.above[0.9] for c in counts])
    assert counts[0].random_above[0.9] == pytest.approx(mean, rel=0.1)
    assert expected(262_144, 768, -0.7) < 1e-50
    assert expected(10, 3, 0.99) == pytest.approx(10, rel=1e-6)


def test_dead_features_oppose_nothing():
    rows = decoder()[:4]
    rows[2] = 0
    found = opposing(rows)
    assert np.isfinite(found.most_opposite).all()
    assert found.most_opposite[2] == 0


def test_sources(tmp_path):
    rows = decoder().astype(np.float32)
    np.save(tmp_path / "d.npy", rows)
    save_file({"W_enc": rows.T.copy(), "W_dec": rows}, tmp_path / "sae.safetensors")
    save_file({"decoder.weight": rows.T.copy(), "b": rows[0]}, tmp_path / "linear.safetensors")
    expected = opposing(rows).to_json()
    for source in (
        torch.nn.Parameter(torch.tensor(rows)),
        tmp_path / "d.npy",
        tmp_path,
        str(tmp_path / "linear.safetensors"),
    ):
        found = opposing(source).to_json()
        assert (found["below"], found["pairs"][0]["j"]) == (expected["below"], 200)


def test_json_document():
    document = json.loads(json.dumps(opposing(decoder()).to_json()))
    assert document["schema"] == "neglog.opposing/1"
    assert document["features"] == 300
    assert document["below"].keys() == document["random"].keys() == {"-0.7", "-0.9"}


@pytest.mark.parametrize(
    ("rows", "arguments", "message"),
    [
        (np.ones(3), {}, "features × d"),
        (np.ones((1, 3)), {}, "two features"),
        (np.array([[1.0, np.nan], [0, 1]]), {}, "not finite"),
        ("/nowhere", {}, "no decoder at"),
        (__file__, {}, "not test_opposites.py"),
        (np.ones((3, 3)), {"below": (-2,)}, "-2"),
        (np.ones((3, 3)), {"above": (1,)}, "above holds 1"),
    ],
)
def test_bad_input(rows, arguments, message):
    with pytest.raises(InputError, match=message):
        opposing(rows, **arguments)
