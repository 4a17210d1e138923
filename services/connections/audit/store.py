"""The audit log: one function for its named query."""

from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import orjson

from services.connections.audit.models import Entry, Filter
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def list_entries(
    session: Session, account_id: UUID, wanted: Filter, after: UUID | None, limit: int
) -> list[Entry]:
    """What an account may see, newest first."""
    rows = await _queries.list_entries.all(
        session, account_id=account_id, after=after, limit=limit, **asdict(wanted)
    )
    return [
        row_as(Entry, row, before=orjson.loads(row["before"]), after=orjson.loads(row["after"]))
        for row in rows
    ]
