"""How far the log was handled stands beside the orders, and that is what counts."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from fastapi import FastAPI

from shared.contracts.connections_changed import ConnectionState
from shared.contracts.orders_received import SPOOLED
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.topics import ORDERS_EVENTS, ORDERS_RECEIVED
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeApp = Callable[[], FastAPI]
_STATE = """
SELECT json_agg(o ORDER BY id)::text FROM
    (SELECT id, payload::text, version, sequence, status, updated_at FROM orders) o
"""


@pytest.fixture
def shop(topics: Topics) -> OrderPublisher:
    return OrderPublisher(topics)


@asynccontextmanager
async def routing(make_app: MakeApp) -> Any:
    """A routing process that is ready, until the end of the block."""
    app = make_app()
    async with app.router.lifespan_context(app):
        health = app.state.runtime.health
        await eventually(health.report, lambda said: set(said.values()) == {"ok"})
        yield app


async def handled(database: asyncpg.Connection, records: int, generation: int = 0) -> None:
    """Wait until so many records of one log have been handled."""

    async def look() -> int:
        return int(
            await database.fetchval(
                "SELECT coalesce(sum(next_offset), 0) FROM positions"
                " WHERE topic = 'orders.received' AND partition >= 0"
                " AND (generation = $1 OR next_offset = 0)",
                generation,
            )
        )

    await eventually(look, lambda found: found == records)


async def remake(kafka: str, name: str, partitions: int = 3) -> None:
    """Another log under the same name."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics([name])

        async def make() -> int:
            answer = await admin.create_topics([NewTopic(name, partitions, 1)])
            return int(answer.topic_errors[0][1])

        await eventually(make, lambda error: error == 0)
    finally:
        await admin.close()
    # The broker may go on with the old one for a moment, and lose what is sent to it.
    async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
        names = [TopicPartition(name, partition) for partition in range(partitions)]

        async def end() -> int:
            return sum((await consumer.end_offsets(names)).values())

        await eventually(end, lambda offsets: offsets == 0)


async def test_the_whole_log_read_again_changes_nothing(
    make_app: MakeApp, shop: OrderPublisher, topics: Topics, database: asyncpg.Connection
) -> None:
    async with routing(make_app):
        await shop.set(ConnectionState.ACTIVE)
        # Two edits within one second of the store's clock: the later one on the log counts.
        for external_id in ("1", "2", "3"):
            await shop.send(
                shop.order(external_id),
                shop.order(external_id, total="12.00"),
                shop.order(external_id, total="11.00"),
            )
        await handled(database, 9)
        totals = await database.fetch("SELECT total FROM orders")
        assert {row["total"] for row in totals} == {"11.00"}
        events = await topics.all(ORDERS_EVENTS.name, at_least=9)
        before = await database.fetchval(_STATE)
    await database.execute("UPDATE positions SET next_offset = 0, record_id = NULL")
    async with routing(make_app), routing(make_app):
        await handled(database, 9)
        # Behind what was read again comes what is new.
        await shop.send(shop.order("4"))
        await handled(database, 10)
        assert len(await topics.all(ORDERS_EVENTS.name, at_least=10)) == len(events) + 1
    await database.execute("DELETE FROM orders WHERE external_id = '4'")
    assert await database.fetchval(_STATE) == before


