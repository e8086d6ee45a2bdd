"""Pictures: whole files, curves that break where φ breaks, sentences for what cannot be drawn."""

import builtins
import json

import numpy as np
import pytest
from click.testing import CliRunner

from neglog.cli import cli
from neglog.derivations.api import penalty
from neglog.derivations.frozen.sampling import as_function, breaks, curve, slope, split_at_jumps
from neglog.derivations.pages.plot import plot
from neglog.derivations.pages.show import prior_of
from neglog.priors.errors import InputError
from neglog.priors.text import parse

WINDOW = (-4.0, 4.0)


@pytest.mark.parametrize(
    ("expr", "at"),
    [
        ("abs(a)", [0]),
        ("abs(a-1)", [0, 1]),
        ("max(a, 1)", [0, 1]),
        ("min(abs(a), 2)", [-2, 0, 2]),
        ("Piecewise((a**2/2, abs(a) < 1), (abs(a)-1/2, True))", [-1, 0, 1]),
        ("indicator(a != 0)", [0]),
        ("log(abs(a-3))", [0, 3]),
        ("a**2", [0]),
    ],
)
def test_breaks_are_read_off_the_expression(expr, at):
    assert breaks(parse(expr), WINDOW) == pytest.approx(at)


def test_curves_are_cut_at_jumps():
    expr = parse("indicator(a > 1)")
    shape = curve(as_function(expr), WINDOW, breaks(expr, WINDOW))
    assert shape.jumps() == [(pytest.approx(1), 0.0, 1.0)]
    for x, y in shape.stretches:
        assert np.ptp(y) == 0
        assert len(x) > 100


def test_slopes_are_those_of_the_stretch():
    expr = parse("abs(a)*2")
    shape = slope(as_function(expr), WINDOW, breaks(expr, WINDOW))
    assert [float(y[0]) for _, y in shape.stretches] == pytest.approx([-2, 2])


def test_a_map_is_split_where_it_jumps():
    x = np.linspace(-4, 4, 4001)
    hard = np.where(np.abs(x) > 1.5, x, 0)
    assert len(split_at_jumps(x, hard).stretches) == 3
    soft = np.sign(x) * np.maximum(np.abs(x) - 1, 0)
    assert len(split_at_jumps(x, soft).stretches) == 1


SHOWN = [
    ("abs(a)", "real", {}),
    ("log(1+abs(a))", "real", {"lam": 3.5}),
    ("tanh(abs(a))", "real", {}),
    ("indicator(a != 0)", "real", {}),
    ("a - k*log(a)", "positive", {"k": 2.0}),
    ("a+exp(-a)", "real", {}),
    ("log(abs(a))", "real", {}),
]


@pytest.mark.parametrize(("expr", "domain", "values"), SHOWN, ids=lambda v: str(v)[:20])
def test_every_kind_of_prior_is_drawn(expr, domain, values, tmp_path, document):
    written(prior_of(document(expr, domain)), tmp_path / "picture.svg", values, b"<?xml")


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("PDF", b"%PDF")])
def test_every_format(suffix, start, tmp_path, document):
    written(prior_of(document("abs(a)")), tmp_path / f"picture.{suffix}", {}, start)


def written(prior, path, values, start):
    prior.plot(path, **values)
    assert path.read_bytes().startswith(start)
    assert list(path.parent.iterdir()) == [path]  # no temporary file is left


def test_an_old_picture_survives_a_failure(tmp_path, document, monkeypatch):
    from matplotlib.figure import Figure

    path = tmp_path / "picture.png"
    path.write_bytes(b"old")

    def fail(self, name, **kwargs):
        raise OSError("no space left")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="no space"):
        prior_of(document("abs(a)")).plot(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("path", "values", "says"),
    [
        ("x.gif", {}, "png"),
        ("x", {}, "png"),
        ("no/such/x.png", {}, "folder"),
        ("x.png", {"q": 1}, "no parameter 'q'"),
        ("x.png", {"lam": -1}, "positive"),
        ("x.png", {"lam": float("nan")}, "positive"),
    ],
)
def test_what_cannot_be_drawn(path, values, says, tmp_path, document):
    with pytest.raises(InputError, match=says):
        plot(prior_of(document("abs(a)")), tmp_path / path, values)
    assert not list(tmp_path.iterdir())


def test_joint_penalties_are_not_drawn(tmp_path, document):
    with pytest.raises(InputError, match="scalar"):
        prior_of(document("log(1+sum(abs(a)))")).plot(tmp_path / "x.png")


def test_the_title_says_what_was_chosen(tmp_path, document):
    path = tmp_path / "x.svg"
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none"}):
        prior_of(document("log(1+abs(a)/s)")).plot(path, s=2)
    assert "λ = 2 (chosen), s = 2<" in path.read_text()


def test_the_command_draws_at_its_numbers(tmp_path):
    path = tmp_path / "x.png"
    words = ["derive", "log(1+abs(a))", "--at", "lam=3", "--plot", str(path), "--json"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["proper"] == "if"
    assert path.stat().st_size > 10_000


def test_without_matplotlib_one_sentence(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    done = CliRunner().invoke(cli, ["derive", "abs(a)", "--plot", str(tmp_path / "x.png")])
    assert done.exit_code == 2
    assert "pip install 'neglog[plot]'" in done.stderr


def test_penalties_show_themselves():
    assert penalty("abs(a)")._repr_latex_() == r"$\varphi(a) = \left|{a}\right|$"
