"""A harvest that was interrupted ends like any other."""

import errno
import shutil

import numpy as np
import pytest
import torch
from transformers import BertModel

from neglog.priors.errors import InputError
from neglog.sae import harvesting, shards
from neglog.sae.harvesting import harvest
from neglog.sae.shards import by_shard, usual_rows
from neglog.sae.unfinished import Contents, write_sequence
from neglog.sae.windows import Window

SITES = ["residual", "mlp-in"]


class Killed(BaseException):
    """Stands for the death of the process."""


def _ask(bert, text, **changes):
    asked = {"model": bert, "layer": 1, "text": [text], "site": SITES, "tokens": 100, "seq_len": 10,
             "rows_per_shard": 16, "progress": False}  # fmt: skip
    return {**asked, **changes}


def _interrupt(patch, after: int, error: BaseException) -> None:
    """Let the writing of shards fail after so many of them."""
    write, left = shards.write_shard, [after]

    def failing(*args):
        if left[0] == 0:
            raise error
        left[0] -= 1
        write(*args)

    patch.setattr("neglog.sae.unfinished.write_shard", failing)


def _files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("after", [0, 1, 2, 5, 8])
def test_an_interrupted_harvest_resumes_to_the_same_bytes(tmp_path, bert, text, after) -> None:
    whole = harvest(tmp_path / "whole", **_ask(bert, text))
    with pytest.MonkeyPatch.context() as patch:
        _interrupt(patch, after, Killed())
        with pytest.raises(Killed):
            harvest(tmp_path / "a", **_ask(bert, text))
    assert not (tmp_path / "a").exists()
    assert (tmp_path / ".a.harvesting").exists() == (after > 1)  # a shard has two sites
    assert harvest(tmp_path / "a", **_ask(bert, text), resume=True) == whole
    assert _files(tmp_path / "a") == _files(tmp_path / "whole")
    assert {p.name for p in tmp_path.iterdir()} == {"text", "whole", "a"}


def test_done_shards_are_not_computed_again(tmp_path, bert, text) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _interrupt(patch, 6, Killed())
        with pytest.raises(Killed):
            harvest(tmp_path / "a", **_ask(bert, text))
    read, seen = harvesting.Reader.read, []

    def watched(self, part, *rest):
        seen.append(part)
        return read(self, part, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harvesting.Reader, "read", watched)
        told = harvest(tmp_path / "a", **_ask(bert, text), resume=True)
    assert (len(seen), len(told["shards"])) == (4, 7)


@pytest.fixture
def interrupted(tmp_path, bert, text):
    """A harvest to `a`, with a model of its own, stopped by a full disk after two shards."""
    shutil.copytree(bert, tmp_path / "model")
    with pytest.MonkeyPatch.context() as patch:
        _interrupt(patch, 4, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(InputError, match=r"No space left.*continue with --resume"):
            harvest(tmp_path / "a", **_ask(tmp_path / "model", text))
    return _ask(tmp_path / "model", text)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "continue it with --resume"),
        ({"resume": True, "layer": 2}, "had layer = 1, not 2"),
        ({"resume": True, "tokens": 90}, "had tokens = 100, not 90"),
        ({"resume": True, "rows_per_shard": 32}, "had rows_per_shard = 16, not 32"),
        ({"resume": True, "site": "residual"}, "had site = "),
        ({"resume": True, "dtype": "bfloat16"}, "had dtype = float32"),
    ],
)
def test_other_settings_are_refused(tmp_path, interrupted, changes, says) -> None:
    before = _files(tmp_path)
    with pytest.raises(InputError, match=says):
        harvest(tmp_path / "a", **{**interrupted, **changes})
    assert _files(tmp_path) == before


@pytest.mark.parametrize("name", ["settings.json", "done-00000.json"])
@pytest.mark.parametrize("content", [b"", b'{"layer"', b"\xff"])
def test_damaged_notes_are_refused(tmp_path, interrupted, name, content) -> None:
    (tmp_path / ".a.harvesting" / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} is missing or damaged"):
        harvest(tmp_path / "a", **interrupted, resume=True)


def test_changed_text_is_refused(tmp_path, interrupted, text) -> None:
    text.write_text("bird" + text.read_text()[3:], encoding="utf-8")
    with pytest.raises(InputError, match=r"text changed .*shard 0"):
        harvest(tmp_path / "a", **interrupted, resume=True)


def test_changed_weights_are_refused(tmp_path, interrupted) -> None:
    model = BertModel.from_pretrained(tmp_path / "model")
    with torch.no_grad():
        model.encoder.layer[0].output.dense.bias += 1e-3
    model.save_pretrained(tmp_path / "model")
    with pytest.raises(InputError, match="had model_sha256"):
        harvest(tmp_path / "a", **interrupted, resume=True)


def test_a_full_disk_before_the_first_shard_leaves_nothing(tmp_path, bert, text) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _interrupt(patch, 0, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(InputError, match=r"No space left.*start again"):
            harvest(tmp_path / "a", **_ask(bert, text))
    assert {p.name for p in tmp_path.iterdir()} == {"text"}


def test_shards_hold_whole_windows() -> None:
    found = [Window([0] * n, [False] * n) for n in (3, 4, 9, 2, 2, 2, 1)]
    sizes = [[w.kept for w in part] for part in by_shard(found, 6)]
    assert sizes == [[3], [4], [9], [2, 2, 2], [1]]
    assert list(by_shard([], 6)) == []


@pytest.mark.parametrize(
    ("tokens", "rows"), [(None, 100_000), (10, 8192), (80_000, 10_000), (10**9, 100_000)]
)
def test_the_usual_shard(tokens, rows) -> None:
    assert usual_rows(tokens) == rows


def test_the_sequence_index_is_written_in_pieces(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("neglog.sae.unfinished._TOGETHER", 3)
    contents = Contents()
    contents.add([Window([0] * n, [True] + [False] * (n - 1)) for n in (2, 3, 5, 4, 2, 9, 3)])
    write_sequence(tmp_path / "sequence.npy", contents)
    found = np.load(tmp_path / "sequence.npy")
    np.testing.assert_array_equal(found, np.repeat(range(7), [1, 2, 4, 3, 1, 8, 2]))
    assert (found.dtype, contents.special, contents.rows) == (np.int32, 7, [21])
