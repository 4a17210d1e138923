"""Records of `orders.received`: read, decided on in the order of the log, written at once.

Nothing that a store said is skipped: a record that fails is parked, and what comes later about the
same order is parked behind it, so that no order is ever decided on with a hole in its past.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from uuid import UUID

import structlog
from pydantic import ValidationError
from uuid_utils.compat import uuid7

from services.routing import assignment, events, payment, store
from services.routing.moves import mapping
from services.routing.moves.mapping import Moves
from services.routing.orders import (
    Connection,
    Decision,
    Incoming,
    Order,
    OrderKey,
    SettingsVersion,
)
from services.routing.store import Parked
from shared.contracts.orders_received import OrderReceived
from shared.failures import Permanent, Transient
from shared.kafka.batch import Record, describe
from shared.postgres import outbox
from shared.postgres.database import Session

logger = structlog.get_logger(__name__)
_HASH_BYTES = 16
_BEHIND = "an earlier record of this order is parked"


@dataclass(frozen=True, slots=True)
class ReceivedOrder:
    """One record, read; `incoming` is None for one that is no order, and `flaw` says why."""

    key: OrderKey
    incoming: Incoming | None
    record: Record = field(compare=False, repr=False)
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of the records of a batch, each with its `traceparent`; and what is to park."""

    decided: list[tuple[Decision, str | None]]
    parked: list[Parked]


def read_order(record: Record) -> ReceivedOrder:
    """The order in a record, with its canonical payload and content hash.

    Raises:
        ValueError: no JSON, or no key of an order: nobody could say what to park it behind.
    """
    try:
        received = OrderReceived.model_validate_json(record.value)
    except ValidationError as error:
        return ReceivedOrder(_key_of(record, error), None, record, describe(error))
    if received.order is None and received.action != "delete":
        missing = "order: missing, and the action is not delete"
        return ReceivedOrder(_key_of(record, ValueError(missing)), None, record, missing)
    return ReceivedOrder(
        OrderKey(received.store_id, received.external_id), _incoming(received), record
    )


def _key_of(record: Record, error: ValueError) -> OrderKey:
    is_json = not isinstance(error, ValidationError) or all(
        flaw["type"] != "json_invalid" for flaw in error.errors(include_input=False)
    )
    store_id, separator, external_id = record.key.partition(":")
    if not is_json or not separator:
        raise error
    try:
        return OrderKey(UUID(store_id), external_id)
    except ValueError:
        raise error from None


def _incoming(received: OrderReceived) -> Incoming:
    order = received.order
    # The source's clock is no content: the same order sent again later changes nothing.
    content = order.model_dump_json(exclude={"updated_at"}).encode() if order else b""
    return Incoming(
        store_id=received.store_id,
        brand_id=received.brand_id,
        external_id=received.external_id,
        updated_at=received.updated_at,
        received_at=received.received_at,
        payload=order.model_dump_json() if order else None,
        content_hash=hashlib.blake2b(content, digest_size=_HASH_BYTES).digest(),
        cancelled=order is not None and order.cancelled_at is not None,
        deleted=received.action == "delete",
        fulfilled=order is not None and order.fulfilment_status == "fulfilled",
        voided=order is not None and payment.is_void(order),
        unpaid=order is not None and payment.is_unpaid(order, received.payment_rules),
        number=order.number if order else None,
        total=order.total if order else None,
        currency=order.currency if order else None,
        created_at=order.created_at if order else None,
        store_clock=order.updated_at if order and order.updated_at > received.updated_at else None,
    )


async def handle(
    session: Session, records: Sequence[ReceivedOrder], *, is_replay: bool = False
) -> Handled:
    """Decide on all of them and write all of it; what is to be parked is the caller's to keep.

    Args:
        session: in a transaction.
        records: in the order of the log.
        is_replay: these are the records that the others wait behind.

    Raises:
        Transient: a store moved at this moment; try again.
    """
    connections, moves, parked = await _enter(session, {record.key for record in records})
    orders = [_after(record, moves) for record in records] if moves else records
    known = await store.lock_orders(session, {order.key for order in orders})
    if moves:
        known = {key: mapping.order_after(order, moves) for key, order in known.items()}
    versions = await _older_settings(session, orders, connections)
    handled = decide(orders, connections, versions, known, () if is_replay else parked)
    await store.write(session, [decision for decision, _ in handled.decided])
    await outbox.write(session, events.messages(handled.decided))
    return handled


