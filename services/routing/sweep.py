"""The sweep: hands the Orders tab of an ended connection back, chunk by chunk.

Each chunk is one transaction with its events and its progress, so a crash resumes where it was;
several processes share the work, one hand-over each. Hand-overs take turns, chunk by chunk.
"""

import asyncio

import structlog

from services.routing import events, handover, notices, store
from services.routing.store import PendingHandover
from shared.failures import is_transient
from shared.postgres import outbox
from shared.postgres.database import Database, Session
from shared.telemetry import HANDOVER_FAILURES

logger = structlog.get_logger(__name__)
# Only for what another process recorded and left when it died, and for what waits after a failure.
_POLL_SECONDS = 1.0
# Of payloads in one transaction: they are held in memory, and go into the outbox.
_CHUNK_BYTES = 8 * 1024 * 1024
_LONGEST_WAIT_SECONDS = 60.0
_MANY_FAILURES = 10


class Sweeper:
    """Runs the hand-overs that are to be done.

    Args:
        database: routing's schema.
        chunk: orders handed back in one transaction.
    """

    def __init__(self, database: Database, chunk: int) -> None:
        self._database = database
        self._chunk = chunk
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """A hand-over was recorded."""
        self._wake.set()

    async def run(self) -> None:
        """Sweep until cancelled; a lost database only pauses it."""
        while True:
            self._wake.clear()
            try:
                while await self.sweep_once():
                    pass
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("sweep waits", reason=str(error))
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def sweep_once(self) -> bool:
        """Hand back one chunk of the hand-over whose turn it is; False when it is nobody's.

        A hand-over that fails waits by itself: another tenant's orders do not wait for it.

        Raises:
            Exception: the database is away; nothing has changed.
        """
        pending: PendingHandover | None = None
        try:
            async with self._database.transaction() as session:
                pending = await store.claim_handover(session)
                if pending is None:
                    return False
                returned = await self._sweep_chunk(session, pending)
        except Exception as error:
            if pending is None:
                raise
            await self._postpone(pending, error)
            return True
        logger.info(
            "hand-over",
            connection_id=str(pending.connection_id),
            epoch=pending.epoch,
            returned=returned,
            finished=not returned,
        )
        return True

    async def _sweep_chunk(self, session: Session, pending: PendingHandover) -> int:
        """How many orders went back; with none the hand-over is finished."""
        connection = await store.get_connection(session, pending.connection_id)
        chunk = await store.lock_orders_to_hand_back(session, pending, self._chunk, _CHUNK_BYTES)
        decisions = [
            handover.hand_back(order, pending.reason, pending.id)
            for order in chunk
            if connection is not None
            and handover.goes_back(order, connection, three_pl_erased=pending.is_whole)
        ]
        # A chunk from which nothing went back would come again endlessly.
        if not decisions:
            done = await store.finish_handover(session, pending)
            if connection is not None:
                told = notices.handed_back(pending, connection.store_id, done)
                await outbox.write(session, told)
            return 0
        told = events.messages((decision, None) for decision in decisions)
        await store.write(session, decisions, told)
        await store.progress_handover(session, pending, len(decisions))
        return len(decisions)

    async def _postpone(self, pending: PendingHandover, error: Exception) -> None:
        async with self._database.session() as session:
            failures = await store.postpone_handover(
                session, pending, f"{type(error).__name__}: {error}", _LONGEST_WAIT_SECONDS
            )
        HANDOVER_FAILURES.inc()
        tell = logger.error if failures >= _MANY_FAILURES else logger.warning
        tell(
            "hand-over fails and is tried again; its orders cannot be processed meanwhile. "
            "routing.handovers.last_error says why",
            handover_id=str(pending.id),
            connection_id=str(pending.connection_id),
            failures=failures,
            reason=str(error),
        )
