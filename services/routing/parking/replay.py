"""Parked records, tried again when an operator asks for it (`relevo parked replay`).

Each order is one transaction: its records are handled in the order of the log, as they would have
been, and are gone from the parking with the same commit. One that fails again stays, and with it
what is behind it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import orjson
import structlog

from services.routing.orders import OrderKey
from services.routing.parking import store
from services.routing.parking.store import ParkedRow
from services.routing.store import Parked
from shared.failures import is_transient
from shared.kafka.batch import Record
from shared.postgres.database import Database, Session
from shared.telemetry import ORDERS_PARKED, RECORDS_PARKED

logger = structlog.get_logger(__name__)
_POLL_SECONDS = 1.0
_RECORDS = 500
# Handles records of one order; what failed comes back.
Handle = Callable[[Session, Sequence[Record]], Awaitable[Sequence[Parked]]]


class FailedAgain(Exception):  # noqa: N818  says what happened
    """A record failed as it did before; undoes what the transaction has done."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


class Replayer:
    """Tries parked records again.

    Args:
        database: routing's schema.
        handle: what is done with records of an order.
    """

    def __init__(self, database: Database, handle: Handle) -> None:
        self._database = database
        self._handle = handle

    async def run(self) -> None:
        """Look for what is to be replayed, until cancelled; a lost database only pauses it."""
        while True:
            try:
                while await self.replay_once():
                    pass
                async with self._database.session() as session:
                    records, orders = await store.count_parked(session)
                RECORDS_PARKED.set(records)
                ORDERS_PARKED.set(orders)
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("replay waits", reason=str(error))
            await asyncio.sleep(_POLL_SECONDS)

    async def replay_once(self) -> bool:
        """Replay the records of one order; False when none is asked for, or another has it.

        Raises:
            Exception: the database is away; nothing has changed.
        """
        key: OrderKey | None = None
        try:
            async with self._database.transaction() as session:
                key = await store.next_replay(session)
                if key is None or not await store.claim_replay(session, key):
                    return False
                await self._replay(session, key)
        except Exception as error:
            if key is None or is_transient(error):
                raise
            await self._fail(key, error)
        return True

    async def _replay(self, session: Session, key: OrderKey) -> None:
        replayed = 0
        # What was parked while we waited for its lock is seen by the next look.
        while rows := await store.records_of_order(session, key, 0, _RECORDS):
            failed = await self._handle(session, [_record(row) for row in rows])
            if failed:
                first = failed[0].record
                # Records of two stores may be together here, so of two partitions.
                at = (first.generation, first.partition, first.offset)
                row = next(
                    row for row in rows if (row.generation, row.partition, row.record_offset) == at
                )
                raise FailedAgain(row.id, failed[0].reason)
            await store.unpark(session, [row.id for row in rows])
            replayed += len(rows)
        logger.info("parked records replayed", store_id=str(key.store_id), records=replayed)

    async def _fail(self, key: OrderKey, error: Exception) -> None:
        row, reason = (error.row, error.reason) if isinstance(error, FailedAgain) else (0, "")
        async with self._database.session() as session:
            await store.fail_replay(session, key, row, reason or repr(error))
        logger.error("replay failed; the records stay parked", reason=reason or repr(error))


def _record(row: ParkedRow) -> Record:
    return Record(
        topic=row.topic,
        partition=row.partition,
        offset=row.record_offset,
        key=f"{row.store_id}:{row.external_id}",
        headers=orjson.loads(row.headers),
        value=row.value,
        raw=None,
        generation=row.generation,
    )
