"""The sweep: hands the Orders tab of an ended connection back, chunk by chunk.

Each chunk is one transaction with its events and its progress, so a crash resumes where it was;
several processes share the work, one hand-over each.
"""

import asyncio

import structlog

from services.routing import events, handover, store
from shared.failures import is_transient
from shared.postgres import outbox
from shared.postgres.database import Database

logger = structlog.get_logger(__name__)
# Only for what another process recorded and left when it died.
_POLL_SECONDS = 1.0


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
        """Hand back one chunk of one hand-over; False when none is to be done."""
        async with self._database.transaction() as session:
            pending = await store.claim_handover(session)
            if pending is None:
                return False
            connection = await store.get_connection(session, pending.connection_id)
            chunk = await store.lock_orders_to_hand_back(session, pending, self._chunk)
            decisions = [
                handover.hand_back(order, pending.reason)
                for order in chunk
                if connection is not None and handover.goes_back(order, connection)
            ]
            if decisions:
                await store.write(session, decisions)
                lone = ((decision, None) for decision in decisions)
                await outbox.write(session, events.messages(lone))
                await store.progress_handover(session, pending, len(decisions))
            # A chunk from which nothing went back would come again endlessly.
            finished = len(chunk) < self._chunk or not decisions
            if finished:
                await store.finish_handover(session, pending)
        logger.info(
            "hand-over",
            connection_id=str(pending.connection_id),
            epoch=pending.epoch,
            returned=len(decisions),
            finished=finished,
        )
        return True
