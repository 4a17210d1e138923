"""Tallies: what happens too often to be told each time is counted, and told once an hour.

A service adds marks in the transaction, or the statement, of what happens: rows of their own, so
that nobody waits for anybody. The first of a subject is told soon, later ones together. Telling
puts a notice into the outbox and takes the marks away, in one transaction; one process does it at a
time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from shared.failures import is_transient
from shared.kafka.message import Message
from shared.postgres import outbox
from shared.postgres.database import Database, Session, row_as

logger = structlog.get_logger(__name__)

# For a migration of each such schema.
CREATE = """
CREATE TABLE {schema}.tally_marks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_id uuid NOT NULL,
    account_id uuid NOT NULL,
    counted integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE {schema}.tally_marks IS
    'what happened to a subject (an endpoint, a store) so often, and its account was not told yet';
CREATE INDEX tally_marks_of_subject ON {schema}.tally_marks (subject_id);
CREATE INDEX tally_marks_of_account ON {schema}.tally_marks (account_id);
CREATE TABLE {schema}.tallies (
    subject_id uuid PRIMARY KEY,
    told_at timestamptz NOT NULL
);
COMMENT ON TABLE {schema}.tallies IS 'when a subject was told of last: once an hour at most';
"""
DROP = "DROP TABLE {schema}.tallies; DROP TABLE {schema}.tally_marks"
_EVERY = timedelta(hours=1)
_MOST_AT_ONCE = 500
_HAVE_TURN = """
SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.tallies', 0))
"""
# Subjects one by one along the index: of one that fails on and on there are many marks.
_TAKE = """
WITH RECURSIVE marked AS (
    (SELECT subject_id FROM tally_marks ORDER BY subject_id LIMIT 1)
    UNION ALL
    SELECT (SELECT m.subject_id FROM tally_marks m WHERE m.subject_id > marked.subject_id
            ORDER BY m.subject_id LIMIT 1)
    FROM marked WHERE marked.subject_id IS NOT NULL
),
due AS MATERIALIZED (
    SELECT subject_id FROM marked
    WHERE subject_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM tallies t
        WHERE t.subject_id = marked.subject_id AND t.told_at > now() - $1::interval)
    LIMIT $2
),
told AS (
    INSERT INTO tallies (subject_id, told_at) SELECT subject_id, now() FROM due
    ON CONFLICT (subject_id) DO UPDATE SET told_at = excluded.told_at
),
taken AS (
    DELETE FROM tally_marks m USING due WHERE m.subject_id = due.subject_id
    RETURNING m.subject_id, m.account_id, m.counted, m.at
)
SELECT subject_id, account_id, sum(counted)::bigint AS counted, min(at) AS since, now() AS told_at
FROM taken GROUP BY subject_id, account_id
"""
_ERASE = "DELETE FROM tally_marks WHERE account_id = $1"


@dataclass(frozen=True, slots=True)
class Tally:
    """How often it happened to the subject since then, told at `told_at`."""

    subject_id: UUID
    account_id: UUID
    counted: int
    since: datetime
    told_at: datetime


# The notices of tallies, in the transaction that takes their marks away.
Notices = Callable[[Session, Sequence[Tally]], Awaitable[list[Message]]]


class Tallies:
    """The background work that tells them.

    Args:
        database: the service's schema, which has the tables and an outbox.
        notices: what is told of them.
        poll_seconds: how often to look.
    """

    def __init__(self, database: Database, notices: Notices, poll_seconds: float) -> None:
        self._database = database
        self._notices = notices
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        """Tell until cancelled; losing Postgres only pauses it."""
        while True:
            try:
                while await self.tell() >= _MOST_AT_ONCE:
                    pass
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("tallies wait to be told", reason=str(error))
            await asyncio.sleep(self._poll_seconds)

    async def tell(self) -> int:
        """Tell some of those that are due; how many.

        Raises:
            Exception: Postgres is away; nothing was told.
        """
        async with self._database.transaction() as session:
            if not await session.fetchval(_HAVE_TURN):
                return 0
            rows = await session.fetch(_TAKE, _EVERY, _MOST_AT_ONCE)
            if rows:
                tallies = [row_as(Tally, row) for row in rows]
                await outbox.write(session, await self._notices(session, tallies))
        return len(rows)


async def erase(session: Session, account_id: UUID) -> None:
    """Forget what is counted for an account."""
    await session.execute(_ERASE, account_id)
