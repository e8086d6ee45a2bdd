"""The worker process: one JSON request a line on stdin, one JSON answer a line on stdout.

A derivation runs here so that it can really be ended, whatever computer algebra is doing, and so
that untrusted text is parsed under a memory limit. Started by ``service.py``:

    python -m neglog.derivations.worker

The first line it writes says that it is ready, and how many processor seconds that took. An answer
is ``{"ok": document}``, ``{"bad_input": sentence}`` or ``{"failed": traceback}``.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from typing import Any

MEMORY_BYTES = 4 << 30


def limit_memory() -> None:
    """Bound the address space where the platform can."""
    try:
        import resource
    except ImportError:  # not on Windows; the deadline still holds there
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)  # may be lower already, and only be lowered
    soft = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def reply_to(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request."""
    from neglog.derivations.engine import answer
    from neglog.priors.errors import InputError

    try:
        return {"ok": answer(request)}
    except InputError as error:
        return {"bad_input": str(error)}
    except (MemoryError, RecursionError):
        return {"bad_input": "the expression is too large to work with; simplify it."}


def say(message: dict[str, Any]) -> None:
    """One line of JSON on stdout."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answer requests until stdin closes."""
    limit_memory()
    from neglog.derivations import engine  # noqa: F401 (imported before saying "ready")

    say({"ready": True, "seconds": time.process_time()})
    for line in sys.stdin:
        try:
            say(reply_to(json.loads(line)))
        except Exception:
            say({"failed": traceback.format_exc()})  # a bug: raised again in the parent


if __name__ == "__main__":
    main()
