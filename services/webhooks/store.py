"""What webhooks keeps in Postgres: one function per named query, each given a connection."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson

from services.webhooks.lanes import Delivery
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.orders_events import OrderEventAttributes
from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "sql" / "queries.sql")


# --- endpoints ------------------------------------------------------------------------------


async def upsert_endpoints(session: Session, changes: Sequence[ConnectionChanged]) -> None:
    """Store every endpoint of the connections; each connection stands in `changes` once."""
    pairs = [(change, endpoint) for change in changes for endpoint in change.endpoints]
    await _queries.upsert_endpoints.run(
        session,
        ids=[endpoint.id for _, endpoint in pairs],
        connections=[change.connection_id for change, _ in pairs],
        three_pls=[change.three_pl_id for change, _ in pairs],
        stores=[change.store_id for change, _ in pairs],
        urls=[endpoint.url for _, endpoint in pairs],
        secrets=[orjson.dumps(endpoint.sealed_secrets).decode() for _, endpoint in pairs],
        versions=[change.version for change, _ in pairs],
    )


async def endpoints_of_ids(session: Session, ids: Iterable[UUID]) -> list[asyncpg.Record]:
    """The endpoints that are known."""
    return await _queries.endpoints_of_ids.all(session, ids=list(ids))


async def endpoints_updated(session: Session, seconds: float) -> list[asyncpg.Record]:
    """The endpoints that changed within the last `seconds`."""
    return await _queries.endpoints_updated.all(session, seconds=seconds)


async def endpoints_with_work(session: Session) -> list[UUID]:
    """The endpoints that have a delivery due."""
    return [row["endpoint_id"] for row in await _queries.endpoints_with_work.all(session)]


async def disable_endpoints(session: Session, ids: Sequence[UUID], reason: str) -> None:
    """Send nothing more there; what is unfinished is parked."""
    await _queries.disable_endpoints.run(session, ids=ids, reason=reason)
    await park_deliveries(session, ids)


async def park_deliveries(session: Session, ids: Sequence[UUID]) -> None:
    """Park what is unfinished at disabled endpoints."""
    await _queries.park_deliveries.run(session, ids=ids)


# --- deliveries -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event for an endpoint, as it came off the log."""

    attributes: OrderEventAttributes
    endpoint_id: UUID
    body: bytes
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Inserted:
    """A delivery that is new. `behind`: the sequence of the unfinished one before it, if any."""

    leased: bool
    behind: int | None
    parked: bool


async def insert_events(
    session: Session,
    incoming: Sequence[tuple[UUID, Incoming, bool]],
    owner: UUID,
    lease_seconds: float,
) -> dict[UUID, Inserted]:
    """Insert events with their deliveries; those that are new, by delivery id.

    Args:
        session: one statement, no transaction needed.
        incoming: delivery id, event, and whether a lease is wanted for it.
        owner: who leases.
        lease_seconds: for how long.
    """
    attributes = [each.attributes for _, each, _ in incoming]
    rows = await _queries.insert_events.all(
        session,
        deliveries=[delivery_id for delivery_id, _, _ in incoming],
        events=[each.id for each in attributes],
        endpoints=[each.endpoint_id for _, each, _ in incoming],
        orders=[each.order_id for each in attributes],
        sequences=[each.sequence for each in attributes],
        stores=[each.store_id for each in attributes],
        brands=[each.brand_id for each in attributes],
        connections=[each.connection_id for each in attributes],
        three_pls=[each.three_pl_id for each in attributes],
        types=[each.type for each in attributes],
        bodies=[each.body for _, each, _ in incoming],
        traceparents=[each.traceparent for _, each, _ in incoming],
        wanted=[wanted for _, _, wanted in incoming],
        owner=owner,
        lease_seconds=lease_seconds,
    )
    return {
        row["id"]: Inserted(row["leased"], row["behind"], row["state"] == "parked") for row in rows
    }


