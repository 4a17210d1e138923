"""What routing keeps in Postgres: one function per named query, each given a session."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from services.routing.orders import (
    Connection,
    Decision,
    Hold,
    LogPosition,
    Move,
    Order,
    OrderKey,
    Outcome,
    SettingsVersion,
)
from shared.contracts.connections_changed import ConnectionChanged, ConnectionState
from shared.contracts.order import OrderStatus
from shared.failures import Transient
from shared.kafka.batch import Record
from shared.kafka.message import Message
from shared.kafka.positions import Step
from shared.kafka.topics import ORDERS_RECEIVED
from shared.postgres import outbox
from shared.postgres.database import Session, load_queries, row_as
from shared.postgres.positions import parameters_of, require_all

_queries = load_queries(Path(__file__).parent / "sql" / "queries.sql")


def _connection(row: asyncpg.Record) -> Connection:
    return row_as(Connection, row, state=ConnectionState(row["state"]))


def order_of(row: asyncpg.Record) -> Order:
    """An order as a row with `holds` has it."""
    is_placed = row["log_offset"] is not None
    return row_as(
        Order,
        row,
        status=OrderStatus(row["status"]),
        holds=read_holds(row["holds"]),
        position=LogPosition(row["log_generation"], row["log_partition"], row["log_offset"])
        if is_placed
        else None,
    )


def read_holds(standing: str | None) -> tuple[Hold, ...]:
    """The holds of an order as the database gives them (`standing_holds`), oldest first."""
    rows: list[dict[str, Any]] = orjson.loads(standing) if standing else []
    return tuple(
        Hold(
            id=UUID(row["id"]),
            kind=row["kind"],
            note=row["note"],
            release_by=row["release_by"],
            placed_by=UUID(row["placed_by"]) if row["placed_by"] else None,
            placed_at=datetime.fromisoformat(row["placed_at"]).astimezone(UTC),
        )
        for row in rows
    )


# --- connections ----------------------------------------------------------------------------


async def lock_connections_of_stores(
    session: Session, stores: Iterable[UUID]
) -> dict[UUID, list[Connection]]:
    """Every connection of the stores, and of those that they count for, locked FOR SHARE.

    By store; each whose gate was passed has an entry. Brands have gates too: ids of theirs among
    `stores` are passed like those of stores that have no connection.
    """
    found: dict[UUID, list[Connection]] = {}
    for row in await _queries.lock_connections_of_stores.all(session, stores=list(stores)):
        of_store = found.setdefault(row["gate"], [])
        if row["id"] is not None:
            of_store.append(_connection(row))
    return found


async def connection_versions(session: Session, ids: Iterable[UUID]) -> dict[UUID, int]:
    """Of those of the connections that are known, without a lock."""
    rows = await _queries.connection_versions.all(session, ids=list(ids))
    return {row["id"]: row["version"] for row in rows}


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


async def lock_connections_of_orders(
    session: Session, orders: Iterable[UUID]
) -> dict[UUID, Connection]:
    """The connections that own the orders, by id, locked FOR SHARE."""
    rows = await _queries.lock_connections_of_orders.all(session, ids=list(orders))
    return {row["id"]: _connection(row) for row in rows}


async def get_connection(session: Session, connection_id: UUID) -> Connection | None:
    """One connection as it is, without a lock."""
    row = await _queries.connection_by_id.one(session, connection_id=connection_id)
    return _connection(row) if row else None


async def apply_connections(session: Session, changes: Sequence[ConnectionChanged]) -> None:
    """Store newer states and the settings versions that orders are bound to.

    What counted already for orders that were decided on before is noted in their history.
    """
    connections = [Connection.of(change) for change in changes]
    await _queries.upsert_connections.run(
        session,
        ids=[connection.id for connection in connections],
        stores=[connection.store_id for connection in connections],
        brands=[connection.brand_id for connection in connections],
        three_pls=[connection.three_pl_id for connection in connections],
        states=[connection.state for connection in connections],
        versions=[connection.version for connection in connections],
        epochs=[connection.epoch for connection in connections],
        priorities=[connection.priority for connection in connections],
        settings_versions=[connection.settings_version for connection in connections],
        changed_at=[change.changed_at for change in changes],
        state_since=[connection.state_since for connection in connections],
        order_rules=[connection.order_rules for connection in connections],
        **_columns_of_settings(connections),
    )
    versions = [
        (connection, version)
        for change, connection in zip(changes, connections, strict=True)
        for version in (
            *(SettingsVersion.of_message(old) for old in change.settings_history),
            connection,
        )
    ]
    await _queries.insert_settings.run(
        session,
        connections=[connection.id for connection, _ in versions],
        three_pls=[connection.three_pl_id for connection, _ in versions],
        versions=[version.settings_version for _, version in versions],
        **_columns_of_settings([version for _, version in versions]),
    )


def _columns_of_settings(versions: Sequence[SettingsVersion]) -> dict[str, list[Any]]:
    return {
        "shipping": [version.shipping_rules_owner for version in versions],
        "billing": [version.billing_owner for version in versions],
        "support": [version.support_owner for version in versions],
        "endpoints": [version.endpoint_id for version in versions],
        "effective": [version.effective_at for version in versions],
    }


async def settings_of(
    session: Session, connections: Iterable[UUID]
) -> dict[UUID, list[SettingsVersion]]:
    """Every settings version of the connections that is known, by connection."""
    found: dict[UUID, list[SettingsVersion]] = {}
    rows = await _queries.settings_of_connections.all(session, connections=list(connections))
    for row in rows:
        found.setdefault(row["connection_id"], []).append(row_as(SettingsVersion, row))
    return found


# --- hand-overs -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PendingHandover:
    """A hand-over that is to be done: orders of `epoch` and before go back if in the Orders tab.

    `is_whole`: all that are unfinished do, for the 3PL was erased.
    """

    id: UUID
    connection_id: UUID
    brand_id: UUID
    three_pl_id: UUID
    epoch: int
    reason: str
    is_whole: bool = False

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

    At most `chunk` of them, and as many as have `most_bytes` of payloads before them. The Orders
    tab first; of a whole hand-over then what is being worked.
    """
    bounds = {
        "connection_id": handover.connection_id,
        "epoch": handover.epoch,
        "chunk": chunk,
        "most_bytes": most_bytes,
    }
    rows = await _queries.lock_orders_to_hand_back.all(session, **bounds)
    if not rows and handover.is_whole:
        rows = await _queries.lock_worked_orders_to_hand_back.all(session, **bounds)
    return [order_of(row) for row in rows]


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


