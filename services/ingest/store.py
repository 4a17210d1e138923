"""What ingest keeps in Postgres: one function per named query, each given a connection."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from shared.contracts import StoreChanged
from shared.database import Connection, load_queries

_queries = load_queries(Path(__file__).parent / "sql" / "queries.sql")


async def kept_stores(session: Connection) -> list[StoreChanged]:
    """Every store that was ever seen, in its newest state."""
    rows = _queries.kept_stores(session)
    return [StoreChanged.model_validate_json(row["body"]) async for row in rows]


async def keep_stores(session: Connection, changes: Sequence[StoreChanged]) -> None:
    """Keep newer states; older and equal ones change nothing."""
    await _queries.keep_stores(
        session,
        ids=[change.store_id for change in changes],
        versions=[change.version for change in changes],
        bodies=[change.model_dump_json() for change in changes],
    )


async def quarantine(
    session: Connection, *, store_id: UUID, brand_id: UUID, route: str, reason: str, body: bytes,
    headers: str,
) -> UUID:  # fmt: skip
    """Keep a body that was accepted but not understood; its id."""
    entry = uuid7()
    await _queries.quarantine(
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


async def quarantined(
    session: Connection, brand_id: UUID, store_id: UUID | None, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Newest first."""
    rows = _queries.quarantined(
        session, brand_id=brand_id, store_id=store_id, after=after, limit=limit
    )
    return [row async for row in rows]


async def quarantine_entry(
    session: Connection, entry: UUID, brand_id: UUID
) -> asyncpg.Record | None:
    """One entry with its body."""
    row: asyncpg.Record | None = await _queries.quarantine_entry(
        session, entry=entry, brand_id=brand_id
    )
    return row
