"""What routing does with the records of its two topics: one transaction per batch."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from services.routing import assignment, events, handover, store
from services.routing.orders import Connection, Decision, Incoming, Order
from services.routing.settings import Settings
from services.routing.store import PendingHandover
from services.routing.sweep import Sweeper
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.orders_received import OrderReceived
from shared.kafka.batch import Record, newest_versions, read
from shared.kafka.subscriber import BatchRouter
from shared.kafka.topics import CONNECTIONS_CHANGED, ORDERS_RECEIVED
from shared.postgres import outbox
from shared.postgres.database import Database
from shared.telemetry import ORDER_DECISIONS

_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class ReceivedOrder:
    """One record of `orders.received`, read."""

    incoming: Incoming
    traceparent: str | None


def subscribe(
    router: BatchRouter, database: Database, sweeper: Sweeper, settings: Settings
) -> None:
    """Declare what routing reads.

    Args:
        router: FastStream's, of this process.
        database: routing's schema.
        sweeper: woken when a hand-over was recorded.
        settings: sizes of batches.
    """

    @router.batch_subscriber(
        ORDERS_RECEIVED,
        group="routing-orders",
        parse=read_order,
        max_records=settings.routing_batch_records,
        fetch_max_wait_ms=settings.routing_fetch_max_wait_ms,
    )
    async def on_orders_received(orders: Sequence[ReceivedOrder]) -> None:
        """Decide on every order of the batch and write all of it at once."""
        keys = {(order.incoming.store_id, order.incoming.external_id) for order in orders}
        async with database.transaction() as session:
            connections = await store.lock_connections_of_stores(
                session, {store_id for store_id, _ in keys}
            )
            known = await store.lock_orders(session, keys)
            decided = decide(orders, connections, known)
            await store.write(session, [decision for decision, _ in decided])
            await outbox.write(session, events.messages(decided))
        for decision, _ in decided:
            ORDER_DECISIONS.labels(decision.outcome).inc()

    @router.batch_subscriber(
        CONNECTIONS_CHANGED, group="routing-connections", parse=read(ConnectionChanged)
    )
    async def on_connections_changed(changes: Sequence[ConnectionChanged]) -> None:
        """Store newer states and, with them, the hand-overs that follow: the fence.

        From this commit on no new order goes to an ended connection and `process` is refused.
        """
        newest = newest_versions(changes, key=lambda change: change.connection_id)
        async with database.transaction() as session:
            known = await store.lock_connections(session, newest.values())
            applied = [
                change
                for change in newest.values()
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


def read_order(record: Record) -> ReceivedOrder:
    """The order in a record, with its canonical payload and content hash.

    Raises:
        ValueError: not an `OrderReceived`.
    """
    received = OrderReceived.model_validate_json(record.value)
    order = received.order
    if order is None and received.action != "delete":
        raise ValueError("order: missing, and the action is not delete")
    # The source's clock is no content: the same order sent again later changes nothing.
    content = order.model_dump_json(exclude={"updated_at"}).encode() if order else b""
    incoming = Incoming(
        store_id=received.store_id,
        brand_id=received.brand_id,
        external_id=received.external_id,
        updated_at=received.updated_at,
        received_at=received.received_at,
        payload=order.model_dump_json() if order else None,
        content_hash=hashlib.blake2b(content, digest_size=_HASH_BYTES).digest(),
        cancelled=order is not None and order.cancelled_at is not None,
        deleted=received.action == "delete",
        store_clock=order.updated_at if order and order.updated_at > received.updated_at else None,
    )
    return ReceivedOrder(incoming, record.headers.get("traceparent"))


def decide(
    orders: Iterable[ReceivedOrder],
    connections: dict[UUID, list[Connection]],
    known: dict[tuple[UUID, str], Order],
) -> list[tuple[Decision, str | None]]:
    """Decide in the order of the log; later records of an order see what earlier ones made."""
    assigned = {store_id: assignment.assign(found) for store_id, found in connections.items()}
    current = dict(known)
    decided: list[tuple[Decision, str | None]] = []
    for order in orders:
        incoming = order.incoming
        key = (incoming.store_id, incoming.external_id)
        decision = assignment.receive(
            current.get(key), incoming, assigned.get(incoming.store_id), uuid7()
        )
        current[key] = decision.order
        decided.append((decision, order.traceparent))
    return decided


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