async def test_an_emptied_schema_reads_the_log_from_its_start_whatever_kafkas_offsets_say(
    make_app: MakeApp, shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    async with routing(make_app):
        await shop.send(*(shop.order(str(n)) for n in range(5)))
        await handled(database, 5)
    await database.execute("TRUNCATE orders, order_history, positions, outbox CASCADE")
    async with routing(make_app):
        await handled(database, 5)
        assert await database.fetchval("SELECT count(*) FROM orders") == 5


@pytest.mark.parametrize("records", [2, 30])
async def test_another_log_under_the_same_name_is_read_from_its_start(
    make_app: MakeApp,
    shop: OrderPublisher,
    database: asyncpg.Connection,
    kafka: str,
    topic_prefix: str,
    records: int,
) -> None:
    async with routing(make_app):
        await shop.send(*(shop.order(str(n)) for n in range(12)))
        await handled(database, 12)
    await remake(kafka, f"{topic_prefix}{ORDERS_RECEIVED.name}")
    await shop.send(*(shop.order(f"new-{n}") for n in range(records)))

    async def known() -> int:
        return int(
            await database.fetchval("SELECT count(*) FROM orders WHERE external_id LIKE 'new-%'")
        )

    async with routing(make_app):
        await eventually(known, lambda found: found == records)
    assert await database.fetchval("SELECT count(*) FROM orders") == 12 + records


async def test_who_lost_a_partition_writes_nothing_of_it(
    make_app: MakeApp, shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    async with routing(make_app):
        await shop.send(shop.order("a"))
        await handled(database, 1)
        # Another process has the partition, and is at the next record.
        async with database.transaction():
            row = await database.fetchrow(
                "SELECT * FROM positions WHERE next_offset = 1 FOR UPDATE"
            )
            assert row is not None
            headers = cloud_event_headers("order.received", "/test", "a")
            order = shop.order("a", seconds=5, total="12.00")
            await shop.topics.publish(ORDERS_RECEIVED.name, order.key, order, headers)
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND application_name = 'relevo-routing' AND datname = current_database()"
            )
            await eventually(lambda: database.fetchval(waiting), lambda found: found == 1)
            await database.execute(
                "UPDATE positions SET next_offset = 2, record_id = $1 WHERE partition = $2",
                headers["ce_id"],
                row["partition"],
            )
        # What comes after it is handled again, and the one in between is not.
        await shop.send(shop.order("a", seconds=9, total="13.00"))
        await handled(database, 3)
        lines = await database.fetch("SELECT sequence FROM order_history ORDER BY id")
        assert [line["sequence"] for line in lines] == [1, 2]
        assert await database.fetchval("SELECT total FROM orders") == "13.00"


async def test_what_waited_in_the_spool_does_not_overtake_what_was_accepted_later(
    make_app: MakeApp, shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    spooled, later = shop.order("1", total="10.00"), shop.order("1", total="11.00")
    later = later.model_copy(update={"received_at": spooled.received_at + timedelta(seconds=1)})
    headers = {**cloud_event_headers("order.received", "/test", "1"), SPOOLED: "true"}
    async with routing(make_app):
        await shop.send(later)
        await shop.topics.publish(ORDERS_RECEIVED.name, spooled.key, spooled, headers)
        await handled(database, 2)
        assert await database.fetchval("SELECT total FROM orders") == "11.00"


async def test_kafkas_own_offsets_follow_for_lag_monitors(
    make_app: MakeApp,
    shop: OrderPublisher,
    database: asyncpg.Connection,
    kafka: str,
    topic_prefix: str,
) -> None:
    async with routing(make_app):
        await shop.send(*(shop.order(str(n)) for n in range(5)))
        await handled(database, 5)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        committed = await admin.list_consumer_group_offsets(f"{topic_prefix}routing-orders")
    finally:
        await admin.close()
    name = f"{topic_prefix}{ORDERS_RECEIVED.name}"
    at = {one: offset.offset for one, offset in committed.items() if offset.offset > 0}
    rows = await database.fetch("SELECT partition, next_offset FROM positions")
    assert at == {
        TopicPartition(name, row["partition"]): row["next_offset"]
        for row in rows
        if row["next_offset"] > 0
    }


async def test_a_schema_of_before_goes_on_where_kafkas_offsets_are(
    make_app: MakeApp, shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    async with routing(make_app):
        await shop.send(shop.order("1"), shop.order("2"))
        await handled(database, 2)
        # Its own events are known to the end: they are not what this is about.
        own = "SELECT sum(next_offset) FROM positions WHERE topic = 'orders.events'"
        await eventually(lambda: database.fetchval(own), lambda known: known == 2)
    await database.execute("DELETE FROM positions WHERE topic = 'orders.received'")
    await database.execute("DELETE FROM orders")
    await database.execute(
        "INSERT INTO positions (topic, partition, next_offset) VALUES ($1, -1, 0)",
        ORDERS_RECEIVED.name,
    )
    async with routing(make_app):
        await shop.send(shop.order("3"))
        await handled(database, 3)
    rows = await database.fetch("SELECT external_id FROM orders")
    assert [row["external_id"] for row in rows] == ["3"]


async def test_a_batch_that_postgres_refused_is_read_again(
    make_app: MakeApp, shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    async with routing(make_app):
        await shop.send(shop.order("1"))
        await handled(database, 1)
        await database.execute("ALTER TABLE orders RENAME TO away")
        await shop.send(shop.order("2"), shop.order("3"))
        await asyncio.sleep(0)
        await database.execute("ALTER TABLE away RENAME TO orders")
        await handled(database, 3)
        assert await database.fetchval("SELECT count(*) FROM orders") == 3
