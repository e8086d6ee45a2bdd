"""Derivations are asked for once and shared by all tests of this folder."""

import os
import tempfile
from functools import cache
from typing import Any

import pytest

from neglog.derivations import service


@pytest.fixture(scope="session", autouse=True)
def own_cache():
    """A cache of this run's own, so that no test passes on an old answer."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("NEGLOG_CACHE")
        os.environ["NEGLOG_CACHE"] = folder
        yield
        if before is None:
            del os.environ["NEGLOG_CACHE"]
        else:
            os.environ["NEGLOG_CACHE"] = before


@cache
def _document(expr: str, domain: str, at: tuple[tuple[str, str], ...], dim: int | None) -> Any:
    request = {"penalty": expr, "domain": domain, "at": dict(at), "dim": dim, "timeout": 40.0}
    return service.derive(request)


@pytest.fixture
def document():
    """document(expr, domain, dim=None, **at) → the derivation's JSON."""

    def ask(expr: str, domain: str = "real", dim: int | None = None, **at: str) -> Any:
        return _document(expr, domain, tuple(sorted(at.items())), dim)

    return ask
