"""Folders that appear whole or not at all."""

import pytest

from neglog.priors.errors import InputError
from neglog.sae.files import new_folder


def test_a_folder_appears_when_the_block_ends(tmp_path) -> None:
    out = tmp_path / "deep" / "run"
    with new_folder(out) as partial:
        (partial / "x").write_text("1")
        assert not out.exists()
    assert (out / "x").read_text() == "1"
    assert [p.name for p in out.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_behind_when_the_block_fails(tmp_path, error) -> None:
    def fail() -> None:
        with new_folder(tmp_path / "run") as partial:
            (partial / "x").write_text("1")
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    with new_folder(out) as partial:
        (partial / "x").write_text("1")
    with pytest.raises(InputError, match="already holds"), new_folder(out):
        pass
    assert (out / "x").read_text() == "1"
    with pytest.raises(InputError, match="already holds"), new_folder(out / "x"):
        pass


def test_a_place_that_cannot_be_written_is_said(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot write"), new_folder(tmp_path / "file" / "run"):
        pass
