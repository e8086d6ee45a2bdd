"""Soft deadlines: a tactic that takes too long is interrupted and answers "not found".

Computer algebra can hang. Each tactic runs inside :func:`within`; the interruption is a timer
signal in the worker process (see ``worker.py``). Tactics and the whole are bounded in processor
seconds, so that a busy machine finds the same closed forms, and the whole in ``PATIENCE`` times as
many seconds of the clock. Where
signals do not reach (another thread, a long C call, Windows), the parent process ends the worker
instead: the hard deadline in ``service.py``.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class OutOfTime(BaseException):
    """Time is up. Not an Exception, so that no ``except Exception`` in a library swallows it."""


PATIENCE = 3.0  # seconds of the clock for one of the processor, where others want it too


class _Clock:
    """When the whole derivation must end: (processor, monotonic) seconds; one per process."""

    end: tuple[float, float] | None = None


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Bound everything inside: later calls of :func:`within` get no more than what is left."""
    end = time.process_time() + seconds, time.monotonic() + PATIENCE * seconds
    before, _Clock.end = _Clock.end, end
    try:
        yield
    finally:
        _Clock.end = before


def left() -> float:
    """Processor seconds left of the budget; infinite without one."""
    if _Clock.end is None:
        return float("inf")
    processor, clock = _Clock.end
    return min(processor - time.process_time(), clock - time.monotonic())


def _can_signal() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def _too_late(signum: int, frame: object) -> None:
    """Nobody waits for this bell any more."""


AGAIN = 0.25  # processor seconds after which a bell that went unheard rings again


def within(seconds: float, work: Callable[[], T], otherwise: T) -> T:
    """``work()``, or ``otherwise`` where that takes more processor time than ``seconds``.

    Nested deadlines keep: an inner one never outlasts an outer one. The bell rings again until it
    is heard: Python drops an exception that is raised inside a garbage-collection callback.
    """
    seconds = min(seconds, left())
    if seconds <= 0:
        return otherwise
    if not _can_signal():
        return work()
    mine, listening = OutOfTime(), True

    def ring(signum: int, frame: object) -> None:
        if listening:
            raise mine

    outer_handler = signal.getsignal(signal.SIGPROF)
    outer_left, _ = signal.getitimer(signal.ITIMER_PROF)
    started = time.process_time()
    shorter = outer_left == 0 or seconds < outer_left
    try:
        if shorter:  # else the outer deadline rings first and belongs to the outer call
            signal.signal(signal.SIGPROF, ring)
            signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
        try:
            return work()
        finally:
            listening = False
    except OutOfTime as bell:
        if bell is not mine:
            raise
        return otherwise
    finally:
        listening = False
        if shorter:
            signal.setitimer(signal.ITIMER_PROF, 0)
            # A bell on its way to a process without a handler would end it; SIG_IGN would be
            # inherited by the programs that this process starts.
            unheard = outer_handler in (None, signal.SIG_DFL) and not outer_left
            signal.signal(signal.SIGPROF, _too_late if unheard else outer_handler)
            if outer_left:
                remaining = outer_left - (time.process_time() - started)
                signal.setitimer(signal.ITIMER_PROF, max(remaining, 1e-6), AGAIN)


KEPT = 1024  # answers of one function


def remembered(work: Callable[P, T]) -> Callable[P, T]:
    """Keep answers as ``functools.lru_cache`` does, but none that ran out of time.

    Where the budget is used up, a tactic inside may have been cut short, and "not found" is then no
    answer to the next request, which may have more time.
    """
    kept: dict[tuple[object, ...], T] = {}

    @wraps(work)
    def ask(*args: P.args, **kwargs: P.kwargs) -> T:
        key = (*args, *sorted(kwargs.items()))
        if key in kept:
            return kept[key]
        found = work(*args, **kwargs)
        if left() > 0:
            if len(kept) >= KEPT:
                kept.pop(next(iter(kept)))
            kept[key] = found
        return found

    return ask
