"""What statements are made of: one function per named query, each given a session."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg

from shared.postgres.database import Database, Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")
_PAGE = 2_000
# Nothing has it: a period begins after the last moment before it.
_LAST = UUID(int=2**128 - 1)
_MOMENT = timedelta(microseconds=1)


async def sums(
    session: Session, account: UUID, since: datetime, until: datetime
) -> list[asyncpg.Record]:
    """By currency, other party and basis."""
    return await _queries.sums.all(session, account=account, since=since, until=until)


async def opening(session: Session, account: UUID, since: datetime) -> list[asyncpg.Record]:
    """By currency, what was posted before."""
    return await _queries.opening.all(session, account=account, since=since)


async def pages(
    database: Database, account: UUID, since: datetime, until: datetime
) -> AsyncIterator[list[asyncpg.Record]]:
    """The entries of a period, the oldest first, page by page.

    Each in a session of its own: memory holds one page, and no session waits for a slow client.
    """
    after, after_id = since - _MOMENT, _LAST
    while True:
        async with database.reading() as session:
            rows = await _queries.lines.all(
                session, account=account, after=after, after_id=after_id, until=until, limit=_PAGE
            )
        yield rows
        if len(rows) < _PAGE:
            return
        after, after_id = rows[-1]["entered_at"], rows[-1]["id"]
