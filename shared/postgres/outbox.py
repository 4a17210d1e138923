"""The outbox: messages written in the caller's transaction, relayed to Kafka in per-key order.

One code path for every service. `write` puts rows beside the change they tell of; the `Relay`
reads them, produces, waits for the acknowledgements and deletes them. Only one relay per schema
works at a time (session advisory lock); others stand by. A statement-level trigger NOTIFYs on
commit, so that the leader wakes at once whichever process wrote; a slow poll covers lost wake-ups.

A key that Kafka does not take is set aside (`shared/postgres/outbox_table.py`) and tried again
later and later, with all that follows of it; the others go on. Only Kafka being away stops them.

At-least-once: a relay that dies between acknowledgement and deletion sends again, with the same
`ce_id`. Rows have no cursor, so a transaction that commits late is never skipped.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import orjson
import structlog

from shared.failures import is_transient
from shared.kafka.message import Message, MessageRefused, Send
from shared.kafka.producer import KafkaAway
from shared.postgres.database import Database, Session
from shared.postgres.outbox_table import Failure, Row, Rows, TableRows
from shared.telemetry import (
    OUTBOX_OLDEST,
    OUTBOX_PARKED,
    OUTBOX_RELAYED,
    OUTBOX_ROWS,
    OUTBOX_WAITING_KEYS,
)

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
# How long acknowledged rows wait for the next read to delete them on its way.
_TIDY_SECONDS = 0.05
_MEASURE_SECONDS = 5.0
# Of values held at once: a thousand rows may be a gigabyte.
_MOST_BYTES = 16 * 1024 * 1024
_MOST_RETRY_SECONDS = 60.0
_LEAD = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


async def write(session: Session, messages: Sequence[Message]) -> None:
    """Write the messages in the caller's transaction; one statement for all of them."""
    if messages:
        await session.execute(_INSERT, *columns(messages))


def columns(
    messages: Sequence[Message],
) -> tuple[list[str], list[str], list[str], list[bytes | None]]:
    """Topics, keys, headers as JSON, and values: for a statement that writes more than these."""
    return (
        [message.topic for message in messages],
        [message.key for message in messages],
        [orjson.dumps(dict(message.headers)).decode() for message in messages],
        [message.value for message in messages],
    )


