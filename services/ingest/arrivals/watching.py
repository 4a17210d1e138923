"""What a store's requests came to: noted in memory, written now and then, never for each order."""

import asyncio
from datetime import UTC, datetime
from types import TracebackType
from uuid import UUID

import structlog

from services.ingest.arrivals import store
from services.ingest.arrivals.store import Arrival, Refusal, RefusalKey
from shared.failures import Refused, is_transient
from shared.postgres.database import Database
from shared.web.problems import CATALOGUE

logger = structlog.get_logger(__name__)
QUARANTINED = "quarantined"
_QUARANTINED_STATUS = 202


class Arrivals:
    """What this process has seen of stores that it knows.

    Args:
        database: ingest's schema.
        seconds: how often it is written.
    """

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._accepted: dict[UUID, Arrival] = {}
        self._refused: dict[RefusalKey, Refusal] = {}

    def accepted(self, store_id: UUID, external_id: str) -> None:
        """An order of the store is durable."""
        self._accepted[store_id] = Arrival(datetime.now(UTC), external_id)

    def refused(self, store_id: UUID, code: str) -> None:
        """A request in the store's name was refused, or its body not understood."""
        problem = CATALOGUE.get(code)
        status = problem.status if problem else _QUARANTINED_STATUS
        key = RefusalKey(store_id, code)
        known = self._refused.get(key)
        count = known.requests + 1 if known else 1
        self._refused[key] = Refusal(code, status, count, datetime.now(UTC))

    def of(self, store_id: UUID) -> "Watched":
        """Notes what is refused inside."""
        return Watched(self, store_id)

    async def run(self) -> None:
        """Write until cancelled; losing Postgres only pauses it."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.write()
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("arrivals are written later", reason=str(error))

    async def write(self) -> None:
        """Write what was seen since the last time; what cannot be written is kept."""
        accepted, refused = self._accepted, self._refused
        if not (accepted or refused):
            return
        self._accepted, self._refused = {}, {}
        try:
            async with self._database.transaction() as session:
                await store.write(session, accepted, refused)
        except BaseException:
            # A commit that nobody heard of counts refusals twice.
            self._accepted = accepted | self._accepted
            for key, one in refused.items():
                newer = self._refused.get(key)
                count = one.requests + (newer.requests if newer else 0)
                last_at = newer.last_at if newer else one.last_at
                self._refused[key] = Refusal(one.code, one.status, count, last_at)
            raise


class Watched:
    """Notes with which code a request in a store's name is refused; every order passes it.

    Args:
        arrivals: where.
        store_id: whose.
    """

    __slots__ = ("_arrivals", "_store_id")

    def __init__(self, arrivals: Arrivals, store_id: UUID) -> None:
        self._arrivals = arrivals
        self._store_id = store_id

    def __enter__(self) -> None:
        """Nothing is noted yet."""

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        """Note a refusal, and let it pass."""
        if isinstance(error, Refused):
            self._arrivals.refused(self._store_id, error.code)
