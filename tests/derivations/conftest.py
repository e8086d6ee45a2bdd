"""Derivations are asked for once and shared by all tests of this folder."""

import os
from functools import cache
from typing import Any

import pytest

from neglog.derivations import service


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """A cache of this run's own, shared by its processes: no test passes on an old answer."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "derivations"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEGLOG_CACHE", str(folder))
        yield


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
