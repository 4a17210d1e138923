"""Records of `orders.received`: read, decided on in the order of the log, written at once.

Nothing that a store said is skipped: a record that fails is parked, and what comes later about the
same order is parked behind it, so that no order is ever decided on with a hole in its past.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from pydantic import ValidationError

from services.routing import assignment, events, payment, store
from services.routing.assignment import NOBODY
from services.routing.moves import mapping
from services.routing.moves.mapping import Moves
from services.routing.orders import (
    Connection,
    Decision,
    Incoming,
    LogPosition,
    Order,
    OrderKey,
    SettingsVersion,
)
from services.routing.search import words_of
from services.routing.store import Parked
from shared.contracts.orders_received import SPOOLED, OrderReceived
from shared.failures import Permanent, Transient
from shared.ids import order_id
from shared.kafka.batch import Record, describe
from shared.kafka.positions import Step
from shared.postgres.database import Session

logger = structlog.get_logger(__name__)
_HASH_BYTES = 16
_CLOCK = re.compile(r'"updated_at":"[^"]*",')
_BEHIND = "an earlier record of this order is parked"


@dataclass(frozen=True, slots=True)
class ReceivedOrder:
    """One record, read; `incoming` is None for one that is no order, and `flaw` says why.

    `brand_id`: whose it is; None where a flawed one does not say it.
    """

    key: OrderKey
    incoming: Incoming | None
    record: Record = field(compare=False, repr=False)
    flaw: str = ""
    brand_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of the records of a batch, each with its `traceparent`; and what is to park.

    `erased` is how many were dropped because their brand was erased.
    """

    decided: list[tuple[Decision, str | None]]
    parked: list[Parked]
    erased: int = 0


class _Entered(NamedTuple):
    """What is known behind the gates: what is locked, has moved, is parked; who was erased."""

    connections: dict[UUID, list[Connection]]
    moves: Moves
    parked: set[OrderKey]
    erased: set[UUID]