@dataclass(frozen=True, slots=True)
class FinishedHandover:
    """How many orders went back, and how many stay with the 3PL to the end."""

    returned: int
    stayed: int
    finished_at: datetime


async def finish_handover(session: Session, handover: PendingHandover) -> FinishedHandover:
    """Nothing is left to return; count what stayed.

    Raises:
        LookupError: there is no such hand-over.
    """
    row = await _queries.finish_handover.one(session, handover_id=handover.id)
    if row is None:
        raise LookupError(f"there is no hand-over {handover.id}")
    return row_as(FinishedHandover, row)


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
    return {(row["store_id"], row["external_id"]): order_of(row) for row in rows}


async def lock_orders_by_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, Order]:
    """Those of the orders that there are, locked in id order."""
    rows = await _queries.lock_orders_by_id.all(session, ids=list(ids))
    return {row["id"]: order_of(row) for row in rows}


async def lock_order(session: Session, order_id: UUID) -> Order | None:
    """One order, locked."""
    return (await lock_orders_by_id(session, [order_id])).get(order_id)


# What leaves the order as it was, and what leaves no trace but a metric.
_UNWRITTEN = frozenset({Outcome.STALE, Outcome.DUPLICATE, Outcome.TOMBSTONED})
_SILENT = frozenset({Outcome.DUPLICATE, Outcome.TOMBSTONED, Outcome.UNCHANGED, Outcome.STALE})
# What makes an order that was not there.
_ENTERING = frozenset({Outcome.ENTERED, Outcome.NEVER_SEEN})


