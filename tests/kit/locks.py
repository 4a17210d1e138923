"""Work that has come to a lock in Postgres: what a race needs, without waiting for a time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg

from tests.kit.waiting import wait_until

T = TypeVar("T")
_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1
  AND pid <> pg_backend_pid()
"""


async def wait_for_a_lock(dsn: str, query: str, work: "asyncio.Task[Any] | None" = None) -> None:
    """Until a statement that has `query` in it waits for a lock; `work`, if given, must not end."""
    # A session of its own: within a transaction the view of the others stands still.
    session = await asyncpg.connect(dsn)
    try:

        async def is_waiting() -> bool:
            assert work is None or not work.done(), "it waited for nothing"
            return bool(await session.fetchval(_WAITING, f"%{query}%"))

        await wait_until(is_waiting, what=f"a lock for {query!r}")
    finally:
        await session.close()


async def started_and_waiting(
    dsn: str, work: Coroutine[Any, Any, T], query: str
) -> "asyncio.Task[T]":
    """The work as a task, once one of its statements that has `query` in it waits for a lock."""
    task = asyncio.ensure_future(work)
    await wait_for_a_lock(dsn, query, task)
    return task
