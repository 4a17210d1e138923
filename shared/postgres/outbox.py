"""The outbox: messages written in the caller's transaction, relayed to Kafka in per-key order.

One code path for every service. `write` puts rows beside the change they tell of; the `Relay`
reads them, produces, waits for the acknowledgements and deletes them. Only one relay per schema
works at a time (session advisory lock); others stand by. A statement-level trigger NOTIFYs on
commit, so that the leader wakes at once whichever process wrote; a slow poll covers lost wake-ups.

At-least-once: a relay that dies between acknowledgement and deletion sends again, with the same
`ce_id`. Rows have no cursor, so a transaction that commits late is never skipped.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import asyncpg
import orjson
import structlog

from shared.failures import is_transient
from shared.kafka.message import Message, MessageRefused, Send
from shared.postgres.database import Database, Session
from shared.telemetry import OUTBOX_OLDEST, OUTBOX_RELAYED

logger = structlog.get_logger(__name__)

# For the first migration of each schema that has an outbox; frozen, as every migration is.
# The trigger names the schema, so that one channel name per schema wakes one relay.
CREATE_V1 = """
CREATE TABLE {schema}.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    headers text NOT NULL,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    parked_reason text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON COLUMN {schema}.outbox.parked_reason IS
    'why Kafka can never take this message; an operator decides, nothing is dropped';
