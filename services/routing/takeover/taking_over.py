"""Takes over from `orders.events` what the database has lost, before anything else is done.

After a restore, or with an emptied schema, routing's own events on the log know more than its
tables. Deciding without them would enter every such order anew, under today's connection, and its
goods would be shipped twice. At an ordinary start there is next to nothing to read: the relay notes
how far the events that it sent reach.
"""

from collections.abc import Mapping, Sequence

import structlog
from aiokafka import ConsumerRecord

from services.routing import store as routing_store
from services.routing.takeover import store
from services.routing.takeover.reading import TakeOver, Told, newer, read_told
from shared.contracts.orders_events import OrderEventAttributes
from shared.kafka.positions import Step
from shared.kafka.reading_on import ReadingOn
from shared.kafka.topics import ORDERS_EVENTS
from shared.postgres import positions
from shared.postgres.database import Database, Session
from shared.postgres.positions import PositionRows
from shared.settings import Settings
from shared.telemetry import TAKEN_OVER

logger = structlog.get_logger(__name__)


class TakingOver:
    """One take-over of one process; several at once do not disturb each other.

    Args:
        database: routing's schema.
        settings: `kafka`, `topic_prefix`.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._reading = ReadingOn(
            settings.kafka,
            settings.topic_prefix + ORDERS_EVENTS.name,
            PositionRows(database, ORDERS_EVENTS.name),
            self._take_over,
        )
        self.orders = 0

    async def run(self) -> None:
        """Return when the database knows all that the log did at the start.

        Raises:
            Exception: Kafka or Postgres is away; another call goes on where this one was.
        """
        await self._reading.run()
        async with self._database.transaction() as session:
            await store.hand_over_what_ended(session)
        if self.orders:
            logger.warning(
                "the log knew more than the database: it was taken over", events=self.orders
            )

    def missing(self) -> str:
        """How far it is, for readiness."""
        return f"{ORDERS_EVENTS.name}: {self._reading.left:,} records to look at"

    async def _take_over(self, records: Sequence[ConsumerRecord], steps: Sequence[Step]) -> None:
        events = [found for record in records if (found := _read_attributes(record)) is not None]
        async with self._database.transaction() as session:
            taken = await self._write(session, events)
            await positions.move(session, ORDERS_EVENTS.name, steps)
        self.orders += taken
        TAKEN_OVER.inc(taken)

    async def _write(self, session: Session, events: Sequence["_Event"]) -> int:
        """How many events the database did not know."""
        known = await store.sequences_of(session, {event.attributes.order_id for event in events})
        told = [
            one
            for event in events
            if event.attributes.sequence > known.get(event.attributes.order_id, -1)
            and (one := _read(event)) is not None
        ]
        if not told:
            return 0
        found = newer(told, await store.lock_known(session, [one.order for one in told]))
        await routing_store.write(session, found.decisions)
        await store.reopen(session, [decision.order for decision in found.decisions])
        _tell(found)
        return len(found.decisions)


class _Event:
    """A record whose attributes could be read."""

    def __init__(self, record: ConsumerRecord, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self.record = record
        self.attributes = OrderEventAttributes.parse(headers)


def _read_attributes(record: ConsumerRecord) -> _Event | None:
    try:
        return _Event(record, {name: (value or b"").decode() for name, value in record.headers})
    except (KeyError, ValueError) as error:
        _tell_unreadable(record, error)
        return None


def _read(event: _Event) -> Told | None:
    try:
        return read_told(event.headers, event.record.value or b"")
    except (KeyError, ValueError, TypeError) as error:
        _tell_unreadable(event.record, error)
        return None


def _tell_unreadable(record: ConsumerRecord, error: Exception) -> None:
    logger.error(
        "an event on the log cannot be read, and is not taken over",
        partition=record.partition,
        offset=record.offset,
        reason=repr(error),
    )


def _tell(found: TakeOver) -> None:
    for order in found.displaced:
        logger.error(
            "an order on the log has the place of another one here, and is not taken over",
            order_id=str(order.id),
            store_id=str(order.store_id),
            sequence=order.sequence,
        )
