"""What importing costs, and that files do not hide functions."""

import subprocess
import sys

import neglog.validation


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_reading_codes_loads_neither_pandas_nor_torch():
    assert not {"pandas", "torch", "jax"} & loaded_by("from neglog.validation import read_codes")
    assert not {"pandas", "torch", "jax"} & loaded_by("from neglog.validation import fit")
    assert "scipy" not in loaded_by("import neglog.validation")


def test_every_public_name_exists():
    for name in neglog.validation.__all__:
        assert getattr(neglog.validation, name) is not None
    assert callable(neglog.validation.fit)
    assert callable(neglog.validation.coactivation)
    assert callable(neglog.validation.opposing)