async def park(session: Session, order: ReceivedOrder, reason: str) -> None:
    """Keep a record that cannot be written, where what comes later about its order finds it.

    Raises:
        Transient: its store moved at this moment; try again.
    """
    _, moves, _ = await _enter(session, {order.key})
    await store.park(session, [Parked(mapping.key_after(order.key, moves), order.record, reason)])


async def _enter(
    session: Session, keys: AbstractSet[OrderKey]
) -> tuple[dict[UUID, list[Connection]], Moves, set[OrderKey]]:
    """Pass the gates of the orders' stores: what is locked, what has moved, what is parked."""
    connections = await store.lock_connections_of_stores(session, {key.store_id for key in keys})
    moves, parked = await store.moved_and_parked(session, keys)
    if any(move.store_id not in connections for move in moves.values()):
        # It was noted while we waited. Its gate is not taken now, out of order: the next chunk of
        # the move has it, perhaps, and waits for ours.
        raise Transient("a store of the batch moved at this moment")
    return connections, moves, parked


def _after(order: ReceivedOrder, moves: Moves) -> ReceivedOrder:
    incoming = mapping.message_after(order.incoming, moves) if order.incoming else None
    return replace(order, key=mapping.key_after(order.key, moves), incoming=incoming)


def outcomes(orders: Iterable[ReceivedOrder], handled: Handled) -> list[tuple[str, bool]]:
    """For the brake: the key of each record, and whether it failed by itself."""
    behind = {id(one.record) for one in handled.parked if one.reason == _BEHIND}
    failed = {id(one.record) for one in handled.parked} - behind
    return [
        (order.record.key, id(order.record) in failed)
        for order in orders
        if id(order.record) not in behind
    ]


async def handle_again(session: Session, records: Sequence[Record]) -> list[Parked]:
    """Handle parked records of one order; those that failed again, with what is behind them."""
    handled = await handle(session, [read_order(record) for record in records], is_replay=True)
    return handled.parked


async def _older_settings(
    session: Session,
    orders: Iterable[ReceivedOrder],
    connections: Mapping[UUID, Sequence[Connection]],
) -> dict[UUID, list[SettingsVersion]]:
    """What counted before, of connections whose settings are younger than an order of the batch."""
    accepted = [order.incoming.received_at for order in orders if order.incoming]
    younger = [
        connection.id
        for of_store in connections.values()
        for connection in of_store
        if accepted and connection.effective_at > min(accepted)
    ]
    return await store.settings_of(session, younger) if younger else {}


def decide(
    orders: Iterable[ReceivedOrder],
    connections: Mapping[UUID, Sequence[Connection]],
    versions: Mapping[UUID, Sequence[SettingsVersion]],
    known: Mapping[tuple[UUID, str], Order],
    parked: Iterable[OrderKey] = (),
) -> Handled:
    """Decide in the order of the log; later records of an order see what earlier ones made.

    Args:
        orders: what came.
        connections: by store, locked.
        versions: of connections whose newest settings are younger than one of the orders.
        known: the orders that are known, locked.
        parked: orders that have a parked record already.
    """
    assigned = {store_id: assignment.assign(found) for store_id, found in connections.items()}
    current = dict(known)
    waiting = set(parked)
    handled = Handled([], [])
    for order in orders:
        if order.key in waiting:
            handled.parked.append(Parked(order.key, order.record, _BEHIND))
            continue
        try:
            decision = _decide(order, assigned.get(order.key.store_id), versions, current)
        except Exception as error:
            waiting.add(order.key)
            handled.parked.append(Parked(order.key, order.record, describe(error)))
            logger.error(  # noqa: TRY400  the reason is all there is to a flaw
                "record parked",
                store_id=str(order.key.store_id),
                reason=describe(error),
                exc_info=None if isinstance(error, Permanent) else error,
            )
        else:
            current[order.key] = decision.order
            traceparent = order.record.headers.get("traceparent")
            handled.decided.append((decision, traceparent))
    return handled


def _decide(
    order: ReceivedOrder,
    connection: Connection | None,
    versions: Mapping[UUID, Sequence[SettingsVersion]],
    current: Mapping[tuple[UUID, str], Order],
) -> Decision:
    if order.incoming is None:
        raise Permanent(order.flaw)
    if connection is not None:
        connection = assignment.bound(connection, versions.get(connection.id, ()), order.incoming)
    return assignment.receive(current.get(order.key), order.incoming, connection, uuid7())
