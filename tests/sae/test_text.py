"""Text: found without running code, in an order that never changes."""

import sys
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    assert list(text.text_pieces([tmp_path / "b", tmp_path / "a"])) == ["zweité", "first"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no text file"),
        (b"\xff\xfe\x00", r"not UTF-8 text \(byte 0\)"),
        (b"0123456\xc3\xa9\xc3", r"not UTF-8 text \(byte 9\)"),
        (b"01234\xc3\xa9\xc3\xa9\xc3\x00", r"not UTF-8 text \(byte 9\)"),
        (b" \n\n", "no tokens"),
    ],
)
def test_bad_files_are_named(tmp_path, monkeypatch, content, says) -> None:
    monkeypatch.setattr(text, "_BLOCK", 3)  # letters of two bytes lie across blocks
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        text.text_pieces([path])


@given(st.lists(st.text(alphabet="ab\n é"), max_size=3), st.integers(1, 9))
def test_pieces_lose_nothing_and_cut_at_line_ends(documents, limit) -> None:
    for document in documents:
        cut = list(text.pieces([document], limit))
        assert "".join("".join(cut).split()) == "".join(document.split())
        assert all(0 < len(piece) <= limit and piece.strip() for piece in cut)
    together = list(text.pieces(documents, limit))
    assert together == [p for document in documents for p in text.pieces([document], limit)]


def test_pieces_end_where_lines_do() -> None:
    document = "".join(f"line {i}\n" for i in range(50)) + "x" * 75
    cut = list(text.pieces([document, "  "], limit=30))
    assert "".join(cut) == document
    assert all(piece.endswith("\n") for piece in cut[:10])


def test_files_and_documents_are_cut_alike(tmp_path) -> None:
    document = "one two\n" * 40 + "é" * 65 + "\n\n\n" + "end"
    (tmp_path / "a").write_text(document, encoding="utf-8")
    paths = [tmp_path / "a", tmp_path / "a"]
    assert list(text.file_pieces(paths, 30)) == list(text.pieces([document] * 2, 30))


def test_hash_sees_content_and_borders() -> None:
    hashes = []
    for documents in (["ab", "c"], ["a", "bc"], iter(["ab", "c"])):
        hashed = text.HashedText(documents)
        assert "".join(hashed) == "abc"
        hashes.append(hashed.hexdigest())
    assert hashes[0] == hashes[2] != hashes[1]