async def write(
    session: Session, decisions: Sequence[Decision], told: Sequence[Message] = ()
) -> None:
    """Each order as the last decision about it leaves it, its timeline with why, what is told.

    Args:
        session: a transaction that holds the locks of the orders that are known.
        decisions: in the order in which they were made.
        told: of them, for the outbox.

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
    if orders:
        lines = [line for decision in decisions for line in _lines(decision)]
        new = await _write_orders(session, orders, lines, told)
        if new < sum(decision.outcome in _ENTERING for decision in decisions):
            # Its id is the same wherever it is made: what entered meanwhile was overwritten.
            raise Transient(_ENTERED_TWICE)
    else:
        await outbox.write(session, told)
    await _write_holds(session, decisions)
    await _note_stale(session, decisions)


_ENTERED_TWICE = "another process entered the same order at the same moment"


class _Line(NamedTuple):
    """A line of the history: the order as it was then, what it was told, and why."""

    kind: Outcome
    order: Order
    event: str | None
    why: str
    at: datetime | None


def _lines(decision: Decision) -> list[_Line]:
    if decision.outcome in _SILENT:
        return []
    why = orjson.dumps(decision.why).decode()
    told = [
        _Line(decision.outcome, event.order, event.type, why, decision.at)
        for event in decision.events
    ]
    return told or [_Line(decision.outcome, decision.order, None, why, decision.at)]


async def _write_orders(
    session: Session, orders: Sequence[Order], lines: Sequence[_Line], told: Sequence[Message]
) -> int:
    """How many of the orders are new."""
    topics, keys, headers, values = outbox.columns(told)
    try:
        rows = await _queries.write_orders.all(
            session,
            ids=[order.id for order in orders],
            stores=[order.store_id for order in orders],
            external_ids=[order.external_id for order in orders],
            brands=[order.brand_id for order in orders],
            three_pls=[order.three_pl_id for order in orders],
            connections=[order.connection_id for order in orders],
            epochs=[order.epoch for order in orders],
            settings_versions=[order.settings_version for order in orders],
            shipping=[order.shipping_rules_owner for order in orders],
            billing=[order.billing_owner for order in orders],
            support=[order.support_owner for order in orders],
            endpoints=[order.endpoint_id for order in orders],
            statuses=[order.status for order in orders],
            versions=[order.version for order in orders],
            sequences=[order.sequence for order in orders],
            source_updated=[order.source_updated_at for order in orders],
            hashes=[order.content_hash for order in orders],
            payloads=[order.payload for order in orders],
            payload_bytes=[len((order.payload or "").encode()) for order in orders],
            accepted=[order.accepted_at for order in orders],
            source_created=[order.source_created_at for order in orders],
            numbers=[order.number for order in orders],
            totals=[order.total for order in orders],
            currencies=[order.currency for order in orders],
            too_late=[order.cancel_too_late for order in orders],
            tombstones=[order.tombstone for order in orders],
            log_generations=[order.position and order.position.generation for order in orders],
            log_partitions=[order.position and order.position.partition for order in orders],
            log_offsets=[order.position and order.position.offset for order in orders],
            source_received=[order.source_received_at for order in orders],
            words=[order.words for order in orders],
            shipments=[order.shipments for order in orders],
            shipments_versions=[order.shipments_version for order in orders],
            line_orders=[line.order.id for line in lines],
            kinds=[line.kind for line in lines],
            events=[line.event for line in lines],
            line_sequences=[line.order.sequence for line in lines],
            line_statuses=[line.order.status for line in lines],
            line_connections=[line.order.connection_id for line in lines],
            whys=[line.why for line in lines],
            line_times=[line.at for line in lines],
            topics=topics,
            keys=keys,
            headers=headers,
            values=values,
        )
    except asyncpg.UniqueViolationError as error:
        raise Transient(_ENTERED_TWICE) from error
    return sum(row["is_new"] for row in rows)


async def _write_holds(session: Session, decisions: Sequence[Decision]) -> None:
    """Holds that came and went; few orders have any."""
    placed = [(made.order.id, hold) for made in decisions for hold in made.placed]
    if placed:
        await _queries.place_holds.run(
            session,
            ids=[hold.id for _, hold in placed],
            orders=[order_id for order_id, _ in placed],
            kinds=[hold.kind for _, hold in placed],
            notes=[hold.note for _, hold in placed],
            release_by=[hold.release_by for _, hold in placed],
            placed_by=[hold.placed_by for _, hold in placed],
            placed_at=[hold.placed_at for _, hold in placed],
        )
    lifted = [hold_id for made in decisions for hold_id in made.lifted]
    if lifted:
        await _queries.lift_holds.run(session, ids=lifted)


async def _note_stale(session: Session, decisions: Sequence[Decision]) -> None:
    """One line for all the stale messages that an order meets between two events."""
    stale = [made for made in decisions if made.outcome is Outcome.STALE]
    if not stale:
        return
    times = Counter((made.order.id, made.order.sequence) for made in stale)
    last = list({(made.order.id, made.order.sequence): made for made in stale}.values())
    await _queries.note_stale.run(
        session,
        orders=[made.order.id for made in last],
        sequences=[made.order.sequence for made in last],
        statuses=[made.order.status for made in last],
        connections=[made.order.connection_id for made in last],
        whys=[orjson.dumps(made.why).decode() for made in last],
        times=[times[made.order.id, made.order.sequence] for made in last],
    )


# --- parked records -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parked:
    """A record of `orders.received` to park, and why; `brand_id` as far as it can be read."""

    key: OrderKey
    record: Record
    reason: str
    brand_id: UUID | None = None


async def moved_and_parked(
    session: Session,
    keys: Iterable[OrderKey],
    brands: Iterable[UUID],
    steps: Sequence[Step] = (),
) -> tuple[dict[UUID, Move], set[OrderKey], set[UUID]]:
    """Which stores have moved, which orders are parked (by their new key), which brands erased.

    Moves the positions besides: it is asked once in each transaction that handles records.

    Args:
        session: has passed the gates of stores and brands.
        keys: as the records have them. What is parked is held against a replay.
        brands: of the records; those that were erased come back, those of moved stores too.
        steps: of the positions.

    Raises:
        OutOfStep: a position is somewhere else.
    """
    wanted = list(keys)
    rows = await _queries.moved_and_parked.all(
        session,
        stores=[key.store_id for key in wanted],
        external_ids=[key.external_id for key in wanted],
        brands=list(brands),
        topic=ORDERS_RECEIVED.name,
        **parameters_of(steps),
    )
    require_all(steps, sum(row["moved"] or 0 for row in rows))
    moves = {row["id"]: row_as(Move, row) for row in rows if row["id"] is not None}
    parked = {
        OrderKey(row["store_id"], row["external_id"])
        for row in rows
        if row["external_id"] is not None
    }
    erased = {row["brand_id"] for row in rows if row["store_id"] is None and row["brand_id"]}
    return moves, parked, erased


async def park(session: Session, parked: Sequence[Parked]) -> None:
    """Keep records, in the caller's transaction; parked twice is parked once."""
    await _queries.park.run(
        session,
        topics=[one.record.topic for one in parked],
        generations=[one.record.generation for one in parked],
        partitions=[one.record.partition for one in parked],
        offsets=[one.record.offset for one in parked],
        stores=[one.key.store_id for one in parked],
        external_ids=[one.key.external_id for one in parked],
        brands=[one.brand_id for one in parked],
        headers=[orjson.dumps(dict(one.record.headers)).decode() for one in parked],
        values=[one.record.value for one in parked],
        # PostgreSQL holds no NUL, and a reason may quote the record.
        reasons=[one.reason.replace("\0", "") for one in parked],
    )