@dataclass(frozen=True, slots=True)
class Room:
    """How many first attempts and retries of an endpoint there is room for."""

    firsts: int
    retries: int


async def claim_due_deliveries(
    session: Session,
    rooms: dict[UUID, Room],
    owner: UUID,
    lease_seconds: float,
    start_before: float,
) -> list[tuple[Delivery, bool]]:
    """Lease heads of lanes that are due; each with whether more of its lane waits."""
    rows = await _queries.claim_due_deliveries.all(
        session,
        endpoints=list(rooms),
        firsts=[room.firsts for room in rooms.values()],
        retries=[room.retries for room in rooms.values()],
        owner=owner,
        lease_seconds=lease_seconds,
    )
    return [
        (
            Delivery(
                id=row["id"],
                event_id=row["event_id"],
                endpoint_id=row["endpoint_id"],
                order_id=row["order_id"],
                sequence=row["sequence"],
                attempts=row["attempts"],
                body=row["body"],
                traceparent=row["traceparent"],
                start_before=start_before,
            ),
            row["followed"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP try and what it makes of its delivery.

    `wait` is the time to the next attempt in seconds; `error` a class, see
    `services.webhooks.sender`; `response_head` the start of the answer's body; `followers` those
    behind a failed one that memory gave up.
    """

    delivery: Delivery
    state: str
    wait: float
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    response_head: str | None
    followers: Sequence[UUID] = ()


async def record_attempts(session: Session, attempts: Sequence[Attempt], owner: UUID) -> None:
    """Write attempts and move their deliveries on; no delivery stands in it twice."""
    await _queries.record_attempts.run(
        session,
        deliveries=[each.delivery.id for each in attempts],
        numbers=[each.delivery.attempts + 1 for each in attempts],
        states=[each.state for each in attempts],
        waits=[each.wait for each in attempts],
        ats=[each.at for each in attempts],
        durations=[each.duration_ms for each in attempts],
        statuses=[each.status for each in attempts],
        errors=[each.error for each in attempts],
        heads=[each.response_head for each in attempts],
        followers=[follower for each in attempts for follower in each.followers],
        owner=owner,
    )


async def release_deliveries(session: Session, ids: Sequence[UUID], owner: UUID) -> None:
    """Give leases back: whoever has room may claim the deliveries at once."""
    await _queries.release_deliveries.run(session, ids=ids, owner=owner)


async def backlog(session: Session, limit: int) -> tuple[int, float]:
    """How many deliveries are unfinished (counted up to `limit`), and the age of the oldest."""
    row = await _queries.backlog.one(session, limit=limit)
    return (row["deliveries"], row["oldest_seconds"]) if row else (0, 0.0)


# --- lists ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What a list of deliveries is narrowed to; None leaves a field open."""

    connection: UUID | None = None
    order: UUID | None = None
    state: str | None = None


async def list_deliveries(
    session: Session,
    account: UUID,
    *,
    as_three_pl: bool,
    wanted: DeliveryFilter,
    after: tuple[UUID, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """The account's deliveries, newest event first; `after` is (event id, delivery id)."""
    query = _queries.deliveries_of_three_pl if as_three_pl else _queries.deliveries_of_brand
    rows = await query.all(
        session,
        account=account,
        after_event=after[0] if after else None,
        after_delivery=after[1] if after else None,
        connection=wanted.connection,
        order=wanted.order,
        state=wanted.state,
        limit=limit,
    )
    return list(rows)


async def delivery_of_party(
    session: Session, delivery_id: UUID, account: UUID
) -> asyncpg.Record | None:
    """One delivery with its body, if the account is its 3PL or its brand."""
    row: asyncpg.Record | None = await _queries.delivery_of_party.one(
        session, delivery_id=delivery_id, account=account
    )
    return row


async def attempts_of_delivery(session: Session, delivery_id: UUID) -> list[asyncpg.Record]:
    """Its attempts, oldest first."""
    rows = await _queries.attempts_of_delivery.all(session, delivery_id=delivery_id)
    return list(rows)
