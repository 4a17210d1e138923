"""What routing does with the records of its topics: one transaction per batch."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from services.routing import handover, received, store
from services.routing.moves.mover import Mover
from services.routing.orders import Connection
from services.routing.received import ReceivedOrder, read_order
from services.routing.settings import Settings
from services.routing.store import PendingHandover
from services.routing.sweep import Sweeper
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.batch import Record, newest_versions, read
from shared.kafka.positions import Step
from shared.kafka.subscriber import BatchRouter, Wait
from shared.kafka.topics import CONNECTIONS_CHANGED, ORDERS_RECEIVED, STORES_CHANGED
from shared.postgres.database import Database
from shared.postgres.positions import PositionRows
from shared.telemetry import ORDER_DECISIONS


def subscribe(
    router: BatchRouter,
    database: Database,
    sweeper: Sweeper,
    mover: Mover,
    settings: Settings,
    before_orders: Sequence[Wait],
) -> None:
    """Declare what routing reads.

    Args:
        router: FastStream's, of this process.
        database: routing's schema.
        sweeper: woken when a hand-over was recorded.
        mover: told of stores that moved.
        settings: sizes of batches.
        before_orders: awaited one after the other before any order is decided on.
    """
    _subscribe_orders(router, database, settings, before_orders)
    _subscribe_connections(router, database, sweeper)
    _subscribe_stores(router, mover)


def _subscribe_orders(
    router: BatchRouter, database: Database, settings: Settings, after: Sequence[Wait]
) -> None:
    brake = router.brake_of(ORDERS_RECEIVED)

    async def park(record: Record, reason: str, steps: Sequence[Step]) -> None:
        """Keep a record that cannot be written."""
        async with database.transaction() as session:
            await received.park(session, read_order(record), reason, steps)

    @router.positioned_subscriber(
        ORDERS_RECEIVED,
        group="routing-orders",
        parse=read_order,
        rows=PositionRows(database, ORDERS_RECEIVED.name),
        max_records=settings.routing_batch_records,
        fetch_max_wait_ms=settings.routing_fetch_max_wait_ms,
        park=park,
        after=after,
    )
    async def on_orders_received(orders: Sequence[ReceivedOrder], steps: Sequence[Step]) -> None:
        """Decide on every order of the batch and write all of it at once."""
        async with database.transaction() as session:
            handled = await received.handle(session, orders, steps)
            # Before anything is given up: the brake undoes the transaction.
            brake.judge(received.outcomes(orders, handled))
            if handled.parked:
                await store.park(session, handled.parked)
        for decision, _ in handled.decided:
            ORDER_DECISIONS.labels(decision.outcome).inc()
        if handled.erased:
            ORDER_DECISIONS.labels("erased").inc(handled.erased)


def _subscribe_connections(router: BatchRouter, database: Database, sweeper: Sweeper) -> None:
    @router.whole_subscriber(CONNECTIONS_CHANGED, parse=read(ConnectionChanged))
    async def on_connections_changed(changes: Sequence[ConnectionChanged]) -> None:
        """Store newer states and, with them, the hand-overs that follow: the fence.

        From this commit on no new order goes to an ended connection and `process` is refused.
        """
        newest = newest_versions(changes, key=lambda change: change.connection_id)
        # A look without locks: each process reads all of it at each start, and knows most.
        async with database.session() as session:
            versions = await store.connection_versions(session, newest)
        newer = [one for id_, one in newest.items() if versions.get(id_, -1) < one.version]
        if not newer:
            return
        async with database.transaction() as session:
            known = await store.lock_connections(session, newer)
            applied = [
                change
                for change in newer
                if change.connection_id not in known
                or known[change.connection_id].version < change.version
            ]
            if not applied:
                return
            await store.apply_connections(session, applied)
            pending = pending_handovers(applied, known)
            if pending:
                await store.record_handovers(session, pending)
        if pending:
            sweeper.wake()


def _subscribe_stores(router: BatchRouter, mover: Mover) -> None:
    @router.whole_subscriber(STORES_CHANGED, parse=read(StoreChanged))
    async def on_stores_changed(changes: Sequence[StoreChanged]) -> None:
        """Note whose orders become a brand's; nothing else about stores matters here."""
        await mover.note(newest_versions(changes, key=lambda change: change.store_id).values())


def pending_handovers(
    applied: Iterable[ConnectionChanged], known: dict[UUID, Connection]
) -> list[PendingHandover]:
    """The hand-overs that these changes make necessary."""
    pending = []
    for change in applied:
        connection = Connection.of(change)
        epoch = handover.sweep_through(known.get(connection.id), connection)
        if epoch is not None:
            reason = f"the connection is {change.state}"
            pending.append(PendingHandover.of(connection, epoch, reason))
    return pending