class Relay:
    """Moves the outbox of one schema to Kafka while it leads.

    Args:
        database: whose outbox.
        schema: names the lock and the channel.
        send: how to produce (`shared.kafka.producer.Producer.send`).
        batch: most messages under way at once.
        poll_seconds: the slow poll; only lost wake-ups wait for it.
        retry_seconds: until a key that failed once is tried again.
        on_sent: told of each message that Kafka has, and of where it is there.
    """

    def __init__(
        self,
        database: Database,
        schema: str,
        send: Send,
        *,
        batch: int = 1_000,
        poll_seconds: float = 1.0,
        retry_seconds: float = 1.0,
        on_sent: Callable[[Message, object], None] | None = None,
    ) -> None:
        self._on_sent = on_sent
        self._database = database
        self._schema = schema
        self._send = send
        self._batch = batch
        self._poll_seconds = poll_seconds
        self._retry_seconds = retry_seconds
        self._wake = asyncio.Event()
        # Rows that were refused, perhaps for what was beside them in the producer's batch.
        self._suspects: set[int] = set()

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
            Exception: Kafka is away, or the rows are; what was acknowledged is deleted all the
                same.
        """
        # Side by side: a key that is tried again and hangs holds up nobody.
        work = [asyncio.ensure_future(self._new(rows)), asyncio.ensure_future(self._aside(rows))]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        for task in done:
            task.result()

    async def _new(self, rows: Rows) -> None:
        acknowledged: list[int] = []
        try:
            while True:
                self._wake.clear()
                found = await rows.next(acknowledged, self._batch, _MOST_BYTES)
                acknowledged.clear()
                behind = [Failure(row) for row in found if row.behind]
                to_send = [row for row in found if not row.behind]
                failures = behind + await self._send_in_order(to_send, acknowledged)
                if failures:
                    await rows.set_aside(failures, self._retry_seconds)
                if len(found) < self._batch and _bytes(found) < _MOST_BYTES:
                    await self._wait(_TIDY_SECONDS if acknowledged else self._poll_seconds)
        finally:
            # What went out is not to go out again; the others stay, in order.
            if acknowledged:
                await rows.delete(acknowledged)

    async def _aside(self, rows: Rows) -> None:
        """What was set aside, key by key as its time comes; and how much there is of all."""
        loop = asyncio.get_running_loop()
        measure_at = loop.time()
        while True:
            if loop.time() >= measure_at:
                await self._measure(rows)
                measure_at = loop.time() + _MEASURE_SECONDS
            found = await rows.due(self._batch, _MOST_BYTES)
            acknowledged: list[int] = []
            try:
                failures = await self._send_in_order(found, acknowledged)
            finally:
                if acknowledged:
                    await rows.sent(acknowledged)
            if failures:
                await rows.failed_again(failures, self._retry_seconds, _MOST_RETRY_SECONDS)
            if not found:
                await asyncio.sleep(min(self._poll_seconds, self._retry_seconds))

    async def _measure(self, rows: Rows) -> None:
        found = await rows.measure()
        OUTBOX_ROWS.labels(self._schema).set(found.rows)
        OUTBOX_OLDEST.labels(self._schema).set(found.oldest)
        OUTBOX_PARKED.labels(self._schema).set(found.parked)
        OUTBOX_WAITING_KEYS.labels(self._schema).set(found.waiting_keys)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _on_notify(self, *_: object) -> None:
        self._wake.set()

    async def _send_in_order(self, found: Sequence[Row], acknowledged: list[int]) -> list[Failure]:
        """Send, but nothing of a key after a failure; the failures, the first of each key.

        Raises:
            KafkaAway: nothing can be sent now; `acknowledged` has what was before.
        """
        failures: dict[tuple[str, str], Failure] = {}
        for wave in _waves(found):
            going = [row for row in wave if row.key not in failures]
            for failure in await self._send_wave(going, acknowledged):
                failures[failure.row.key] = failure
        self._tell(list(failures.values()))
        return list(failures.values())

    async def _send_wave(self, wave: Sequence[Row], acknowledged: list[int]) -> list[Failure]:
        """Together; then those alone that were refused, perhaps for their company."""
        together = [row for row in wave if row.id not in self._suspects]
        results = await asyncio.gather(*map(self._try, together), return_exceptions=True)
        failures, away = [], None
        for row, result in zip(together, results, strict=True):
            if result is None:
                acknowledged.append(row.id)
            elif isinstance(result, BaseException):
                away = away or result
            elif result.parked:
                self._suspects.add(row.id)
            else:
                failures.append(result)
        OUTBOX_RELAYED.labels(self._schema).inc(sum(result is None for result in results))
        if away is not None:
            raise away
        for row in [row for row in wave if row.id in self._suspects]:
            failure = await self._try(row)
            self._suspects.discard(row.id)
            if failure is None:
                acknowledged.append(row.id)
                OUTBOX_RELAYED.labels(self._schema).inc()
            else:
                failures.append(failure)
        return failures

    async def _try(self, row: Row) -> Failure | None:
        try:
            place = await (await self._send(row.message))
            if self._on_sent is not None:
                self._on_sent(row.message, place)
        except KafkaAway:
            raise
        except MessageRefused as error:
            return Failure(row, str(error) or "Kafka refuses it", parked=True)
        except Exception as error:  # noqa: BLE001  whatever it is: this key waits, the others go on
            return Failure(row, str(error) or repr(error))
        return None

    def _tell(self, failures: Sequence[Failure]) -> None:
        """One line for each parked row, one for all keys that wait."""
        for failure in failures:
            if failure.parked:
                logger.error(
                    "outbox message parked, its key waits behind it: `relevo outbox show`, then"
                    " `release` when Kafka takes it, or `drop`",
                    schema=self._schema, id=failure.row.id, topic=failure.row.message.topic,
                    key=failure.row.message.key, reason=failure.reason,
                )  # fmt: skip
        waiting = [failure for failure in failures if not failure.parked]
        if waiting:
            logger.warning(
                "outbox keys wait and are tried again",
                schema=self._schema, keys=len(waiting), topic=waiting[0].row.message.topic,
                first=waiting[0].row.message.key, reason=waiting[0].reason,
            )  # fmt: skip


def _bytes(rows: Sequence[Row]) -> int:
    return sum(len(row.message.value) for row in rows)


def _waves(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows in waves in which each key stands once, in order.

    A wave is sent only when the one before is acknowledged: so a failed send can never be
    overtaken by a later message of its own key.
    """
    seen: Counter[tuple[str, str]] = Counter()
    waves: list[list[Row]] = []
    for row in rows:
        if seen[row.key] == len(waves):
            waves.append([])
        waves[seen[row.key]].append(row)
        seen[row.key] += 1
    return waves