def read_order(record: Record) -> ReceivedOrder:
    """The order in a record, with its canonical payload and content hash.

    Raises:
        ValueError: no JSON, or no key of an order: nobody could say what to park it behind.
    """
    try:
        received = OrderReceived.model_validate_json(record.value)
    except ValidationError as error:
        key = _key_of(record, error)
        return ReceivedOrder(key, None, record, describe(error), _brand_of(record))
    if received.order is None and received.action != "delete":
        missing = "order: missing, and the action is not delete"
        key = _key_of(record, ValueError(missing))
        return ReceivedOrder(key, None, record, missing, received.brand_id)
    return ReceivedOrder(
        OrderKey(received.store_id, received.external_id),
        _incoming(received, record),
        record,
        brand_id=received.brand_id,
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


def _brand_of(record: Record) -> UUID | None:
    """Whose a flawed record is: it is parked, and has to be found when its brand is erased."""
    try:
        return UUID(orjson.loads(record.value)["brand_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _incoming(received: OrderReceived, record: Record) -> Incoming:
    order = received.order
    payload = order.model_dump_json() if order else None
    content = _without_clock(payload) if payload else ""
    return Incoming(
        store_id=received.store_id,
        brand_id=received.brand_id,
        external_id=received.external_id,
        updated_at=received.updated_at,
        received_at=received.received_at,
        payload=payload,
        content_hash=hashlib.blake2b(content.encode(), digest_size=_HASH_BYTES).digest(),
        cancelled=order is not None and order.cancelled_at is not None,
        deleted=received.action == "delete",
        fulfilled=order is not None and order.fulfilment_status == "fulfilled",
        voided=order is not None and payment.is_void(order),
        unpaid=order is not None and payment.is_unpaid(order, received.payment_rules),
        number=order.number if order else None,
        total=order.total if order else None,
        currency=order.currency if order else None,
        created_at=order.created_at if order else None,
        words=words_of(received.external_id, orjson.loads(payload)) if payload else None,
        store_clock=order.updated_at if order and order.updated_at > received.updated_at else None,
        position=LogPosition(record.generation, record.partition, record.offset),
        spooled=SPOOLED in record.headers,
        sent=order,
    )


def _without_clock(payload: str) -> str:
    """The source's clock is no content: the same order sent again later changes nothing.

    Cut out of the JSON, for a second dump takes as long as the first. The first such name is the
    order's own: what stands before it is text, in which a quote is escaped.
    """
    return _CLOCK.sub("", payload, count=1)


async def handle(
    session: Session,
    records: Sequence[ReceivedOrder],
    steps: Sequence[Step] = (),
    *,
    is_replay: bool = False,
) -> Handled:
    """Decide on all of them and write all of it; what is to be parked is the caller's to keep.

    Args:
        session: in a transaction.
        records: in the order of the log.
        steps: the moves of the positions that this is.
        is_replay: these are the records that the others wait behind.

    Raises:
        Transient: a store moved at this moment; try again.
        OutOfStep: another process has these records.
    """
    connections, moves, parked, erased = await _enter(session, records, steps)
    orders = [_after(record, moves) for record in records] if moves else records
    if erased:
        orders = [order for order in orders if order.brand_id not in erased]
    known = await store.lock_orders(session, {order.key for order in orders})
    if moves:
        known = {key: mapping.order_after(order, moves) for key, order in known.items()}
    versions = await _older_settings(session, orders, connections)
    handled = decide(orders, connections, versions, known, () if is_replay else parked)
    decisions = [decision for decision, _ in handled.decided]
    await store.write(session, decisions, events.messages(handled.decided))
    return replace(handled, erased=len(records) - len(orders))


async def park(
    session: Session, order: ReceivedOrder, reason: str, steps: Sequence[Step] = ()
) -> None:
    """Keep a record that cannot be written, where what comes later about its order finds it.

    Raises:
        Transient: its store moved at this moment; try again.
        OutOfStep: another process has the record.
    """
    entered = await _enter(session, [order], steps)
    after = _after(order, entered.moves)
    if after.brand_id not in entered.erased:
        await store.park(session, [Parked(after.key, order.record, reason, after.brand_id)])


async def _enter(
    session: Session, records: Collection[ReceivedOrder], steps: Sequence[Step]
) -> _Entered:
    """Pass the gates of the orders' stores and brands, and move the positions."""
    keys = {record.key for record in records}
    brands = {record.brand_id for record in records if record.brand_id is not None}
    gates = {key.store_id for key in keys} | brands
    connections = await store.lock_connections_of_stores(session, gates)
    moves, parked, erased = await store.moved_and_parked(session, keys, brands, steps)
    if any(not {move.store_id, move.brand_id} <= connections.keys() for move in moves.values()):
        # It was noted while we waited. Its gate is not taken now, out of order: the next chunk of
        # the move has it, perhaps, and waits for ours.
        raise Transient("a store of the batch moved at this moment")
    return _Entered(connections, moves, parked, erased)


def _after(order: ReceivedOrder, moves: Moves) -> ReceivedOrder:
    move = moves.get(order.key.store_id)
    if move is None:
        return order
    incoming = mapping.message_after(order.incoming, moves) if order.incoming else None
    key = mapping.key_after(order.key, moves)
    return replace(order, key=key, incoming=incoming, brand_id=move.brand_id)


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
    current = dict(known)
    waiting = set(parked)
    handled = Handled([], [])
    for order in orders:
        if order.key in waiting:
            handled.parked.append(Parked(order.key, order.record, _BEHIND, order.brand_id))
            continue
        try:
            decision = _decide(order, connections.get(order.key.store_id, ()), versions, current)
        except Exception as error:
            waiting.add(order.key)
            parking = Parked(order.key, order.record, describe(error), order.brand_id)
            handled.parked.append(parking)
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
    connections: Iterable[Connection],
    versions: Mapping[UUID, Sequence[SettingsVersion]],
    current: Mapping[tuple[UUID, str], Order],
) -> Decision:
    if order.incoming is None:
        raise Permanent(order.flaw)
    known = current.get(order.key)
    assigned = NOBODY
    if known is None:
        assigned = assignment.assign(connections, order.incoming)
        if (found := assigned.connection) is not None:
            bound = assignment.bound(found, versions.get(found.id, ()), order.incoming)
            if bound is not found:
                assigned = replace(assigned, connection=bound)
    decision = assignment.receive(known, order.incoming, assigned, order_id(*order.key))
    # One that entered has its position already.
    if decision.order is known or decision.order.position == order.incoming.position:
        return decision

    def counted(changed: Order, incoming: Incoming = order.incoming) -> Order:
        return replace(changed, position=incoming.position, source_received_at=incoming.received_at)

    events_told = tuple(replace(told, order=counted(told.order)) for told in decision.events)
    return replace(decision, order=counted(decision.order), events=events_told)
