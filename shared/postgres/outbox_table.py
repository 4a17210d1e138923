"""The outbox of one schema in Postgres, as its leading relay works on it.

`outbox` holds what is to be sent next. A key that Kafka does not take moves to `outbox_aside` with
every row that follows, so that the first read never passes the same row twice. Of the rows of one
key there, the first has a time (`retry_at`) or is parked; the others wait behind it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg
import orjson

from shared.kafka.message import Message

# For the second migration of each such schema. A relay of before knows nothing of keys that wait:
# without the column it reads, it stops.
CREATE_V2 = """
CREATE TABLE {schema}.outbox_aside (
    id bigint PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    headers text NOT NULL,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL,
    failures integer NOT NULL,
    last_error text,
    retry_at timestamptz,
    parked_at timestamptz
);
COMMENT ON TABLE {schema}.outbox_aside IS
    'rows of keys that Kafka did not take, out of the way of the others';
COMMENT ON COLUMN {schema}.outbox_aside.retry_at IS
    'of the first row of a key, unless it is parked; the others wait behind it';
COMMENT ON COLUMN {schema}.outbox_aside.parked_at IS
    'Kafka can never take this message; an operator decides (relevo outbox), nothing is dropped';
CREATE INDEX outbox_aside_of_key ON {schema}.outbox_aside (topic, key, id);
CREATE INDEX outbox_aside_due ON {schema}.outbox_aside (retry_at) WHERE retry_at IS NOT NULL;
CREATE INDEX outbox_aside_parked ON {schema}.outbox_aside (id) WHERE parked_at IS NOT NULL;
WITH parked AS (DELETE FROM {schema}.outbox WHERE parked_reason IS NOT NULL RETURNING *)
INSERT INTO {schema}.outbox_aside
    (id, topic, key, headers, value, created_at, failures, last_error, parked_at)
SELECT id, topic, key, headers, value, created_at, 1, parked_reason,
       CASE WHEN row_number() OVER (PARTITION BY topic, key ORDER BY id) = 1 THEN now() END
FROM parked;
ALTER TABLE {schema}.outbox DROP COLUMN parked_reason;
"""
DROP_V2 = """
ALTER TABLE {schema}.outbox ADD COLUMN parked_reason text;
INSERT INTO {schema}.outbox (id, topic, key, headers, value, created_at, parked_reason)
OVERRIDING SYSTEM VALUE
SELECT id, topic, key, headers, value, created_at,
       CASE WHEN parked_at IS NOT NULL THEN last_error END
FROM {schema}.outbox_aside;
DROP TABLE {schema}.outbox_aside;
"""

# Deletes what is acknowledged and reads what is next, in one statement. Both see the same rows, so
# the second part leaves out what the first deletes. The size of a value is known without reading it
# (Postgres keeps it beside the pointer to the value). LIMIT, unlike EXISTS, looks each key up in
# the index and never reads all that is aside.
_NEXT = """
WITH acknowledged AS (DELETE FROM outbox WHERE id = ANY($1::bigint[])),
oldest AS (
    SELECT *, sum(octet_length(value)) OVER (ORDER BY id) - octet_length(value) AS bytes_before
    FROM (
        SELECT id, topic, key, headers, value FROM outbox
        WHERE id <> ALL($1::bigint[]) ORDER BY id LIMIT $2
    ) AS first
)
SELECT id, topic, key, headers, value, (
    SELECT true FROM outbox_aside AS aside
    WHERE (aside.topic, aside.key) = (oldest.topic, oldest.key) LIMIT 1
) IS NOT NULL AS behind
FROM oldest WHERE bytes_before < $3 ORDER BY id
"""
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_SET_ASIDE = """
WITH failed AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bool[]) AS given (id, reason, parked)
),
moved AS (DELETE FROM outbox WHERE id = ANY($1::bigint[]) RETURNING *)
INSERT INTO outbox_aside
    (id, topic, key, headers, value, created_at, failures, last_error, parked_at, retry_at)
SELECT id, topic, key, headers, value, created_at, (reason <> '')::int, nullif(reason, ''),
       CASE WHEN parked THEN now() END,
       CASE WHEN parked
              OR row_number() OVER (PARTITION BY topic, key ORDER BY id) > 1
              OR EXISTS (SELECT FROM outbox_aside AS aside
                         WHERE (aside.topic, aside.key) = (moved.topic, moved.key)) THEN NULL
            WHEN reason = '' THEN now()
            ELSE now() + $4::float8 * interval '1 second' END
FROM moved JOIN failed USING (id)
"""
# Of each key that is due its first rows; a share for each, so that none takes the whole read.
_DUE = """
WITH due AS (
    SELECT topic, key FROM outbox_aside WHERE retry_at <= now() ORDER BY retry_at LIMIT $1
),
rows AS (
    SELECT of_key.* FROM due CROSS JOIN LATERAL (
        SELECT id, topic, key, headers, value FROM outbox_aside AS aside
        WHERE (aside.topic, aside.key) = (due.topic, due.key) ORDER BY id LIMIT 100
    ) AS of_key ORDER BY id LIMIT $1
),
sized AS (
    SELECT *, sum(octet_length(value)) OVER (ORDER BY id) - octet_length(value) AS bytes_before
    FROM rows
)
SELECT id, topic, key, headers, value, false AS behind
FROM sized WHERE bytes_before < $2 ORDER BY id
"""
# The row that comes first of its key now has its turn at once.
_SENT = """
WITH sent AS (DELETE FROM outbox_aside WHERE id = ANY($1::bigint[]) RETURNING topic, key)
UPDATE outbox_aside AS aside SET retry_at = now()
FROM (SELECT DISTINCT topic, key FROM sent) AS of_key
WHERE aside.id = (
    SELECT min(next.id) FROM outbox_aside AS next
    WHERE (next.topic, next.key) = (of_key.topic, of_key.key) AND next.id <> ALL($1::bigint[])
)
"""
_FAILED_AGAIN = """
UPDATE outbox_aside AS aside
SET failures = failures + 1, last_error = failed.reason,
    parked_at = CASE WHEN failed.parked THEN now() END,
    retry_at = CASE WHEN NOT failed.parked
        THEN now() + interval '1 second' * least($5::float8, $4::float8 * 2 ^ least(failures, 20))
        END
