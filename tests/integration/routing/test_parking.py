"""Records that fail are parked in order, and an operator brings them back: through the command."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from typer.testing import CliRunner, Result

from relevo.cli import app as relevo
from shared.kafka.topics import ORDERS_RECEIVED
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def shop(topics: Topics) -> OrderPublisher:
    return OrderPublisher(topics)


async def run(*arguments: str) -> Result:
    """`relevo …`, as an operator would, while the services run."""
    return await asyncio.to_thread(CliRunner().invoke, relevo, arguments)


async def send_broken(topics: Topics, shop: OrderPublisher, external_id: str, total: str) -> None:
    """A record that is JSON, and no order that this release can read."""
    received = orjson.loads(shop.order(external_id, 1).model_dump_json())
    received["order"]["total"] = total
    await topics.publish(
        ORDERS_RECEIVED.name, f"{shop.store_id}:{external_id}", orjson.dumps(received)
    )


async def parked(database: asyncpg.Connection, count: int) -> list[asyncpg.Record]:
    async def look() -> list[asyncpg.Record]:
        return await database.fetch("SELECT * FROM parked_records ORDER BY id")

    return await eventually(look, lambda rows: len(rows) == count)


async def totals(database: asyncpg.Connection) -> dict[str, Any]:
    rows = await database.fetch("SELECT external_id, total FROM orders")
    return {row["external_id"]: row["total"] for row in rows}


async def test_what_is_parked_comes_back_in_order_once_it_can_be_read(
    shop: OrderPublisher, topics: Topics, database: asyncpg.Connection, postgres_dsn: str
) -> None:
    await shop.send(shop.order("1"))
    await send_broken(topics, shop, "1", "a lot")
    await shop.send(shop.order("1", 2, total="12.00"), shop.order("2"))
    broken, behind = await parked(database, 2)
    assert "/order/total" in broken["reason"]
    await eventually(lambda: totals(database), lambda kept: kept == {"1": "10.00", "2": "10.00"})

    listed = await run("parked", "list", "--dsn", postgres_dsn, "--json")
    assert listed.exit_code == 3, listed.output
    assert [row["id"] for row in orjson.loads(listed.stdout)] == [broken["id"], behind["id"]]
    shown = await run("parked", "show", str(broken["id"]), "--dsn", postgres_dsn, "--json")
    assert orjson.loads(orjson.loads(shown.stdout)["value"])["order"]["total"] == "a lot"

    again = await run("parked", "replay", "--all", "--dsn", postgres_dsn)
    assert (again.exit_code, "failed again" in again.output) == (1, True), again.output
    assert await totals(database) == {"1": "10.00", "2": "10.00"}, "nothing passes what failed"

    # A newer release can read it: here the record is made readable.
    value = broken["value"].replace(b"a lot", b"11.00")
    await database.execute(
        "UPDATE parked_records SET value = $1 WHERE id = $2", value, broken["id"]
    )
    mended = await run("parked", "replay", str(behind["id"]), "--dsn", postgres_dsn)
    assert mended.exit_code == 0, mended.output
    assert await totals(database) == {"1": "12.00", "2": "10.00"}
    lines = await database.fetch(
        "SELECT h.sequence, h.kind FROM order_history h JOIN orders o ON o.id = h.order_id "
        "WHERE o.external_id = '1' ORDER BY h.id"
    )
    assert [tuple(row) for row in lines] == [(1, "entered"), (2, "updated"), (3, "updated")]
    assert (await run("parked", "list", "--dsn", postgres_dsn)).exit_code == 0


async def test_a_record_that_is_dropped_is_lost_only_on_purpose(
    shop: OrderPublisher, topics: Topics, database: asyncpg.Connection, postgres_dsn: str
) -> None:
    await send_broken(topics, shop, "1", "a lot")
    await shop.send(shop.order("1", 2, total="12.00"))
    broken, _ = await parked(database, 2)
    drop = ("parked", "drop", str(broken["id"]), "--dsn", postgres_dsn)
    refused = await run(*drop)
    assert refused.exit_code == 2
    assert str(shop.store_id) in refused.output
    assert len(await parked(database, 2)) == 2
    assert (await run(*drop, "--yes")).exit_code == 0
    assert (await run(*drop, "--yes")).exit_code == 1, "it is gone"
    assert (await run("parked", "replay", "--all", "--dsn", postgres_dsn)).exit_code == 0
    assert await totals(database) == {"1": "12.00"}


async def test_a_record_that_postgres_refuses_is_parked_too(
    shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    """What no rule foresaw: the batch is halved until the record stands alone."""
    await database.execute(
        "ALTER TABLE orders ADD CONSTRAINT refused CHECK (number <> '#bad' OR number IS NULL)"
    )
    await shop.send(shop.order("good"), shop.order("bad"), shop.order("bad", 1, total="11.00"))
    await shop.send(shop.order("better"))
    first, second = await parked(database, 2)
    assert "refused" in first["reason"]
    assert second["reason"] == "an earlier record of this order is parked"
    await eventually(lambda: totals(database), lambda kept: set(kept) == {"good", "better"})


async def test_dead_letters_are_listed_replayed_and_dropped(
    topics: Topics, kafka: str, topic_prefix: str
) -> None:
    at = ("--kafka", kafka, "--prefix", topic_prefix)
    await topics.publish(ORDERS_RECEIVED.name, "k", b"not json")
    await topics.all(ORDERS_RECEIVED.dead_letters, at_least=1)
    listed = await run("dlq", "list", *at, "--json")
    assert listed.exit_code == 3, listed.output
    (letter,) = orjson.loads(listed.stdout)
    assert (letter["topic"], letter["key"], letter["value"]) == ("orders.received", "k", "not json")
    assert "Invalid JSON" in letter["reason"]

    place = ("orders.received", str(letter["partition"]), str(letter["offset"]))
    shown = await run("dlq", "show", *place, *at)
    assert shown.exit_code == 0, shown.output
    assert orjson.loads(shown.stdout) == letter
    assert (await run("dlq", "replay", *place, *at)).exit_code == 0
    again = await topics.all(ORDERS_RECEIVED.dead_letters, at_least=2)
    assert [record.value for record in again] == [b"not json"] * 2
    assert sum(name == "dead_letter_reason" for name, _ in again[1].headers) == 1

    last = ("orders.received", str(letter["partition"]), str(again[1].offset))
    assert (await run("dlq", "drop", *last, *at)).exit_code == 2
    assert (await run("dlq", "drop", *last, *at, "--yes")).exit_code == 0
    assert (await run("dlq", "list", *at)).exit_code == 0


async def test_nothing_to_reach_is_said_and_not_a_traceback() -> None:
    for arguments in (
        ("parked", "list", "--dsn", "postgresql://nobody@127.0.0.1:1/nothing"),
        ("dlq", "list", "--kafka", "127.0.0.1:1"),
        ("parked", "show", str(UUID(int=1).int), "--dsn", "postgresql://x@127.0.0.1:1/x"),
    ):
        answer = await run(*arguments)
        assert answer.exit_code == 1
        assert isinstance(answer.exception, SystemExit)
