"""What ingest keeps in Postgres: one function per named query, each given a session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.contracts.stores_changed import StoreChanged
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "sql" / "queries.sql")


async def list_stores(session: Session) -> list[StoreChanged]:
    """Every store that was ever seen, in its newest state."""
    rows = await _queries.kept_stores.all(session)
    return [StoreChanged.model_validate_json(row["body"]) for row in rows]


async def newer_stores(session: Session, changes: Sequence[StoreChanged]) -> set[UUID]:
    """The stores of which these tell something new, without a lock."""
    rows = await _queries.newer_stores.all(
        session,
        ids=[change.store_id for change in changes],
        versions=[change.version for change in changes],
    )
    return {row["id"] for row in rows}


async def keep_stores(session: Session, changes: Sequence[StoreChanged]) -> set[UUID]:
    """Keep newer states, and which those are; older and equal ones change nothing."""
    rows = await _queries.keep_stores.all(
        session,
        ids=[change.store_id for change in changes],
        versions=[change.version for change in changes],
        bodies=[change.model_dump_json() for change in changes],
    )
    return {row["id"] for row in rows}


async def move_quarantine(session: Session, changes: Sequence[StoreChanged]) -> None:
    """What the stores sent in their former account's time is their brand's; twice is once."""
    await _queries.move_quarantine.run(
        session,
        stores=[change.store_id for change in changes],
        former_brands=[change.former_brand_id for change in changes],
        brands=[change.brand_id for change in changes],
    )


async def quarantine(
    session: Session, *, store_id: UUID, brand_id: UUID, route: str, reason: str, body: bytes,
    headers: str,
) -> UUID:  # fmt: skip
    """Keep a body that was accepted but not understood; its id.

    It is `brand_id`'s, unless the store has moved since that was looked up.
    """
    entry = uuid7()
    await _queries.quarantine.run(
        session,
        entry=entry,
        store_id=store_id,
        brand_id=brand_id,
        route=route,
        reason=reason,
        headers=headers,
        body=body,
    )
    return entry


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A body that was accepted but not understood; `bytes` is its size."""

    id: UUID
    store_id: UUID
    received_at: datetime
    route: str
    reason: str
    bytes: int


async def list_quarantine(
    session: Session, brand_id: UUID, store_id: UUID | None, after: UUID | None, limit: int
) -> list[Quarantined]:
    """Newest first."""
    rows = await _queries.quarantined.all(
        session, brand_id=brand_id, store_id=store_id, after=after, limit=limit
    )
    return [row_as(Quarantined, row) for row in rows]


async def get_quarantined(
    session: Session, entry: UUID, brand_id: UUID
) -> tuple[Quarantined, bytes] | None:
    """One entry with its body."""
    row = await _queries.quarantine_entry.one(session, entry=entry, brand_id=brand_id)
    return (row_as(Quarantined, row), row["body"]) if row else None


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry of the quarantine as it can be read again; `headers` is a JSON object."""

    id: UUID
    store_id: UUID
    received_at: datetime
    route: str
    headers: str
    body: bytes


async def next_quarantined(
    session: Session, brand_id: UUID, store_id: UUID | None, after: UUID | None, most: int,
    most_bytes: int,
) -> list[UUID]:  # fmt: skip
    """The oldest entries after `after`, as many as there may be of both; at least one."""
    rows = await _queries.next_quarantined.all(
        session,
        brand_id=brand_id,
        store_id=store_id,
        after=after,
        most=most,
        most_bytes=most_bytes,
    )
    return [row["id"] for row in rows]


async def quarantined_bodies(
    session: Session, brand_id: UUID, entries: Sequence[UUID]
) -> list[Kept]:
    """Those of the entries that are there, oldest first."""
    rows = await _queries.quarantined_bodies.all(session, brand_id=brand_id, entries=list(entries))
    return [row_as(Kept, row) for row in rows]


async def count_quarantined(
    session: Session, brand_id: UUID, store_id: UUID | None, after: UUID | None
) -> int:
    """How many entries there are after `after`, up to 100,000."""
    count: int = await _queries.count_quarantined.value(
        session, brand_id=brand_id, store_id=store_id, after=after
    )
    return count


async def drop_quarantined(session: Session, brand_id: UUID, entries: Sequence[UUID]) -> int:
    """Remove the brand's own of the entries; how many there were."""
    return await _queries.drop_quarantined.run(session, brand_id=brand_id, entries=list(entries))


async def update_reasons(session: Session, brand_id: UUID, reasons: Mapping[UUID, str]) -> None:
    """Say anew why entries are not understood."""
    await _queries.update_reasons.run(
        session, brand_id=brand_id, entries=list(reasons), reasons=list(reasons.values())
    )


async def quarantine_sizes(session: Session) -> dict[UUID, int]:
    """How many entries each store has; of 100,000 at most."""
    rows = await _queries.quarantine_sizes.all(session)
    return {row["store_id"]: row["entries"] for row in rows}
