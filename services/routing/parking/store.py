"""What is parked: one function per named query, each given a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.routing.orders import OrderKey
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A parked record as it is kept; `headers` as JSON."""

    id: int
    topic: str
    generation: int
    partition: int
    record_offset: int
    store_id: UUID
    external_id: str
    headers: str
    value: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class ParkedSummary:
    """A parked record as a list shows it; `bytes` of its value, `replays` that failed."""

    id: int
    store_id: UUID
    external_id: str
    reason: str
    parked_at: datetime
    replays: int
    bytes: int
    is_waiting_for_replay: bool


async def next_replay(session: Session) -> OrderKey | None:
    """An order whose records are to be tried again; None when there is none."""
    row = await _queries.next_replay.one(session)
    return OrderKey(row["store_id"], row["external_id"]) if row else None


async def claim_replay(session: Session, key: OrderKey) -> bool:
    """Pass the gate of the order's store and lock its first record; False when it is taken."""
    claimed: bool | None = await _queries.claim_replay.value(
        session, store_id=key.store_id, external_id=key.external_id
    )
    return bool(claimed)


async def records_of_order(
    session: Session, key: OrderKey, after: int, limit: int
) -> list[ParkedRow]:
    """The parked records of an order in the order of the log, locked."""
    rows = await _queries.records_of_order.all(
        session, store_id=key.store_id, external_id=key.external_id, after=after, limit=limit
    )
    return [row_as(ParkedRow, row) for row in rows]


async def unpark(session: Session, ids: Sequence[int]) -> None:
    """They were handled."""
    await _queries.unpark.run(session, ids=ids)


async def fail_replay(session: Session, key: OrderKey, failed: int, reason: str) -> None:
    """The record `failed` failed again; those of its order wait until somebody asks again."""
    await _queries.fail_replay.run(
        session,
        store_id=key.store_id,
        external_id=key.external_id,
        failed=failed,
        reason=reason.replace("\0", ""),
    )


async def count_parked(session: Session) -> tuple[int, int]:
    """How many records are parked, and of how many orders."""
    row = await _queries.count_parked.one(session)
    return (row["records"], row["orders"]) if row else (0, 0)


# --- for the operator -----------------------------------------------------------------------


async def list_parked(
    session: Session, store: UUID | None, after: int, limit: int
) -> list[ParkedSummary]:
    """What is parked, in the order in which it was."""
    rows = await _queries.list_parked.all(session, store=store, after=after, limit=limit)
    return [row_as(ParkedSummary, row) for row in rows]


async def get_parked(session: Session, row: int) -> ParkedRow | None:
    """One parked record, whole."""
    found = await _queries.get_parked.one(session, id=row)
    return row_as(ParkedRow, found) if found else None


async def request_replay(session: Session, ids: Sequence[int] | None) -> int:
    """Have the orders of those records tried again, of all with None; how many records that is."""
    changed: int = await _queries.request_replay.run(session, ids=ids)
    return changed


async def count_requested(session: Session) -> int:
    """How many records still wait for the replay that was asked for."""
    count: int | None = await _queries.count_requested.value(session)
    return count or 0


async def drop_parked(session: Session, row: int) -> bool:
    """Delete one for good; whether it was there."""
    deleted: int = await _queries.drop_parked.run(session, id=row)
    return deleted == 1
