"""What fulfilment does with the events of orders."""

from collections.abc import Sequence

from services.fulfilment.orders import seen, store
from services.fulfilment.orders.seen import SeenOrder
from services.fulfilment.settings import Settings
from services.fulfilment.shipments import applying
from shared.kafka.batch import Record
from shared.kafka.positions import Step
from shared.kafka.subscriber import BatchRouter, Wait
from shared.kafka.topics import ORDERS_EVENTS
from shared.postgres import positions
from shared.postgres.database import Database
from shared.postgres.positions import PositionRows


def subscribe(
    router: BatchRouter, database: Database, settings: Settings, before_events: Sequence[Wait]
) -> None:
    """Declare it.

    Args:
        router: FastStream's, of this process.
        database: fulfilment's schema.
        settings: the size of batches.
        before_events: awaited one after the other before events are read.
    """

    @router.positioned_subscriber(
        ORDERS_EVENTS,
        group="fulfilment",
        parse=read_event,
        rows=PositionRows(database, ORDERS_EVENTS.name),
        max_records=settings.fulfilment_batch_records,
        fetch_max_wait_ms=settings.fulfilment_fetch_max_wait_ms,
        after=before_events,
    )
    async def on_order_events(orders: Sequence[SeenOrder], steps: Sequence[Step]) -> None:
        """Keep what is newest of each order, with its shipments and what follows from them."""
        async with database.transaction() as session:
            await positions.move(session, ORDERS_EVENTS.name, steps)
            changes = await applying.follow_events(session, orders)
            await store.keep(session, seen.newest(orders))
            await applying.write(session, changes)


def read_event(record: Record) -> SeenOrder:
    """The order in a record.

    Raises:
        KeyError, ValueError: it is no event of an order.
    """
    return SeenOrder.of(record.headers, record.value)
