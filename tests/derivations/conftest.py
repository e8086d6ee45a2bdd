"""Derivations are asked for once and shared by all tests of this folder."""

from functools import cache
from typing import Any

import pytest

from neglog.derivations import service


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
