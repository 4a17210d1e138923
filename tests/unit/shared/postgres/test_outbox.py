"""The relay without engines: per-key order, what is parked, what is kept."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.failures import Transient
from shared.kafka.message import Message, MessageRefused
from shared.kafka.producer import KafkaAway
from shared.postgres.database import Database
from shared.postgres.outbox import Relay, _waves
from shared.postgres.outbox_table import Row, Rows
from shared.settings import Settings
from tests.kit.outbox_suite import FakeRows, OutboxSuite, a_message
from tests.kit.waiting import wait_until


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_waves_hold_each_key_once_and_keep_its_order(keys: list[str]) -> None:
    rows = [Row(n, Message("t", key, {}, b"")) for n, key in enumerate(keys)]
    waves = _waves(rows)
    for wave in waves:
        assert len({row.message.key for row in wave}) == len(wave)
    for key in "abc":
        sent = [row.id for wave in waves for row in wave if row.message.key == key]
        assert sent == [row.id for row in rows if row.message.key == key]
    assert sum(map(len, waves)) == len(rows)


class TestFakeRows(OutboxSuite):
    @pytest.fixture
    def rows(self) -> FakeRows:
        return FakeRows()

    async def write(self, rows: Rows, *messages: Message) -> None:
        assert isinstance(rows, FakeRows)
        await rows.write(messages)


class Kafka:
    """Takes messages as a test tells it to."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.tried = 0
        self.refused: set[bytes] = set()
        self.failing: set[str] = set()
        self.most_bytes_together: int | None = None
        self.away = False
        self._together: list[Message] = []

    async def send(self, message: Message) -> Awaitable[object]:
        self.tried += 1
        if message.value in self.refused:
            raise MessageRefused("too large")
        self._together.append(message)
        return self._acknowledge(message)

    async def _acknowledge(self, message: Message) -> None:
        # One turn of the loop, in which the others of the same wave join the producer's batch.
        await asyncio.sleep(0)
        together = sum(len(other.value) for other in self._together)
        await asyncio.sleep(0)
        self._together.clear()
        if self.away:
            raise KafkaAway("the brokers do not answer")
        if message.key in self.failing or message.topic in self.failing:
            raise Transient("not acknowledged within 5 s")
        if self.most_bytes_together is not None and together > self.most_bytes_together:
            raise MessageRefused("the batch is too large")
        self.sent.append(message)

    def of(self, key: str) -> list[str]:
        return [message.value.decode() for message in self.sent if message.key == key]


@asynccontextmanager
async def leading(
    rows: FakeRows, kafka: Kafka, batch: int = 1_000
) -> AsyncIterator[asyncio.Task[None]]:
    relay = Relay(nowhere(), "test", kafka.send, batch=batch, poll_seconds=0.01, retry_seconds=0.01)
    task = asyncio.create_task(relay.lead(rows))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


def nowhere() -> Database:
    """A relay that leads needs no database of its own."""
    return Database(
        Settings(
            postgres_dsn=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
            kafka="nowhere:1",
            sealing_keys=SecretStr(""),
            auth_jwks="",
        ),
        "test",
    )


async def test_what_is_written_is_sent_in_order_and_deleted() -> None:
    rows, kafka = FakeRows(), Kafka()
    await rows.write([a_message(1), a_message(2), a_message(3, "other")])
    async with leading(rows, kafka):
        await wait_until(lambda: not rows.rows)
        await rows.write([a_message(4)])
        await wait_until(lambda: not rows.rows)
    of_key = [message for message in kafka.sent if message.key == "k"]
    assert of_key == [a_message(1), a_message(2), a_message(4)]
    assert a_message(3, "other") in kafka.sent


async def test_a_failing_key_holds_up_no_other_and_keeps_its_order() -> None:
    rows, kafka = FakeRows(), Kafka()
    kafka.failing = {"bad"}
    await rows.write([a_message(n, "bad") for n in range(3)] + [a_message(n) for n in range(3)])
    async with leading(rows, kafka):
        await wait_until(lambda: kafka.of("k") == ["0", "1", "2"])
        await rows.write([a_message(3, "bad"), a_message(3)])
        await wait_until(lambda: kafka.of("k") == ["0", "1", "2", "3"])
        assert kafka.of("bad") == []
        kafka.failing.clear()
        await wait_until(lambda: kafka.of("bad") == ["0", "1", "2", "3"])
        await wait_until(lambda: not rows.rows and not rows.aside)


async def test_more_failing_rows_than_a_read_takes_hold_up_nobody() -> None:
    rows, kafka = FakeRows(), Kafka()
    bad = [f"bad{n}" for n in range(20)]
    kafka.failing = set(bad)
    await rows.write([a_message(n, key) for n in range(2) for key in bad])
    await rows.write([a_message(n) for n in range(3)])
    async with leading(rows, kafka, batch=5):
        await wait_until(lambda: kafka.of("k") == ["0", "1", "2"])
        kafka.failing.clear()
        await wait_until(lambda: all(kafka.of(key) == ["0", "1"] for key in bad))


async def test_a_new_leader_sends_nothing_of_a_waiting_key_before_its_first() -> None:
    rows, kafka = FakeRows(), Kafka()
    kafka.failing = {"k"}
    await rows.write([a_message(1)])
    async with leading(rows, kafka):
        await wait_until(lambda: bool(rows.aside))
    rows.aside[0].retry_at = time.monotonic() + 3_600
    kafka.failing.clear()
    await rows.write([a_message(2), a_message(3, "other")])
    async with leading(rows, kafka):
        await wait_until(lambda: len(rows.aside) == 2 and kafka.of("other") == ["3"])
        assert kafka.of("k") == []
        rows.aside[0].retry_at = time.monotonic()
        await wait_until(lambda: kafka.of("k") == ["1", "2"])


async def test_a_message_that_kafka_can_never_take_is_parked_with_its_key_behind_it() -> None:
    rows, kafka = FakeRows(), Kafka()
    kafka.refused = {b"1"}
    await rows.write([a_message(1), a_message(2), a_message(3, "other")])
    async with leading(rows, kafka):
        await wait_until(lambda: kafka.of("other") == ["3"] and len(rows.aside) == 2)
    assert [kept.parked_for for kept in rows.aside] == ["too large", ""]
    assert kafka.of("k") == [], "a gap in the sequence of an order is worse than waiting"


async def test_a_batch_refused_for_one_row_parks_that_row_alone() -> None:
    rows, kafka = FakeRows(), Kafka()
    kafka.most_bytes_together = 4
    keys = [f"k{n}" for n in range(5)]
    await rows.write([a_message(12, key) for key in keys])
    await rows.write([Message("orders.events", "huge", {}, b"12345")])
    async with leading(rows, kafka):
        await wait_until(lambda: len(kafka.sent) == 5 and len(rows.aside) == 1)
    assert [kept.row.message.key for kept in rows.aside if kept.parked_for] == ["huge"]
    assert not rows.rows


async def test_a_relay_that_loses_kafka_keeps_every_row_where_it_is() -> None:
    rows, kafka = FakeRows(), Kafka()
    kafka.away = True
    await rows.write([a_message(1)])
    async with leading(rows, kafka) as task:
        await asyncio.wait([task])
        assert isinstance(task.exception(), KafkaAway)
    assert [row.message for row in rows.rows] == [a_message(1)]
    assert rows.aside == []
