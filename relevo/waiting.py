"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import Literal, TypeVar

T = TypeVar("T")
_PAUSE_SECONDS = 0.02


def wait_for(condition: Callable[[], T | Literal[False] | None], seconds: float) -> T | None:
    """The first value of `condition()` that is neither None nor False; None when time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value is not None and value is not False:
            return value
        if time.monotonic() > deadline:
            return None
        time.sleep(_PAUSE_SECONDS)
