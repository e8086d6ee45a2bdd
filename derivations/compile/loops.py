"""The loops a solver needs, as a backend runs them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Loops:
    """Two loops over a state.

    Attributes:
        counted: (times, body, state) ↦ the state after body(i, state) for i = 0 … times − 1.
        until: (most, body, state) ↦ the state after body(state) until its last part is true
            everywhere, ``most`` times at most.
    """

    counted: Callable[[int, Callable[[Any, Any], Any], Any], Any]
    until: Callable[[int, Callable[[Any], Any], Any], Any]


def _counted(times: int, body: Callable[[Any, Any], Any], state: Any) -> Any:
    for i in range(times):
        state = body(i, state)
    return state


def _until(most: int, body: Callable[[Any], Any], state: Any) -> Any:
    for _ in range(most):
        state = body(state)
        if bool(state[-1].all()):
            break
    return state


EAGER = Loops(_counted, _until)
