"""What routing keeps in Postgres: one function per named query, each given a session."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from services.routing.orders import Connection, Decision, Order, Outcome
from shared.contracts.connections_changed import ConnectionChanged, ConnectionState
from shared.contracts.order import OrderStatus
from shared.failures import Transient
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "sql" / "queries.sql")


def _connection(row: asyncpg.Record) -> Connection:
    return row_as(Connection, row, state=ConnectionState(row["state"]))


def _order(row: asyncpg.Record) -> Order:
    return row_as(Order, row, status=OrderStatus(row["status"]))


# --- connections ----------------------------------------------------------------------------


async def lock_connections_of_stores(
    session: Session, stores: Iterable[UUID]
) -> dict[UUID, list[Connection]]:
    """Every connection of the stores, by store, locked FOR SHARE."""
    found: dict[UUID, list[Connection]] = {}
    for row in await _queries.lock_connections_of_stores.all(session, stores=list(stores)):
        found.setdefault(row["store_id"], []).append(_connection(row))
    return found


async def lock_connections(
    session: Session, changes: Iterable[ConnectionChanged]
) -> dict[UUID, Connection]:
    """The connections that are about to change, by id, as far as they are known.

    Locked FOR UPDATE, behind the gate of their stores: whoever holds them is waited for, and nobody
    passes.
    """
    changing = list(changes)
    rows = await _queries.lock_connections.all(
        session,
        ids=[change.connection_id for change in changing],
        stores=[change.store_id for change in changing],
    )
    return {row["id"]: _connection(row) for row in rows}


async def lock_connection_of_order(session: Session, order_id: UUID) -> Connection | None:
    """The connection that owns the order, locked FOR SHARE; None when the brand owns it."""
    row = await _queries.lock_connection_of_order.one(session, order_id=order_id)
    return _connection(row) if row else None


async def get_connection(session: Session, connection_id: UUID) -> Connection | None:
    """One connection as it is, without a lock."""
    row = await _queries.connection_by_id.one(session, connection_id=connection_id)
    return _connection(row) if row else None


async def apply_connections(session: Session, changes: Sequence[ConnectionChanged]) -> None:
    """Store newer states and the settings versions that new orders will be bound to."""
    await _queries.upsert_connections.run(
        session,
        ids=[change.connection_id for change in changes],
        stores=[change.store_id for change in changes],
        brands=[change.brand_id for change in changes],
        three_pls=[change.three_pl_id for change in changes],
        states=[change.state for change in changes],
        versions=[change.version for change in changes],
        epochs=[change.epoch for change in changes],
        priorities=[change.priority for change in changes],
        settings_versions=[change.settings.version for change in changes],
        endpoints=[change.settings.endpoint_id for change in changes],
        changed_at=[change.changed_at for change in changes],
    )
    await _queries.insert_settings.run(
        session,
        connections=[change.connection_id for change in changes],
        versions=[change.settings.version for change in changes],
        shipping=[change.settings.shipping_rules_owner for change in changes],
        billing=[change.settings.billing_owner for change in changes],
        support=[change.settings.support_owner for change in changes],
        endpoints=[change.settings.endpoint_id for change in changes],
    )


# --- hand-overs -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PendingHandover:
    """A hand-over that is to be done: orders of `epoch` and before go back if in the Orders tab."""

    id: UUID
    connection_id: UUID
    brand_id: UUID
    three_pl_id: UUID
    epoch: int
    reason: str

    @classmethod
    def of(cls, connection: Connection, epoch: int, reason: str) -> Self:
        """A new one."""
        return cls(
            uuid7(), connection.id, connection.brand_id, connection.three_pl_id, epoch, reason
        )


async def record_handovers(session: Session, pending: Sequence[PendingHandover]) -> None:
    """Record hand-overs; those known by (connection, epoch) are left alone."""
    await _queries.insert_handovers.run(
        session,
        ids=[handover.id for handover in pending],
        connections=[handover.connection_id for handover in pending],
        brands=[handover.brand_id for handover in pending],
        three_pls=[handover.three_pl_id for handover in pending],
        epochs=[handover.epoch for handover in pending],
        reasons=[handover.reason for handover in pending],
    )


async def claim_handover(session: Session) -> PendingHandover | None:
    """A running hand-over that no other process is at, locked; None when there is none."""
    row = await _queries.claim_handover.one(session)
    return row_as(PendingHandover, row) if row else None


async def lock_orders_to_hand_back(
    session: Session, handover: PendingHandover, chunk: int, most_bytes: int
) -> list[Order]:
    """The next orders that may go back, locked in id order.

    At most `chunk` of them, and as many as have `most_bytes` of payloads before them.
    """
    rows = await _queries.lock_orders_to_hand_back.all(
        session,
        connection_id=handover.connection_id,
        epoch=handover.epoch,
        chunk=chunk,
        most_bytes=most_bytes,
    )
    return [_order(row) for row in rows]


async def progress_handover(session: Session, handover: PendingHandover, returned: int) -> None:
    """Count what one chunk returned; the others have their turn."""
    await _queries.progress_handover.run(session, returned=returned, handover_id=handover.id)


async def postpone_handover(
    session: Session, handover: PendingHandover, error: str, most_seconds: float
) -> int:
    """Let a hand-over that failed wait, up to `most_seconds`; how often it has failed in a row."""
    failures: int | None = await _queries.postpone_handover.value(
        session, handover_id=handover.id, error=error, most_seconds=most_seconds
    )
    return failures or 0


async def finish_handover(session: Session, handover: PendingHandover) -> None:
    """Nothing is left to return; count what stayed."""
    await _queries.finish_handover.run(session, handover_id=handover.id)


# --- orders ---------------------------------------------------------------------------------


async def lock_orders(
    session: Session, keys: Iterable[tuple[UUID, str]]
) -> dict[tuple[UUID, str], Order]:
    """The known orders among (store, external id), locked in id order."""
    wanted = list(keys)
    rows = await _queries.lock_orders.all(
        session,
        stores=[store for store, _ in wanted],
        external_ids=[external_id for _, external_id in wanted],
    )
    return {(row["store_id"], row["external_id"]): _order(row) for row in rows}


async def lock_order(session: Session, order_id: UUID) -> Order | None:
    """One order, locked."""
    row = await _queries.lock_order.one(session, order_id=order_id)
    return _order(row) if row else None


# What leaves the order as it was, and what leaves no trace but a metric.
_UNWRITTEN = frozenset({Outcome.STALE, Outcome.DUPLICATE, Outcome.TOMBSTONED})
_SILENT = frozenset({Outcome.DUPLICATE, Outcome.TOMBSTONED, Outcome.UNCHANGED})


async def write(session: Session, decisions: Sequence[Decision]) -> None:
    """Each order as the last decision about it leaves it, and its timeline with why.

    Args:
        session: a transaction that holds the locks of the orders that are known.
        decisions: in the order in which they were made.

    Raises:
        Transient: another process entered one of them; decide again with it in view.
    """
    orders = list(
        {
            decision.order.id: decision.order
            for decision in decisions
            if decision.outcome not in _UNWRITTEN
        }.values()
    )
    lines = [decision for decision in decisions if decision.outcome not in _SILENT]
    if not orders and not lines:
        return
    try:
        await _queries.write_orders.run(
            session,
            ids=[order.id for order in orders],
            stores=[order.store_id for order in orders],
            external_ids=[order.external_id for order in orders],
            brands=[order.brand_id for order in orders],
            three_pls=[order.three_pl_id for order in orders],
            connections=[order.connection_id for order in orders],
            epochs=[order.epoch for order in orders],
            settings_versions=[order.settings_version for order in orders],
            endpoints=[order.endpoint_id for order in orders],
            statuses=[order.status for order in orders],
            versions=[order.version for order in orders],
            sequences=[order.sequence for order in orders],
            source_updated=[order.source_updated_at for order in orders],
            hashes=[order.content_hash for order in orders],
            payloads=[order.payload for order in orders],
            payload_bytes=[len((order.payload or "").encode()) for order in orders],
            too_late=[order.cancel_too_late for order in orders],
            tombstones=[order.tombstone for order in orders],
            line_orders=[line.order.id for line in lines],
            kinds=[line.outcome for line in lines],
            events=[line.event.type if line.event else None for line in lines],
            line_sequences=[line.order.sequence for line in lines],
            line_statuses=[line.order.status for line in lines],
            line_connections=[line.order.connection_id for line in lines],
            whys=[orjson.dumps(line.why).decode() for line in lines],
        )
    except asyncpg.UniqueViolationError as error:
        raise Transient("another process entered the same order at the same moment") from error


# --- lists ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What a list of orders is narrowed to; None leaves a field open."""

    statuses: Sequence[str] | None = None
    store: UUID | None = None
    connection: UUID | None = None
    updated_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """An order as lists show it."""

    id: UUID
    store_id: UUID
    external_id: str
    number: str | None
    status: OrderStatus
    connection_id: UUID | None
    version: int
    sequence: int
    settings_version: int | None
    total: str | None
    currency: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """One order with the store's full current data, as JSON."""

    summary: OrderSummary
    cancel_too_late: bool
    payload: str | None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of an order's timeline, and why it is so."""

    id: int
    at: datetime
    kind: str
    event: str | None
    sequence: int
    status: OrderStatus
    connection_id: UUID | None
    why: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Handover:
    """What a deactivation or disconnect returned, and what stayed with the 3PL."""

    id: UUID
    connection_id: UUID
    epoch: int
    reason: str
    state: Literal["running", "done"]
    returned: int
    stayed: int | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class HandoverPreview:
    """What ending a connection now would return, and what would stay."""

    connection_id: UUID
    state: ConnectionState
    version: int
    epoch: int
    would_return: int
    would_stay: int


