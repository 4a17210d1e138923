"""What routing does with the records of its two topics: one transaction per batch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from prometheus_client import Counter
from uuid_utils.compat import uuid7

from services.routing import assignment, events, handover, store
from services.routing.orders import Connection, Decision, Incoming, Order
from services.routing.sweep import Sweeper
from shared import outbox
from shared.bus import Received, Record
from shared.contracts import ConnectionChanged, OrderReceived
from shared.database import Database

DECISIONS = Counter(
    "relevo_order_decisions_total", "What became of what stores told, by outcome.", ("outcome",)
)
_HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Told:
    """One record of `orders.received`, read."""

    incoming: Incoming
    traceparent: str | None


def read_order(record: Record) -> Told:
    """The order in a record, with its canonical payload and content hash.

    Raises:
        ValueError: not an `OrderReceived`.
    """
    # At every depth: an order itself refuses unknown fields at the API, but not on the log.
    received = OrderReceived.model_validate_json(record.value, extra="ignore")
    order = received.order
    if order is None and received.action != "delete":
        raise ValueError("order: missing, and the action is not delete")
    # The source's clock is no content: the same order told again later changes nothing.
    content = order.model_dump_json(exclude={"updated_at"}).encode() if order else b""
    incoming = Incoming(
        store_id=received.store_id,
        brand_id=received.brand_id,
        external_id=received.external_id,
        updated_at=received.updated_at,
        payload=order.model_dump_json() if order else None,
        content_hash=hashlib.blake2b(content, digest_size=_HASH_BYTES).digest(),
        cancelled=order is not None and order.cancelled_at is not None,
        deleted=received.action == "delete",
    )
    return Told(incoming, record.headers.get("traceparent"))


def read_connection(record: Record) -> ConnectionChanged:
    """The connection in a record.

    Raises:
        ValueError: not a `ConnectionChanged`.
    """
    return ConnectionChanged.model_validate_json(record.value)


class Handlers:
    """The handlers of routing's topics.

    Args:
        database: routing's schema.
        sweeper: woken when a hand-over was recorded.
    """

    def __init__(self, database: Database, sweeper: Sweeper) -> None:
        self._database = database
        self._sweeper = sweeper

    async def on_orders_received(self, batch: Sequence[Received[Told]]) -> None:
        """Decide on every order of the batch and write all of it at once."""
        told = [received.body for received in batch]
        keys = {(each.incoming.store_id, each.incoming.external_id) for each in told}
        async with self._database.transaction() as session:
            connections = await store.lock_connections_of_stores(
                session, {store_id for store_id, _ in keys}
            )
            known = await store.lock_orders(session, keys)
            decided = _decide(told, connections, known)
            await store.write(session, [decision for decision, _ in decided])
            await outbox.write(session, events.messages(decided))
        for decision, _ in decided:
            DECISIONS.labels(decision.outcome).inc()

    async def on_connections_changed(self, batch: Sequence[Received[ConnectionChanged]]) -> None:
        """Store newer states and, with them, the sweeps they owe: the fence of a hand-over.

        From this commit on no new order goes to an ended connection and `process` is refused.
        """
        newest: dict[UUID, ConnectionChanged] = {}
        for received in batch:
            change = received.body
            seen = newest.get(change.connection_id)
            if seen is None or seen.version < change.version:
                newest[change.connection_id] = change
        async with self._database.transaction() as session:
            known = await store.lock_connections(session, newest)
            applied = [
                change
                for change in newest.values()
                if change.connection_id not in known
                or known[change.connection_id].version < change.version
            ]
            if not applied:
                return
            await store.apply_connections(session, applied)
            owed = _owed(applied, known)
            if owed:
                await store.record_handovers(session, owed)
        if owed:
            self._sweeper.wake()


def _decide(
    told: Sequence[Told],
    connections: dict[UUID, list[Connection]],
    known: dict[tuple[UUID, str], Order],
) -> list[tuple[Decision, str | None]]:
    """Decide in the order of the log; later records of an order see what earlier ones made."""
    assigned = {store_id: assignment.assign(each) for store_id, each in connections.items()}
    current = dict(known)
    decided: list[tuple[Decision, str | None]] = []
    for each in told:
        incoming = each.incoming
        key = (incoming.store_id, incoming.external_id)
        decision = assignment.receive(
            current.get(key), incoming, assigned.get(incoming.store_id), uuid7()
        )
        current[key] = decision.order
        decided.append((decision, each.traceparent))
    return decided


def _owed(
    applied: Sequence[ConnectionChanged], known: dict[UUID, Connection]
) -> list[tuple[Connection, int, str]]:
    owed = []
    for change in applied:
        connection = Connection(
            id=change.connection_id,
            store_id=change.store_id,
            brand_id=change.brand_id,
            three_pl_id=change.three_pl_id,
            state=change.state,
            version=change.version,
            epoch=change.epoch,
            priority=change.priority,
            settings_version=change.settings.version,
            endpoint_id=change.settings.endpoint_id,
        )
        epoch = handover.sweep_through(known.get(connection.id), connection)
        if epoch is not None:
            owed.append((connection, epoch, f"the connection is {change.state}"))
    return owed
