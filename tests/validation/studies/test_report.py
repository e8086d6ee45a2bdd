"""The report: self-contained, whole, and written again from results."""

import json
import re
import sys
from pathlib import Path

import pytest

from neglog.priors.errors import InputError
from neglog.validation.studies.figures import FIGURES, draw
from neglog.validation.studies.report import report, write_report
from neglog.validation.studies.verdict import verdict

sys.path.insert(0, str(Path(__file__).parent))
from results import made_up


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    results = made_up()
    results["verdict"] = verdict(results)
    draw(results, [], folder / "figures")
    write_report(folder, results)
    (folder / "results.json").write_text(json.dumps(results))
    return folder


def test_every_figure_is_inside(folder):
    html = (folder / "report.html").read_text()
    assert html.count("data:image/png;base64,") == len(FIGURES)
    assert {p.stem for p in (folder / "figures").iterdir()} == set(FIGURES)


def test_nothing_is_fetched(folder):
    html = (folder / "report.html").read_text()
    assert not re.findall(r"(?:src|href)=\"(?!data:)", html)
    assert "http" not in re.sub(r"base64,[^\"]*", "", html)


def test_every_number_of_the_training_is_shown(folder):
    html = (folder / "report.html").read_text()
    for run in made_up()["trained"]:
        assert f"{run['fvu']:.4f}" in html


def test_report_is_written_again(folder):
    before = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    assert report(folder).read_text() == before


def test_no_study_there(tmp_path):
    with pytest.raises(InputError, match="holds no"):
        report(tmp_path)


def test_text_is_escaped(folder, tmp_path):
    results = made_up()
    results["verdict"] = ["<script>alert(1)</script>"]
    draw(results, [], tmp_path / "figures")
    assert "<script>" not in write_report(tmp_path, results).read_text()