def _summary(row: asyncpg.Record) -> OrderSummary:
    return row_as(OrderSummary, row, status=OrderStatus(row["status"]))


async def list_orders(
    session: Session,
    account: UUID,
    *,
    as_three_pl: bool,
    wanted: OrderFilter,
    after: UUID | None,
    limit: int,
) -> list[OrderSummary]:
    """Newest first, the orders that the account owns or whose brand it is."""
    query = _queries.orders_of_three_pl if as_three_pl else _queries.orders_of_brand
    rows = await query.all(
        session,
        account=account,
        after=after,
        statuses=wanted.statuses,
        store=wanted.store,
        connection=wanted.connection,
        updated_after=wanted.updated_after,
        limit=limit,
    )
    return [_summary(row) for row in rows]


async def get_order(session: Session, order_id: UUID, account: UUID) -> OrderDetail | None:
    """One order, if the account is its brand or its owner."""
    row = await _queries.order_of_party.one(session, order_id=order_id, account=account)
    if row is None:
        return None
    return OrderDetail(_summary(row), row["cancel_too_late"], row["payload"])


async def list_history(
    session: Session, order_id: UUID, after: int, limit: int
) -> list[HistoryLine]:
    """The timeline, oldest first; whoever asks has been shown the order."""
    rows = await _queries.history_of_order.all(session, order_id=order_id, after=after, limit=limit)
    return [
        row_as(HistoryLine, row, status=OrderStatus(row["status"]), why=orjson.loads(row["why"]))
        for row in rows
    ]


async def list_handovers(
    session: Session, account: UUID, connection: UUID | None, after: UUID | None, limit: int
) -> list[Handover]:
    """Newest first."""
    rows = await _queries.handovers_of_party.all(
        session, account=account, connection=connection, after=after, limit=limit
    )
    return [row_as(Handover, row) for row in rows]


async def preview_handover(
    session: Session, connection: UUID, account: UUID
) -> HandoverPreview | None:
    """What ending the connection now would do; None when the account is no party of it."""
    row = await _queries.preview_handover.one(session, connection=connection, account=account)
    return row_as(HandoverPreview, row, state=ConnectionState(row["state"])) if row else None
