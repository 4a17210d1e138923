"""A pytest plugin: what happens by itself happens later, `-p tests.kit.slow_motion`.

What services do on their own (read the log, send what stands in the outbox, write outcomes) takes
half a second longer in the process of the test. A test that looks once where it has to wait fails
then each time, instead of once in a thousand runs on a busy machine.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from services.webhooks.outcome_writer import OutcomeWriter
from shared.kafka.batch import BatchHandler
from shared.postgres.outbox_table import TableRows

_SECONDS = 0.5
_LATE: tuple[tuple[type, str], ...] = (
    (BatchHandler, "__call__"),
    (TableRows, "next"),
    (OutcomeWriter, "_flush"),
)


def _later(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def later(*arguments: Any) -> Any:
        await asyncio.sleep(_SECONDS)
        return await step(*arguments)

    return later


def pytest_configure() -> None:
    """In this process for good."""
    for owner, name in _LATE:
        setattr(owner, name, _later(getattr(owner, name)))
