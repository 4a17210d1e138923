"""The relay without engines: per-key order, what is parked, what is kept."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shared.failures import Transient
from shared.kafka.message import Message, MessageRefused
from shared.postgres.database import Database
from shared.postgres.outbox import Relay, Row, Rows, _waves
from shared.settings import Settings
from tests.kit.outbox_suite import FakeRows, OutboxSuite, a_message
from tests.kit.waiting import wait_until


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_waves_hold_each_key_once_and_keep_its_order(keys: list[str]) -> None:
    rows = [Row(n, Message("t", key, {}, b""), 0.0) for n, key in enumerate(keys)]
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
        self.refused: set[bytes] = set()
        self.away = False

    async def send(self, message: Message) -> Awaitable[object]:
        if message.value in self.refused:
            raise MessageRefused("too large")
        return self._acknowledge(message)

    async def _acknowledge(self, message: Message) -> None:
        if self.away:
            raise Transient("Kafka did not acknowledge a message")
        self.sent.append(message)


@asynccontextmanager
async def leading(rows: FakeRows, kafka: Kafka) -> AsyncIterator[asyncio.Task[None]]:
    relay = Relay(nowhere(), "test", kafka.send, poll_seconds=0.01)
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


async def test_a_message_that_kafka_can_never_take_is_parked_and_the_others_go_on() -> None:
    rows, kafka = FakeRows(), Kafka()
    kafka.refused = {b"1"}
    await rows.write([a_message(1), a_message(2)])
    async with leading(rows, kafka):
        await wait_until(lambda: kafka.sent == [a_message(2)])
    assert rows.parked == {1: "too large"}
    assert [row.message for row in rows.rows] == [a_message(1)], "kept, until somebody decides"


async def test_a_relay_that_loses_kafka_keeps_every_row() -> None:
    rows, kafka = FakeRows(), Kafka()
    kafka.away = True
    await rows.write([a_message(1)])
    async with leading(rows, kafka) as task:
        await asyncio.wait([task])
        assert isinstance(task.exception(), Transient)
    assert [row.message for row in rows.rows] == [a_message(1)]