CREATE FUNCTION {schema}.outbox_wake() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_notify('{schema}_outbox', ''); RETURN NULL; END $$;
CREATE TRIGGER outbox_wake AFTER INSERT ON {schema}.outbox
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.outbox_wake();
"""

_INSERT = """
INSERT INTO outbox (topic, key, headers, value)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
"""
# Deletes what is acknowledged and reads what is next, in one statement. Both see the same rows, so
# the second part leaves out what the first deletes.
_NEXT = """
WITH acknowledged AS (DELETE FROM outbox WHERE id = ANY($1::bigint[]))
SELECT id, topic, key, headers, value, extract(epoch FROM now() - created_at)::float8 AS age
FROM outbox WHERE parked_reason IS NULL AND id <> ALL($1::bigint[]) ORDER BY id LIMIT $2
"""
# How long acknowledged rows wait for the next read to delete them on its way.
_TIDY_SECONDS = 0.05
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_PARK = "UPDATE outbox SET parked_reason = $2 WHERE id = $1"
_LEAD = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


async def write(session: Session, messages: Sequence[Message]) -> None:
    """Write the messages in the caller's transaction; one statement for all of them."""
    if not messages:
        return
    await session.execute(
        _INSERT,
        [message.topic for message in messages],
        [message.key for message in messages],
        [orjson.dumps(dict(message.headers)).decode() for message in messages],
        [message.value for message in messages],
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A message in the outbox; `age` in seconds."""

    id: int
    message: Message
    age: float


class Rows(Protocol):
    """The outbox of one schema, as its leading relay sees it."""

    async def next(self, acknowledged: Sequence[int], limit: int) -> list[Row]:
        """Delete what is acknowledged; the oldest rows that are not parked, in order."""

    async def delete(self, ids: Sequence[int]) -> None:
        """Delete rows that Kafka has."""

    async def park(self, row: Row, reason: str) -> None:
        """Keep a row that Kafka can never take, out of the way of the others."""


class TableRows:
    """`Rows` in Postgres, over the session that holds the leader's lock."""

    def __init__(self, session: asyncpg.Connection) -> None:
        self._session = session

    async def next(self, acknowledged: Sequence[int], limit: int) -> list[Row]:
        """See `Rows`.

        Raises:
            ConnectionError: the session is gone, and the lock with it.
        """
        if self._session.is_closed():
            raise ConnectionError("the relay's session is gone, and its lock with it")
        return [
            Row(
                found["id"],
                Message(
                    found["topic"], found["key"], orjson.loads(found["headers"]), found["value"]
                ),
                found["age"],
            )
            for found in await self._session.fetch(_NEXT, acknowledged, limit)
        ]

    async def delete(self, ids: Sequence[int]) -> None:
        """See `Rows`; a session that is gone leaves them to the next leader."""
        if not self._session.is_closed():
            await self._session.execute(_DELETE, ids)

    async def park(self, row: Row, reason: str) -> None:
        """See `Rows`."""
        await self._session.execute(_PARK, row.id, reason)


class Relay:
    """Moves the outbox of one schema to Kafka while it leads.

    Args:
        database: whose outbox.
        schema: names the lock and the channel.
        send: how to produce (`shared.kafka.producer.Producer.send`).
        batch: most messages under way at once.
        poll_seconds: the slow poll; only lost wake-ups wait for it.
    """

    def __init__(
        self,
        database: Database,
        schema: str,
        send: Send,
        *,
        batch: int = 1_000,
        poll_seconds: float = 1.0,
    ) -> None:
        self._database = database
        self._schema = schema
        self._send = send
        self._batch = batch
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Relay until cancelled; losing Postgres or Kafka only pauses it."""
        while True:
            try:
                await self._stand_by()
            except Exception as error:
                if not is_transient(error):
                    logger.exception("outbox relay failed", schema=self._schema)
                else:
                    logger.warning("outbox relay pauses", schema=self._schema, reason=str(error))
            await asyncio.sleep(self._poll_seconds)

    async def _stand_by(self) -> None:
        session = await self._database.dedicated()
        try:
            await session.add_listener(f"{self._schema}_outbox", self._on_notify)
            session.add_termination_listener(lambda _: self._wake.set())
            # No event tells that another process let go of its lock.
            while not await session.fetchval(_LEAD, f"{self._schema}.outbox"):  # noqa: ASYNC110
                await asyncio.sleep(self._poll_seconds)
            logger.info("outbox relay leads", schema=self._schema)
            await self.lead(TableRows(session))
        finally:
            await session.close(timeout=2)

    async def lead(self, rows: Rows) -> None:
        """Relay what is there and what comes, until cancelled; the caller holds the lock.

        Raises:
            Exception: a message was not acknowledged, or the rows are gone; what was acknowledged
                is deleted all the same.
        """
        acknowledged: list[int] = []
        try:
            while True:
                self._wake.clear()
                found = await rows.next(acknowledged, self._batch)
                acknowledged.clear()
                OUTBOX_OLDEST.labels(self._schema).set(found[0].age if found else 0)
                for wave in _waves(found):
                    await self._send_wave(rows, wave, acknowledged)
                if len(found) < self._batch:
                    await self._wait(_TIDY_SECONDS if acknowledged else self._poll_seconds)
        finally:
            # What went out is not to go out again; the others stay, in order.
            if acknowledged:
                await rows.delete(acknowledged)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _on_notify(self, *_: object) -> None:
        self._wake.set()

    async def _send_wave(self, rows: Rows, wave: Sequence[Row], acknowledged: list[int]) -> None:
        sent: list[Awaitable[object]] = [
            asyncio.ensure_future(self._acknowledged(row)) for row in wave
        ]
        results = await asyncio.gather(*sent, return_exceptions=True)
        first_failure: BaseException | None = None
        for row, result in zip(wave, results, strict=True):
            if isinstance(result, MessageRefused):
                logger.error("outbox message parked", id=row.id, reason=str(result))
                await rows.park(row, str(result))
            elif isinstance(result, BaseException):
                first_failure = first_failure or result
            else:
                acknowledged.append(row.id)
                OUTBOX_RELAYED.labels(self._schema).inc()
        if first_failure is not None:
            raise first_failure

    async def _acknowledged(self, row: Row) -> None:
        await (await self._send(row.message))


def _waves(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows in waves in which each key stands once, in order.

    A wave is sent only when the one before is acknowledged: so a failed send can never be
    overtaken by a later message of its own key.
    """
    seen: Counter[tuple[str, str]] = Counter()
    waves: list[list[Row]] = []
    for row in rows:
        key = (row.message.topic, row.message.key)
        if seen[key] == len(waves):
            waves.append([])
        waves[seen[key]].append(row)
        seen[key] += 1
    return waves
