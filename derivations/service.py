"""Ask the worker process for a derivation, within a deadline that really ends it.

The worker keeps soft deadlines for each tactic itself. If it does not answer in time all the same
(a C call that ignores signals), it is killed here and the answer is "unknown".
"""

from __future__ import annotations

import atexit
import json
import queue
import subprocess
import sys
import threading
import time
from typing import Any

from neglog.derivations import cache
from neglog.derivations.deadline import PATIENCE
from neglog.priors.errors import InputError

GRACE_SECONDS = 4.0  # past the timeout
LEAST_SECONDS = 0.1  # of work, however long the start took


DIED = {
    "bad_input": "the derivation ended early, most likely out of memory; simplify the expression."
}


class Worker:
    """One worker process, started on first use and replaced when killed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._replies: queue.Queue[str] = queue.Queue()
        self._hello = ""
        self._lock = threading.Lock()

    def start(self) -> subprocess.Popen[str]:
        """The running process; starting it early hides its import time."""
        if self._process is None or self._process.poll() is not None:
            self._replies, self._hello = queue.Queue(), ""
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-W", "ignore", "-m", "neglog.derivations.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            threading.Thread(target=_pump, args=(self._process, self._replies), daemon=True).start()
        return self._process

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The worker's reply, or None where it had to be killed.

        ``seconds`` of the processor, on a busy machine up to ``PATIENCE`` times as many of the
        clock, bound the whole: the start of the process is taken off the ``timeout`` that the
        worker is told.
        """
        began = time.monotonic()
        with self._lock:
            process = self.start()
            assert process.stdin is not None
            try:
                end = began + PATIENCE * seconds + GRACE_SECONDS
                spent = 0.0 if self._hello else None
                line = self._greeting(end)
                if line:
                    spent = json.loads(line)["seconds"] if spent is None else spent
                    left = max(seconds - spent, LEAST_SECONDS)
                    process.stdin.write(json.dumps({**request, "timeout": left}) + "\n")
                    process.stdin.flush()
                    line = self._next(end)
            except queue.Empty:
                self.stop()
                return None
            except OSError:  # a broken pipe
                line = ""
            if not line:
                self.stop()
                return dict(DIED)
            return dict(json.loads(line))

    def _greeting(self, end: float) -> str:
        """The worker's first line, waited for once; "" where it died before."""
        if not self._hello:
            self._hello = self._next(end)
        return self._hello

    def _next(self, end: float) -> str:
        return self._replies.get(timeout=max(end - time.monotonic(), 0.0))

    def stop(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _pump(process: subprocess.Popen[str], replies: queue.Queue[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        replies.put(line)
    replies.put("")  # the process is gone


WORKER = Worker()
atexit.register(WORKER.stop)


def derive(request: dict[str, Any]) -> dict[str, Any]:
    """The derivation document for {"penalty", "domain", "at", "dim", "timeout"}, cached on disk.

    An answer that the deadline cut short is given, but not kept: the next one may be longer.

    Raises:
        InputError: bad input, or no answer within the timeout.
    """
    known = cache.load(request)
    if known is not None:
        return known
    seconds = float(request.get("timeout") or 10.0)
    reply = WORKER.ask(request, seconds)
    if reply is None:
        raise InputError(
            f"the derivation did not finish within {seconds:g} s; simplify the expression or "
            "raise --timeout."
        )
    if "failed" in reply:
        raise RuntimeError(f"the derivation of {request['penalty']!r} failed:\n{reply['failed']}")
    if "bad_input" in reply:
        raise InputError(reply["bad_input"])
    if reply["ok"]["complete"]:
        cache.store(request, reply["ok"])
    return dict(reply["ok"])
