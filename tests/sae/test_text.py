"""Text: found without running code, in an order that never changes."""

import sys
from itertools import islice

import pytest

from neglog.priors.errors import InputError
from neglog.sae import text


def test_docstrings_come_without_running_the_code() -> None:
    source = (
        '"""Top."""\nraise SystemExit(1)\nclass A:\n    """In A."""\n    def f(self):\n        "f."'
    )
    assert text.docstrings(source) == ["Top.", "In A.", "f."]


def test_builtin_documents_always_come_in_the_same_order() -> None:
    documents = list(islice(text.builtin_documents(), 20))
    assert documents == list(islice(text.builtin_documents(), 20))
    assert documents != list(islice(text.builtin_documents(seed=1), 20))
    assert all(documents)


@pytest.mark.slow
def test_builtin_documents_are_long_and_distinct() -> None:
    documents = list(text.builtin_documents())
    assert 1_500_000 < sum(map(len, documents)) < 4_000_000
    assert len(set(documents)) == len(documents)
    assert "turtledemo.clock" not in sys.modules  # read, but not run


def test_files_are_read_in_the_order_given(tmp_path) -> None:
    (tmp_path / "a").write_text("first", encoding="utf-8")
    (tmp_path / "b").write_text("zweité", encoding="utf-8")
    assert text.read_documents([tmp_path / "b", tmp_path / "a"]) == ["zweité", "first"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "no text file"), (b"\xff\xfe\x00", "not UTF-8"), (b" \n\n", "no tokens")],
)
def test_bad_files_are_named(tmp_path, content, says) -> None:
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        text.read_documents([path])


def test_pieces_lose_nothing_and_cut_at_line_ends() -> None:
    document = "".join(f"line {i}\n" for i in range(50)) + "x" * 75
    cut = list(text.pieces([document, "  "], limit=30))
    assert "".join(cut) == document
    assert max(map(len, cut)) <= 30
    assert all(piece.endswith("\n") for piece in cut[:10])


def test_hash_sees_content_and_borders() -> None:
    hashes = []
    for documents in (["ab", "c"], ["a", "bc"], iter(["ab", "c"])):
        hashed = text.HashedText(documents)
        assert "".join(hashed) == "abc"
        hashes.append(hashed.hexdigest())
    assert hashes[0] == hashes[2] != hashes[1]
