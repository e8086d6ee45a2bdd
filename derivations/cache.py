"""Derivations on disk, by request and by the engine's own source: never stale, safe to share.

Only answers that no deadline cut short are kept, so the timeout is no part of the request.

Entries are written to a temporary file and renamed, so two processes never see half an entry; one
that does not read as JSON is ignored. ``NEGLOG_CACHE`` names another folder; ``off`` disables it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

ROOM = Path(__file__).parent


def folder() -> Path | None:
    """Where entries live; None when caching is off."""
    chosen = os.environ.get("NEGLOG_CACHE")
    if chosen == "off":
        return None
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("neglog")


@cache
def engine_version() -> str:
    """A hash of every source file that a derivation depends on."""
    digest = hashlib.sha256()
    for room in (ROOM, ROOM.parent / "priors"):
        for path in sorted(room.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _path(request: dict[str, Any]) -> Path | None:
    where = folder()
    if where is None:
        return None
    asked = {name: value for name, value in request.items() if name != "timeout"}
    text = json.dumps([engine_version(), asked], sort_keys=True)
    return where / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def load(request: dict[str, Any]) -> dict[str, Any] | None:
    """The answer to this very request, if it is known."""
    path = _path(request)
    try:
        found = json.loads(path.read_text()) if path is not None else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def store(request: dict[str, Any], answer: dict[str, Any]) -> None:
    """Keep an answer; a folder that cannot be written to is no error."""
    path = _path(request)
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "w") as file:
            json.dump(answer, file)
        os.replace(name, path)
    except OSError:
        return
