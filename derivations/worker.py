"""The worker process: one JSON request a line on stdin, one JSON answer a line on stdout.

A derivation runs here so that it can really be ended, whatever computer algebra is doing, and so
that untrusted text is parsed under a memory limit. Started by ``service.py``:

    python -m neglog.derivations.worker
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

MEMORY_BYTES = 4 << 30


def limit_memory() -> None:
    """Bound the address space where the platform can."""
    try:
        import resource
    except ImportError:  # not on Windows; the deadline still holds there
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))


def main() -> None:
    """Answer requests until stdin closes."""
    limit_memory()
    from neglog.derivations.engine import answer
    from neglog.priors.errors import InputError

    for line in sys.stdin:
        try:
            reply: dict[str, Any] = {"ok": answer(json.loads(line))}
        except InputError as error:
            reply = {"bad_input": str(error)}
        except (MemoryError, RecursionError):
            reply = {"bad_input": "the expression is too large to work with; simplify it."}
        except Exception:
            reply = {"failed": traceback.format_exc()}  # a bug: raised again in the parent
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
