"""What routing keeps in Postgres: one function per named query, each given a connection."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from services.routing.orders import Connection, Decision, Order, Outcome
from shared.contracts import ConnectionChanged, ConnectionState, OrderStatus
from shared.database import Connection as Session
from shared.database import load_queries
from shared.failures import Transient

_queries = load_queries(Path(__file__).parent / "sql" / "queries.sql")


def _connection(row: asyncpg.Record) -> Connection:
    return Connection(**{**row, "state": ConnectionState(row["state"])})


def _order(row: asyncpg.Record) -> Order:
    return Order(**{**row, "status": OrderStatus(row["status"])})


# --- connections ----------------------------------------------------------------------------


async def lock_connections_of_stores(
    session: Session, stores: Iterable[UUID]
) -> dict[UUID, list[Connection]]:
    """Every connection of the stores, by store, locked FOR SHARE."""
    found: dict[UUID, list[Connection]] = {}
    async for row in _queries.lock_connections_of_stores(session, stores=list(stores)):
        found.setdefault(row["store_id"], []).append(_connection(row))
    return found


async def lock_connections(session: Session, ids: Iterable[UUID]) -> dict[UUID, Connection]:
    """The connections that are known, by id, locked FOR UPDATE."""
    rows = _queries.lock_connections(session, ids=list(ids))
    return {row["id"]: _connection(row) async for row in rows}


async def lock_connection_of_order(session: Session, order_id: UUID) -> Connection | None:
    """The connection that owns the order, locked FOR SHARE; None when the brand owns it."""
    row = await _queries.lock_connection_of_order(session, order_id=order_id)
    return _connection(row) if row else None


async def connection_of_id(session: Session, connection_id: UUID) -> Connection | None:
    """One connection as it is, without a lock."""
    row = await _queries.connection_of_id(session, connection_id=connection_id)
    return _connection(row) if row else None


async def apply_connections(session: Session, changes: Sequence[ConnectionChanged]) -> None:
    """Store newer states and the settings versions that new orders will be bound to."""
    await _queries.upsert_connections(
        session,
        ids=[each.connection_id for each in changes],
        stores=[each.store_id for each in changes],
        brands=[each.brand_id for each in changes],
        three_pls=[each.three_pl_id for each in changes],
        states=[each.state for each in changes],
        versions=[each.version for each in changes],
        epochs=[each.epoch for each in changes],
        priorities=[each.priority for each in changes],
        settings_versions=[each.settings.version for each in changes],
        endpoints=[each.settings.endpoint_id for each in changes],
        changed_at=[each.changed_at for each in changes],
    )
    await _queries.insert_settings(
        session,
        connections=[each.connection_id for each in changes],
        versions=[each.settings.version for each in changes],
        shipping=[each.settings.shipping_rules_owner for each in changes],
        billing=[each.settings.billing_owner for each in changes],
        support=[each.settings.support_owner for each in changes],
        endpoints=[each.settings.endpoint_id for each in changes],
    )


# --- hand-overs -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Handover:
    """A sweep that is owed: orders of `epoch` and before, if in the Orders tab, go back."""

    id: UUID
    connection_id: UUID
    brand_id: UUID
    three_pl_id: UUID
    epoch: int
    reason: str


async def record_handovers(session: Session, owed: Sequence[tuple[Connection, int, str]]) -> None:
    """Record the sweeps owed by (connection, epoch, reason); known ones are left alone."""
    await _queries.insert_handovers(
        session,
        ids=[uuid7() for _ in owed],
        connections=[connection.id for connection, _, _ in owed],
        brands=[connection.brand_id for connection, _, _ in owed],
        three_pls=[connection.three_pl_id for connection, _, _ in owed],
        epochs=[epoch for _, epoch, _ in owed],
        reasons=[reason for _, _, reason in owed],
    )


async def claim_handover(session: Session) -> Handover | None:
    """A running hand-over that no other process is at, locked; None when there is none."""
    row = await _queries.claim_handover(session)
    return Handover(**row) if row else None


async def lock_orders_to_hand_back(session: Session, handover: Handover, chunk: int) -> list[Order]:
    """The next `chunk` orders that may go back, locked in id order."""
    rows = _queries.lock_orders_to_hand_back(
        session, connection_id=handover.connection_id, epoch=handover.epoch, chunk=chunk
    )
    return [_order(row) async for row in rows]


async def progress_handover(session: Session, handover: Handover, returned: int) -> None:
    """Count what one chunk returned."""
    await _queries.progress_handover(session, returned=returned, handover_id=handover.id)


async def finish_handover(session: Session, handover: Handover) -> None:
    """Nothing is left to return; count what stayed."""
    await _queries.finish_handover(session, handover_id=handover.id)


# --- orders ---------------------------------------------------------------------------------


async def lock_orders(
    session: Session, keys: Iterable[tuple[UUID, str]]
) -> dict[tuple[UUID, str], Order]:
    """The known orders among (store, external id), locked in id order."""
    wanted = list(keys)
    rows = _queries.lock_orders(
        session,
        stores=[store for store, _ in wanted],
        external_ids=[external_id for _, external_id in wanted],
    )
    return {(row["store_id"], row["external_id"]): _order(row) async for row in rows}


async def lock_order(session: Session, order_id: UUID) -> Order | None:
    """One order, locked."""
    row = await _queries.lock_order(session, order_id=order_id)
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
        {each.order.id: each.order for each in decisions if each.outcome not in _UNWRITTEN}.values()
    )
    told = [each for each in decisions if each.outcome not in _SILENT]
    if not orders and not told:
        return
    try:
        await _queries.write_orders(
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
            too_late=[order.cancel_too_late for order in orders],
            tombstones=[order.tombstone for order in orders],
            told_ids=[each.order.id for each in told],
            kinds=[each.outcome for each in told],
            events=[each.event.type if each.event else None for each in told],
            told_sequences=[each.order.sequence for each in told],
            told_statuses=[each.order.status for each in told],
            told_connections=[each.order.connection_id for each in told],
            whys=[orjson.dumps(each.why).decode() for each in told],
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


async def list_orders(
    session: Session,
    account: UUID,
    *,
    as_three_pl: bool,
    wanted: OrderFilter,
    after: UUID | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Newest first, the orders that the account owns or whose brand it is."""
    query = _queries.orders_of_three_pl if as_three_pl else _queries.orders_of_brand
    rows = query(
        session,
        account=account,
        after=after,
        statuses=wanted.statuses,
        store=wanted.store,
        connection=wanted.connection,
        updated_after=wanted.updated_after,
        limit=limit,
    )
    return [row async for row in rows]


async def order_of_party(session: Session, order_id: UUID, account: UUID) -> asyncpg.Record | None:
    """One order, if the account is its brand or its owner."""
    row: asyncpg.Record | None = await _queries.order_of_party(
        session, order_id=order_id, account=account
    )
    return row


async def history_of_order(
    session: Session, order_id: UUID, after: int, limit: int
) -> list[asyncpg.Record]:
    """The timeline, oldest first."""
    rows = _queries.history_of_order(session, order_id=order_id, after=after, limit=limit)
    return [row async for row in rows]


async def handovers_of_party(
    session: Session, account: UUID, connection: UUID | None, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Newest first."""
    rows = _queries.handovers_of_party(
        session, account=account, connection=connection, after=after, limit=limit
    )
    return [row async for row in rows]


async def preview_handover(
    session: Session, connection: UUID, account: UUID
) -> asyncpg.Record | None:
    """What ending the connection now would do; None when the account is no party of it."""
    row: asyncpg.Record | None = await _queries.preview_handover(
        session, connection=connection, account=account
    )
    return row
