"""Parked messages: an operator lists them, and releases or drops them; order is kept."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable

import pytest

from shared.kafka.message import Message, MessageRefused
from shared.postgres.database import Database
from shared.postgres.outbox import Relay, write
from shared.settings import Settings
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.engines
TOPIC = "orders.events"


class Kafka:
    """Refuses `bad` until it is told to take it."""

    def __init__(self) -> None:
        self.took: list[str] = []
        self.refusing = True

    async def send(self, message: Message) -> Awaitable[object]:
        if message.value == b"bad" and self.refusing:
            raise MessageRefused("10 bytes are too many")
        return self._acknowledge(message)

    async def _acknowledge(self, message: Message) -> None:
        self.took.append(message.value.decode())


@pytest.fixture
async def kafka_of_relay(settings: Settings) -> AsyncIterator[Kafka]:
    """Behind a relay with a parked row, one behind it, and another key that went out."""
    database, kafka = Database(settings, "routing"), Kafka()
    await database.open()
    headers = {"ce_type": "order.updated"}
    async with database.transaction() as session:
        told = [("k", b"bad"), ("k", b"after"), ("other", b"fine")]
        await write(session, [Message(TOPIC, key, headers, value) for key, value in told])
    relay = Relay(database, "routing", kafka.send, poll_seconds=0.05, retry_seconds=0.05)
    task = asyncio.create_task(relay.run())
    await wait_until(lambda: kafka.took == ["fine"])
    yield kafka
    task.cancel()
    await asyncio.wait([task])
    await database.close()


async def outbox(settings: Settings, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `relevo outbox …`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "relevo", "outbox", *arguments),
        *("--dsn", settings.postgres_dsn.get_secret_value()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def the_parked_row(settings: Settings) -> str:
    """Its id, once the row behind it is there too."""
    while True:
        code, out, err = await outbox(settings, "list", "--json")
        assert code == 3, err
        (row,) = json.loads(out)
        if row["behind"] == 1:
            assert (row["schema"], row["key"], row["bytes"]) == ("routing", "k", 3)
            assert row["reason"] == "10 bytes are too many"
            return str(row["id"])


async def test_a_released_row_goes_out_before_what_waits_behind_it(
    settings: Settings, kafka_of_relay: Kafka
) -> None:
    row = await the_parked_row(settings)
    code, out, _ = await outbox(settings, "show", "routing", row)
    assert code == 0
    assert "order.updated" in out
    assert out.endswith("bad\n")
    kafka_of_relay.refusing = False
    assert (await outbox(settings, "release", "routing", row))[0] == 0
    await wait_until(lambda: kafka_of_relay.took == ["fine", "bad", "after"])
    assert (await outbox(settings, "list"))[0] == 0


async def test_a_dropped_row_is_lost_by_consent_alone_and_its_key_goes_on(
    settings: Settings, kafka_of_relay: Kafka
) -> None:
    row = await the_parked_row(settings)
    code, _, err = await outbox(settings, "drop", "routing", row)
    assert code == 2
    assert "order.updated of orders.events, key k, 3 bytes" in err
    assert kafka_of_relay.took == ["fine"]
    assert (await outbox(settings, "drop", "routing", row, "--yes"))[0] == 0
    await wait_until(lambda: kafka_of_relay.took == ["fine", "after"])


async def test_what_is_not_parked_cannot_be_released_or_dropped(settings: Settings) -> None:
    for command in (("release",), ("drop", "--yes"), ("show",)):
        code, _, err = await outbox(settings, *command, "routing", "4711")
        assert (code, "No row 4711 is parked" in err) == (1, True)
    assert (await outbox(settings, "release", "no-such-schema", "1"))[0] == 1
