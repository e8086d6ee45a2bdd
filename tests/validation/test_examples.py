"""The examples in docstrings run."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["claims", "debiased.debiasing"])
def test_examples(name):
    done = doctest.testmod(importlib.import_module(f"neglog.validation.{name}"))
    assert done.attempted > 0
    assert done.failed == 0
