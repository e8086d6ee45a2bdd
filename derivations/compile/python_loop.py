"""A counted loop for backends that run eagerly."""

from collections.abc import Callable
from typing import Any


def loop(times: int, body: Callable[[Any, Any], Any], state: Any) -> Any:
    """``body(i, state)`` for i = 0 … times − 1."""
    for i in range(times):
        state = body(i, state)
    return state
