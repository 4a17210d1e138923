"""Makes test orders, and cancels each when its time is over, whatever becomes of the process.

What is to be cancelled is noted before the order is sent. A cancellation that is repeated after a
crash is the same message, which routing drops.
"""

from datetime import UTC, datetime

import structlog
from uuid_utils.compat import uuid4

from services.ingest.credentials import Store, Stores
from services.ingest.intake import Intake
from services.ingest.platforms import PlatformOrder
from services.ingest.test_orders import order, store
from services.ingest.test_orders.store import TestOrder
from shared.failures import Refused
from shared.postgres.database import Database
from shared.postgres.noted_work import NotedWork
from shared.telemetry import traceparent_of

logger = structlog.get_logger(__name__)
MOST_AN_HOUR = 10
_BATCH = 100


class TestOrders:
    """The test orders of a schema.

    Args:
        database: ingest's schema.
        stores: whose they are.
        intake: takes them as it takes any order.
        seconds: how long each lives.
    """

    __test__ = False

    def __init__(self, database: Database, stores: Stores, intake: Intake, seconds: float) -> None:
        self._database = database
        self._stores = stores
        self._intake = intake
        self._seconds = seconds
        self._work = NotedWork(database, "ingest test orders", self._is_due, self.cancel_due)

    async def send(self, sender: Store, traceparent: str) -> TestOrder:
        """Return when the order is durable.

        Raises:
            Refused: `too_many_attempts`; `temporarily_unavailable`.
        """
        async with self._database.transaction() as session:
            lately = await store.lock_and_count(session, sender.id)
            if lately.made >= MOST_AN_HOUR:
                raise Refused("too_many_attempts", retry_after=max(1, round(lately.seconds)))
            made = await store.insert_test_order(
                session, uuid4(), sender.id, lately.highest + 1, self._seconds
            )
        try:
            await self._intake.accept(
                sender, [order.made(made.id, made.number, made.made_at)], traceparent
            )
        except Refused:
            async with self._database.session() as session:
                await store.forget_test_order(session, made.id)
            raise
        async with self._database.session() as session:
            await store.note_accepted(session, made.id)
        return made

    async def run(self) -> None:
        """Cancel what is due, until cancelled."""
        await self._work.run()

    async def _is_due(self) -> bool:
        async with self._database.session() as session:
            return bool(await store.due_test_orders(session, 1))

    async def cancel_due(self) -> None:
        """Return when all whose time is over are cancelled.

        Raises:
            Exception: transient; what is left is still noted.
        """
        while True:
            async with self._database.session() as session:
                due = await store.due_test_orders(session, _BATCH)
            if not due:
                break
            for one in due:
                try:
                    await self._cancel(one)
                except Refused as refused:
                    if refused.code == "temporarily_unavailable":
                        logger.warning("test orders are cancelled later", reason=str(refused))
                        return
                    # Its store is gone, and its orders with it.
            async with self._database.session() as session:
                await store.note_cancelled(session, [one.id for one in due])
        async with self._database.session() as session:
            await store.sweep_test_orders(session)

    async def _cancel(self, one: TestOrder) -> None:
        sender = self._stores.get(one.store_id)
        await self._intake.accept(sender, [_end_of(one)], traceparent_of({}))


def _end_of(one: TestOrder) -> PlatformOrder:
    if one.is_accepted:
        return order.cancelled(one.id, one.number, one.made_at, one.cancel_at)
    return order.never_made(one.id, min(one.cancel_at, datetime.now(UTC)))
