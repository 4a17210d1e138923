"""Work that is noted in rows and done in the background: at once when woken, by one process.

Whoever notes it commits and wakes; a crash leaves the note, and the next process goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from shared.failures import is_transient
from shared.postgres.database import Database

logger = structlog.get_logger(__name__)
# While another process is at it: what was noted here may have come too late for its look.
_STAND_BY_SECONDS = 1.0
_LOOK_SECONDS = 30.0
_LEAD = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


class NotedWork:
    """One kind of work of one schema.

    Args:
        database: the service's schema.
        name: of the lock, unique in the database.
        is_due: whether there is anything to do; one cheap statement.
        work: does all that is due, in steps that may be cut off anywhere.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        is_due: Callable[[], Awaitable[bool]],
        work: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._name = name
        self._is_due = is_due
        self._work = work
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was noted."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled; what fails is tried again, losing Postgres only pauses it."""
        while True:
            self._woken.clear()
            pause = _LOOK_SECONDS
            try:
                if await self._is_due() and not await self._work_alone():
                    pause = _STAND_BY_SECONDS
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("noted work waits", work=self._name, reason=str(error))
                pause = _STAND_BY_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    async def _work_alone(self) -> bool:
        """Whether nobody else was at it."""
        session = await self._database.dedicated()
        try:
            if not await session.fetchval(_LEAD, self._name):
                return False
            await self._work()
            return True
        finally:
            # The lock ends with its session.
            await session.close(timeout=2)