FROM unnest($1::bigint[], $2::text[], $3::bool[]) AS failed (id, reason, parked)
WHERE aside.id = failed.id
"""
# Counted up to a bound: what matters beyond is that it is many.
_MEASURE = """
SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) AS bounded)
     + (SELECT count(*) FROM (SELECT FROM outbox_aside LIMIT 100000) AS bounded) AS rows,
       (SELECT count(*) FROM outbox_aside WHERE parked_at IS NOT NULL) AS parked,
       (SELECT count(*) FROM outbox_aside WHERE retry_at IS NOT NULL) AS waiting_keys,
       coalesce(extract(epoch FROM now() - least(
           (SELECT created_at FROM outbox ORDER BY id LIMIT 1),
           (SELECT created_at FROM outbox_aside ORDER BY id LIMIT 1))), 0)::float8 AS oldest
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A message in the outbox; `behind`: earlier ones of its key are aside."""

    id: int
    message: Message
    behind: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What stays in order."""
        return self.message.topic, self.message.key


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a row is set aside; no reason: it only waits behind another. `parked`: until released."""

    row: Row
    reason: str = ""
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """Rows in all (counted up to a bound), parked ones, keys that wait; `oldest` in seconds."""

    rows: int
    parked: int
    waiting_keys: int
    oldest: float


class Rows(Protocol):
    """The outbox of one schema, as its leading relay sees it."""

    async def next(self, acknowledged: Sequence[int], limit: int, most_bytes: int) -> list[Row]:
        """Delete what is acknowledged; the oldest rows that are not aside, in order.

        Values are `most_bytes` and one row more at most.
        """

    async def delete(self, ids: Sequence[int]) -> None:
        """Delete rows that Kafka has."""

    async def set_aside(self, failures: Sequence[Failure], seconds: float) -> None:
        """Out of the way of others, with every later row of the key; next try after `seconds`."""

    async def due(self, limit: int, most_bytes: int) -> list[Row]:
        """Rows aside whose key is to be tried again, in order."""

    async def sent(self, ids: Sequence[int]) -> None:
        """Delete rows aside that Kafka has; the next of their keys is due."""

    async def failed_again(
        self, failures: Sequence[Failure], seconds: float, most_seconds: float
    ) -> None:
        """Rows aside that Kafka did not take: twice as long until the next try."""

    async def measure(self) -> Measure:
        """How much is there."""


class TableRows:
    """`Rows` in Postgres.

    A session that is gone took the lock with it: then nothing more is read or set aside, and what
    was sent but not deleted is left to the next leader.

    Args:
        session: holds the leader's lock, with the schema on its search path.
    """

    def __init__(self, session: asyncpg.Connection) -> None:
        self._session = session
        # Two tasks work on it, and a session takes one statement at a time.
        self._turn = asyncio.Lock()

    async def next(self, acknowledged: Sequence[int], limit: int, most_bytes: int) -> list[Row]:
        """See `Rows`.

        Raises:
            ConnectionError: the session is gone.
        """
        return _rows(await self._fetch(_NEXT, acknowledged, limit, most_bytes))

    async def delete(self, ids: Sequence[int]) -> None:
        """See `Rows`."""
        if not self._session.is_closed():
            await self._fetch(_DELETE, ids)

    async def set_aside(self, failures: Sequence[Failure], seconds: float) -> None:
        """See `Rows`; raises as `next`."""
        await self._fetch(_SET_ASIDE, *_columns(failures), seconds)

    async def due(self, limit: int, most_bytes: int) -> list[Row]:
        """See `Rows`; raises as `next`."""
        return _rows(await self._fetch(_DUE, limit, most_bytes))

    async def sent(self, ids: Sequence[int]) -> None:
        """See `Rows`."""
        if not self._session.is_closed():
            await self._fetch(_SENT, ids)

    async def failed_again(
        self, failures: Sequence[Failure], seconds: float, most_seconds: float
    ) -> None:
        """See `Rows`; raises as `next`."""
        await self._fetch(_FAILED_AGAIN, *_columns(failures), seconds, most_seconds)

    async def measure(self) -> Measure:
        """See `Rows`; raises as `next`."""
        (found,) = await self._fetch(_MEASURE)
        return Measure(**found)

    async def _fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        async with self._turn:
            if self._session.is_closed():
                raise ConnectionError("the relay's session is gone, and its lock with it")
            return await self._session.fetch(statement, *values)


def _rows(found: Sequence[asyncpg.Record]) -> list[Row]:
    return [
        Row(
            row["id"],
            Message(row["topic"], row["key"], orjson.loads(row["headers"]), row["value"]),
            row["behind"],
        )
        for row in found
    ]


def _columns(failures: Sequence[Failure]) -> tuple[list[int], list[str], list[bool]]:
    return (
        [failure.row.id for failure in failures],
        [failure.reason for failure in failures],
        [failure.parked for failure in failures],
    )
