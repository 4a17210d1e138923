"""What an operator does about messages that Kafka can never take (`relevo outbox`).

A parked row keeps the later rows of its key behind it, because a gap in them would be worse than
waiting. It is *released* when Kafka takes it now (a topic's limit was raised), or *dropped*, and
what it said is lost. Either way the relay goes on with the key by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from shared.kafka.message import Message
from shared.postgres.database import row_as

_SCHEMAS = "SELECT schemaname FROM pg_tables WHERE tablename = 'outbox_aside' ORDER BY 1"
_PARKED = """
SELECT $1 AS schema, id, topic, key, last_error AS reason, created_at, parked_at,
       octet_length(value) AS bytes,
       (SELECT count(*) FROM {schema}.outbox_aside AS later
        WHERE (later.topic, later.key) = (parked.topic, parked.key) AND later.id > parked.id)
           AS behind
FROM {schema}.outbox_aside AS parked WHERE parked_at IS NOT NULL ORDER BY id LIMIT $2
"""
_MESSAGE = """
SELECT topic, key, headers, value FROM {schema}.outbox_aside WHERE id = $1 AND parked_at IS NOT NULL
"""
_RELEASE = """
UPDATE {schema}.outbox_aside SET parked_at = NULL, retry_at = now()
WHERE id = $1 AND parked_at IS NOT NULL
"""
# So that the relay puts no row behind one that is on its way out.
_LOCK = "LOCK TABLE {schema}.outbox_aside IN SHARE ROW EXCLUSIVE MODE"
_DROP = """
DELETE FROM {schema}.outbox_aside WHERE id = $1 AND parked_at IS NOT NULL RETURNING topic, key
"""
_NEXT_OF_KEY = """
UPDATE {schema}.outbox_aside SET retry_at = now()
WHERE id = (SELECT min(id) FROM {schema}.outbox_aside WHERE (topic, key) = ($1, $2))
"""


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked row; `behind`: how many rows of its key wait behind it, `bytes` of its value."""

    schema: str
    id: int
    topic: str
    key: str
    reason: str
    created_at: datetime
    parked_at: datetime
    bytes: int
    behind: int


async def schemas(session: asyncpg.Connection) -> list[str]:
    """The schemas that have an outbox."""
    return [row["schemaname"] for row in await session.fetch(_SCHEMAS)]


async def parked(session: asyncpg.Connection, names: Sequence[str], limit: int) -> list[Parked]:
    """Parked rows, the oldest first; `limit` of each schema."""
    found: list[Parked] = []
    for schema in names:
        rows = await session.fetch(_PARKED.format(schema=schema), schema, limit)
        found += [row_as(Parked, row) for row in rows]
    return found


async def message_of(session: asyncpg.Connection, schema: str, row: int) -> Message | None:
    """The message of a parked row; None without one."""
    found = await session.fetchrow(_MESSAGE.format(schema=schema), row)
    if found is None:
        return None
    return Message(found["topic"], found["key"], orjson.loads(found["headers"]), found["value"])


async def release(session: asyncpg.Connection, schema: str, row: int) -> bool:
    """The relay tries it again at once; False: no such row is parked."""
    status: str = await session.execute(_RELEASE.format(schema=schema), row)
    return status != "UPDATE 0"


async def drop(session: asyncpg.Connection, schema: str, row: int) -> bool:
    """Delete it, for good; the rows behind it go on. False: no such row is parked."""
    async with session.transaction():
        await session.execute(_LOCK.format(schema=schema))
        dropped = await session.fetchrow(_DROP.format(schema=schema), row)
        if dropped is None:
            return False
        await session.execute(_NEXT_OF_KEY.format(schema=schema), dropped["topic"], dropped["key"])
    return True
