"""What routing does with what fulfilment tells: one transaction per batch."""

from collections.abc import Sequence
from uuid import UUID

from services.routing import events, store
from services.routing.orders import Decision, Order
from services.routing.settings import Settings
from services.routing.shipments.effect import told
from shared.contracts.shipments_events import ShipmentsChanged
from shared.kafka.batch import read
from shared.kafka.positions import Step
from shared.kafka.subscriber import BatchRouter, Wait
from shared.kafka.topics import SHIPMENTS_EVENTS
from shared.postgres import positions
from shared.postgres.database import Database
from shared.postgres.positions import PositionRows
from shared.telemetry import ORDER_DECISIONS


def subscribe(
    router: BatchRouter, database: Database, settings: Settings, after: Sequence[Wait]
) -> None:
    """Declare it.

    Args:
        router: FastStream's, of this process.
        database: routing's schema.
        settings: sizes of batches.
        after: awaited one after the other before anything is read.
    """

    @router.positioned_subscriber(
        SHIPMENTS_EVENTS,
        group="routing-shipments",
        parse=read(ShipmentsChanged),
        rows=PositionRows(database, SHIPMENTS_EVENTS.name),
        max_records=settings.routing_batch_records,
        after=after,
    )
    async def on_shipments_changed(
        changes: Sequence[ShipmentsChanged], steps: Sequence[Step]
    ) -> None:
        """Each order as its shipments leave it; of an order that is not known nothing is kept."""
        ids = {change.order_id for change in changes}
        async with database.transaction() as session:
            # Connections before orders, as commands and batches do, so that none deadlock.
            await store.lock_connections_of_orders(session, ids)
            orders = await store.lock_orders_by_id(session, ids)
            decisions = decide(orders, changes)
            told = events.messages((one, None) for one in decisions)
            await store.write(session, decisions, told)
            await positions.move(session, SHIPMENTS_EVENTS.name, steps)
        for one in decisions:
            ORDER_DECISIONS.labels(one.outcome).inc()


def decide(orders: dict[UUID, Order], changes: Sequence[ShipmentsChanged]) -> list[Decision]:
    """One decision for each change that says something new, in their order."""
    now = dict(orders)
    decisions = []
    for change in changes:
        order = now.get(change.order_id)
        decision = told(order, change) if order else None
        if decision is not None:
            now[decision.order.id] = decision.order
            decisions.append(decision)
    return decisions
