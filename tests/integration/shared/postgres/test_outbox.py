"""The outbox on a real Postgres: what is committed goes out in order, whatever fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.failures import Transient
from shared.kafka.connection import KafkaConnection
from shared.kafka.message import Message, MessageRefused, Send
from shared.kafka.topics import MAX_MESSAGE_BYTES, ORDERS_EVENTS, ORDERS_RECEIVED
from shared.postgres.database import Database
from shared.postgres.outbox import Relay, write
from shared.postgres.outbox_table import Rows, TableRows
from shared.settings import Settings
from tests.kit.listener import connected
from tests.kit.outbox_suite import OutboxSuite
from tests.kit.publishers import Topics
from tests.kit.waiting import eventually, wait_until

pytestmark = pytest.mark.engines
SCHEMA = "routing"
# So that a test sees the wake-up by NOTIFY, not the slow poll.
NEVER = 3_600.0
QUICK = 0.05


def message(key: str, text: str, topic: str = ORDERS_EVENTS.name) -> Message:
    return Message(topic, key, {"ce_id": f"{key}-{text}", "ce_subject": "Ärger"}, text.encode())


async def _takes_all(_: Message) -> None:
    """Kafka takes everything."""


@dataclass
class Log:
    """Kafka's stand-in: what it acknowledged, in order; `meets` may refuse.

    Both happen later than the call, as with a producer's future.
    """

    meets: Callable[[Message], Awaitable[None]] = _takes_all
    took: list[Message] = field(default_factory=list)

    async def send(self, sent: Message) -> Awaitable[object]:
        return self._acknowledge(sent)

    async def _acknowledge(self, sent: Message) -> None:
        await self.meets(sent)
        self.took.append(sent)

    def of(self, key: str) -> list[str]:
        return [message.value.decode() for message in self.took if message.key == key]

    async def has(self, count: int) -> None:
        await wait_until(lambda: len(self.took) >= count, what=f"{count} messages")


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings, SCHEMA)
    await opened.open()
    yield opened
    await opened.close()


class TestTableRows(OutboxSuite):
    """The suite that the fake of the unit tests passes too."""

    @pytest.fixture
    async def rows(self, database: Database) -> AsyncIterator[TableRows]:
        self.database = database
        session = await database.dedicated()
        yield TableRows(session)
        await session.close()

    async def write(self, rows: Rows, *messages: Message) -> None:
        assert isinstance(rows, TableRows)
        async with self.database.transaction() as session:
            await write(session, messages)


@asynccontextmanager
async def relaying(
    database: Database, send: Send, poll_seconds: float = QUICK, batch: int = 1_000
) -> AsyncIterator[asyncio.Task[None]]:
    relay = Relay(
        database, SCHEMA, send, batch=batch, poll_seconds=poll_seconds, retry_seconds=QUICK
    )
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def write_rows(database: Database, messages: Iterable[Message]) -> None:
    async with database.transaction() as connection:
        await write(connection, list(messages))


async def rows(database: Database) -> list[asyncpg.Record]:
    async with database.session() as session:
        return await session.fetch("SELECT id, key, value FROM outbox ORDER BY id")


async def aside(database: Database) -> list[asyncpg.Record]:
    async with database.session() as session:
        return await session.fetch("SELECT * FROM outbox_aside ORDER BY id")


async def nothing_is_left(database: Database) -> None:
    await eventually(lambda: rows(database), lambda found: not found)
    await eventually(lambda: aside(database), lambda found: not found)


async def relay_backends(database: Database) -> list[int]:
    """Postgres' processes that hold the relay's lock."""
    async with database.session() as session:
        found = await session.fetch(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    return [row["pid"] for row in found]


async def test_what_is_committed_reaches_kafka_whole_and_in_order_and_is_deleted(
    database: Database, settings: Settings, topics: Topics
) -> None:
    async with (
        connected(KafkaConnection(settings, "test-outbox")) as producer,
        relaying(database, producer.send),
    ):
        for n in range(20):
            await write_rows(
                database, [message(f"k{key}", f"{n}{half}") for half in "ab" for key in range(6)]
            )
        await write_rows(database, [message("k0", "elsewhere", ORDERS_RECEIVED.name)])
        await nothing_is_left(database)
    records = await topics.all(ORDERS_EVENTS.name, at_least=240)
    (elsewhere,) = await topics.all(ORDERS_RECEIVED.name, at_least=1)

    assert len(records) == 240
    expected = [f"{n}{half}" for n in range(20) for half in "ab"]
    for key in (f"k{n}" for n in range(6)):
        of_key = [record for record in records if record.key == key.encode()]
        assert [record.value.decode() for record in of_key] == expected
        assert [dict(record.headers)["ce_id"].decode() for record in of_key] == [
            f"{key}-{text}" for text in expected
        ]
    assert elsewhere.value == b"elsewhere"
    assert dict(elsewhere.headers)["ce_subject"].decode() == "Ärger"


async def test_a_transaction_that_is_rolled_back_says_nothing(database: Database) -> None:
    async def change_of_mind() -> None:
        async with database.transaction() as connection:
            await write(connection, [message("k", "never")])
            raise LookupError

    log = Log()
    async with relaying(database, log.send):
        with pytest.raises(LookupError):
            await change_of_mind()
        await write_rows(database, [message("k", "kept")])
        await log.has(1)
        await nothing_is_left(database)
    assert log.of("k") == ["kept"]


async def test_a_relay_wakes_on_commit_and_not_before(database: Database) -> None:
    log = Log()
    async with relaying(database, log.send, poll_seconds=NEVER):
        await eventually(lambda: relay_backends(database))
        await write_rows(database, [message("k", "1")])
        await log.has(1)
        async with database.transaction() as connection:
            await write(connection, [message("k", "2")])
            await write_rows(database, [message("other", "1")])
            await log.has(2)
            assert log.of("k") == ["1"]
        await log.has(3)
    assert log.of("k") == ["1", "2"]


async def test_a_transaction_that_commits_late_is_not_skipped(database: Database) -> None:
    log = Log()
    async with relaying(database, log.send):
        async with database.transaction() as connection:
            await write(connection, [message("late", "1"), message("late", "2")])
            # These have higher ids, and are gone before the first are there.
            await write_rows(database, [message("early", str(n)) for n in range(50)])
            await log.has(50)
            await eventually(lambda: rows(database), lambda found: len(found) == 0)
        await log.has(52)
        await nothing_is_left(database)
    assert log.of("late") == ["1", "2"]
    assert len(log.took) == 52


async def test_two_relays_publish_everything_once_and_one_takes_over_from_the_other(
    database: Database, settings: Settings
) -> None:
    log = Log()
    async with AsyncExitStack() as stack:
        relays = []
        for _ in range(2):
            process = Database(settings, SCHEMA)
            await process.open()
            stack.push_async_callback(process.close)
            relays.append(await stack.enter_async_context(relaying(process, log.send)))
            await eventually(lambda: relay_backends(database))
        writers = [
            write_rows(database, [message(f"k{key}", str(n)) for n in range(start, start + 10)])
            for start in (0, 10)
            for key in range(10)
        ]
        for writer in writers[:10]:
            await writer
        await asyncio.gather(*writers[10:])
        await log.has(200)
        await nothing_is_left(database)
        assert len(await relay_backends(database)) == 1, "one leads"
        # The first to come leads.
        relays[0].cancel()
        await write_rows(database, [message(f"k{key}", "20") for key in range(10)])
        await log.has(210)
        await nothing_is_left(database)
    assert len(log.took) == 210
    for key in range(10):
        assert log.of(f"k{key}") == [str(n) for n in range(21)]


async def test_a_failed_send_is_not_overtaken_by_its_key_and_repeats_nothing(
    database: Database,
) -> None:
    failing = {"k-2": 2, "other-3": 1}

    async def stumbles(sent: Message) -> None:
        ce_id = sent.headers["ce_id"]
        if failing.get(ce_id):
            failing[ce_id] -= 1
            raise Transient("not acknowledged")

    log = Log(stumbles)
    keys = ("k", "other", "third")
    await write_rows(database, [message(key, str(n)) for n in range(1, 6) for key in keys])
    async with relaying(database, log.send):
        await log.has(15)
        await nothing_is_left(database)
    assert set(failing.values()) == {0}
    assert len(log.took) == 15, "what was acknowledged did not go out again"
    for key in keys:
        assert log.of(key) == ["1", "2", "3", "4", "5"]


async def test_a_send_that_fails_at_once_is_tried_again(database: Database) -> None:
    log, away = Log(), [True, True]

    async def send(sent: Message) -> Awaitable[object]:
        if away:
            away.pop()
            raise Transient("Kafka is not connected")
        return await log.send(sent)

    await write_rows(database, [message("k", str(n)) for n in range(5)])
    async with relaying(database, send):
        await log.has(5)
        await nothing_is_left(database)
    assert log.of("k") == ["0", "1", "2", "3", "4"]


async def test_what_kafka_can_never_take_is_parked_and_holds_up_its_own_key_alone(
    database: Database, settings: Settings, topics: Topics
) -> None:
    huge = "x" * (MAX_MESSAGE_BYTES + 1)
    told = [message("k", "1"), message("k", huge), message("k", "2"), message("other", "1")]
    await write_rows(database, told)
    async with (
        connected(KafkaConnection(settings, "test-outbox")) as producer,
        relaying(database, producer.send),
    ):
        await eventually(lambda: aside(database), lambda found: len(found) == 2)
        await write_rows(database, [message("k", "3"), message("other", "2")])
        parked, *behind = await eventually(lambda: aside(database), lambda found: len(found) == 3)
        records = await topics.all(ORDERS_EVENTS.name, at_least=3)
    assert sorted(record.value for record in records) == [b"1", b"1", b"2"]
    assert (parked["key"], parked["value"]) == ("k", huge.encode())
    assert str(MAX_MESSAGE_BYTES) in parked["last_error"]
    assert [(row["value"], row["parked_at"], row["retry_at"]) for row in behind] == [
        (b"2", None, None),
        (b"3", None, None),
    ]


async def test_a_topic_that_does_not_exist_holds_up_no_other(
    database: Database, settings: Settings, topics: Topics
) -> None:
    await write_rows(database, [message(f"k{n}", "1", "no.such.topic") for n in range(1_100)])
    await write_rows(database, [message(f"k{n}", "1") for n in range(50)])
    async with (
        connected(KafkaConnection(settings, "test-outbox")) as producer,
        relaying(database, producer.send),
    ):
        assert len(await topics.all(ORDERS_EVENTS.name, at_least=50)) == 50
        await eventually(lambda: rows(database), lambda found: not found)
        waiting = await aside(database)
    assert len(waiting) == 1_100
    assert all(row["retry_at"] and "no.such.topic" in row["last_error"] for row in waiting)


async def test_a_refusal_that_comes_with_the_acknowledgement_parks_too(database: Database) -> None:
    async def refuses(sent: Message) -> None:
        if sent.value == b"bad":
            raise MessageRefused("too large for the broker")

    log = Log(refuses)
    await write_rows(database, [message("k", "1"), message("k", "bad"), message("k", "2")])
    async with relaying(database, log.send):
        parked, behind = await eventually(lambda: aside(database), lambda found: len(found) == 2)
    assert log.of("k") == ["1"]
    assert (parked["value"], parked["last_error"]) == (b"bad", "too large for the broker")
    assert parked["parked_at"]
    assert behind["value"] == b"2"


async def test_more_than_a_batch_goes_out_without_waiting_and_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.postgres.outbox._TIDY_SECONDS", NEVER)
    log = Log()
    await write_rows(database, [message("ab"[n % 2], str(n)) for n in range(47)])
    async with relaying(database, log.send, poll_seconds=NEVER, batch=5):
        await log.has(47)
        await eventually(lambda: rows(database), lambda found: len(found) == 2)
    assert log.of("a") == [str(n) for n in range(0, 47, 2)]
    assert log.of("b") == [str(n) for n in range(1, 47, 2)]


async def test_a_relay_that_is_stopped_while_it_waits_repeats_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.postgres.outbox._TIDY_SECONDS", NEVER)
    first, second = Log(), Log()
    await write_rows(database, [message("k", "1")])
    async with relaying(database, first.send):
        await first.has(1)
        # The answer is with the relay by now.
        await eventually(lambda: relay_backends(database))
    await write_rows(database, [message("k", "2")])
    async with relaying(database, second.send):
        await second.has(1)
    assert second.of("k") == ["2"]


async def test_a_relay_that_loses_its_connection_leads_again_and_may_repeat_but_not_skip(
    database: Database,
) -> None:
    async def cut_off(sent: Message) -> None:
        if sent.value == b"3" and not cut:
            cut.extend(await relay_backends(database))
            async with database.session() as session:
                await session.execute("SELECT pg_terminate_backend($1)", cut[0])

    cut: list[int] = []
    log = Log(cut_off)
    await write_rows(database, [message("k", str(n)) for n in range(6)])
    async with relaying(database, log.send):
        await wait_until(lambda: log.of("k")[-1:] == ["5"] and bool(cut))
        await nothing_is_left(database)
        assert await relay_backends(database) != cut
    seen = log.of("k")
    assert list(dict.fromkeys(seen)) == ["0", "1", "2", "3", "4", "5"]
    # A repeated message is the same message: its readers know it by its id.
    assert {message.headers["ce_id"] for message in log.took} == {f"k-{n}" for n in range(6)}


async def test_a_relay_that_is_stopped_leaves_the_rest_for_the_next(database: Database) -> None:
    async def hangs(sent: Message) -> None:
        if sent.value == b"2":
            reached.set()
            await asyncio.Event().wait()

    reached = asyncio.Event()
    first, second = Log(hangs), Log()
    await write_rows(database, [message("k", str(n)) for n in range(4)])
    async with relaying(database, first.send):
        await reached.wait()
    async with relaying(database, second.send):
        await nothing_is_left(database)
    assert first.of("k") == ["0", "1"]
    assert second.of("k") == ["2", "3"], "what was acknowledged was deleted on the way out"


async def test_each_schema_has_an_outbox_of_its_own(database: Database, settings: Settings) -> None:
    other = Database(settings, "connections")
    await other.open()
    log = Log()
    try:
        await write_rows(other, [message("k", "theirs")])
        await write_rows(database, [message("k", "ours")])
        async with relaying(database, log.send):
            await log.has(1)
            await nothing_is_left(database)
        assert [row["value"] for row in await rows(other)] == [b"theirs"]
    finally:
        await other.close()
    assert log.of("k") == ["ours"]


async def test_nothing_to_write_is_nothing(database: Database) -> None:
    await write_rows(database, [])
    assert await rows(database) == []


async def test_of_a_batch_that_the_broker_refuses_only_what_is_too_large_is_parked(
    database: Database, settings: Settings, topics: Topics
) -> None:
    await small_topic(settings, "small", most_bytes=20_000)
    fits = [message(f"k{n}", "x" * 5_000, "small") for n in range(30)]
    await write_rows(database, [*fits[:15], message("huge", "x" * 30_000, "small"), *fits[15:]])
    async with (
        connected(KafkaConnection(settings, "test-outbox")) as producer,
        relaying(database, producer.send),
    ):
        records = await topics.all("small", at_least=30)
        (parked,) = await eventually(
            lambda: aside(database), lambda found: len(found) == 1 and found[0]["parked_at"]
        )
        await eventually(lambda: rows(database), lambda found: not found)
    assert parked["key"] == "huge"
    assert {record.key.decode() for record in records} == {f"k{n}" for n in range(30)}


async def small_topic(settings: Settings, name: str, most_bytes: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
    await admin.start()
    configs = {"max.message.bytes": str(most_bytes)}
    await admin.create_topics([NewTopic(settings.topic_prefix + name, 1, 1, topic_configs=configs)])
    await admin.close()
