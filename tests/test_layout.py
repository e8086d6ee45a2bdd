"""The house: folders are packages, tests mirror them, the front door is light."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("priors", "derivations", "sae", "validation")


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_folder_is_listed_as_a_package():
    listed = set(project()["tool"]["setuptools"]["packages"])
    found = {"neglog"}
    for room in ROOMS:
        for init in (ROOT / room).rglob("__init__.py"):
            found.add("neglog." + ".".join(init.parent.relative_to(ROOT).parts))
    assert listed == found


def test_the_root_holds_three_modules():
    assert {p.name for p in ROOT.glob("*.py")} == {"__init__.py", "__main__.py", "cli.py"}


@pytest.mark.parametrize("room", ROOMS)
def test_tests_mirror_the_room(room):
    assert list((ROOT / "tests" / room).rglob("test_*.py"))


@pytest.mark.parametrize("path", [p for r in ROOMS for p in (ROOT / r).rglob("*.py")], ids=str)
def test_imports_are_absolute_and_files_short(path):
    text = path.read_text()
    assert not re.search(r"^\s*from \.", text, re.MULTILINE)
    assert text.count("\n") < 400


# Which rooms a room may import: what lies below it.
BELOW = {
    "priors": ("priors",),
    "derivations": ("priors", "derivations"),
    "sae": ("priors", "derivations", "sae"),
    "validation": ROOMS,
}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_downwards_only(room):
    for path in (ROOT / room).rglob("*.py"):
        at_top = re.findall(r"^from neglog\.(\w+)", path.read_text(), re.MULTILINE)
        above = set(at_top) - set(BELOW[room])
        assert not above, f"{path} imports {above}"


def modules_after(code):
    program = f"import sys\n{code}\nprint(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import neglog",
        "import neglog; neglog.penalty('abs(a)')",
        "import neglog.cli",
        "import neglog.sae, neglog.validation, neglog.derivations.compile",
        "from neglog.derivations.engine import answer; answer({'penalty': 'abs(a)'})",
    ],
)
def test_neither_torch_nor_jax_is_loaded(code):
    assert not {"torch", "jax"} & modules_after(code)


def test_importing_neglog_is_light():
    assert not {"sympy", "numpy", "scipy"} & modules_after("import neglog")
