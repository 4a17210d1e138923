"""Waiting for a condition with a deadline: never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    probe: Callable[[], Awaitable[T]],
    wanted: Callable[[T], bool] = bool,
    seconds: float = 20.0,
) -> T:
    """What `probe` answers once `wanted` agrees.

    Raises:
        AssertionError: it never did; the message shows the last answer.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = await probe()
        if wanted(answer):
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s; last seen: {answer!r}")
        await asyncio.sleep(0.02)


async def wait_until(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float = 20.0, what: str = ""
) -> None:
    """Return once `condition()` is true.

    Raises:
        AssertionError: it never was; says `what` was awaited.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if await answer if isawaitable(answer) else answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        await asyncio.sleep(0.02)
