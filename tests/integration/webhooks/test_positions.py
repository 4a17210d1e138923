"""How far the log was handled stands beside the deliveries, and that is what counts."""

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from shared.kafka.topics import ORDERS_EVENTS
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


async def handled(database: asyncpg.Connection, records: int) -> None:
    """Wait until so many records have been handled, those too that nobody is told of."""

    async def look() -> int:
        return int(await database.fetchval("SELECT coalesce(sum(next_offset), 0) FROM positions"))

    await eventually(look, lambda found: found == records)


async def test_a_restored_schema_stores_what_is_newer_and_sends_it_under_the_same_ids(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    app = await start()
    await connection.publish_connection()
    order = uuid7()
    first = await connection.publish_events(order, 1)
    await receiver.has(1)
    await handled(database, 1)
    backup = await database.fetchrow("SELECT * FROM positions WHERE next_offset = 1")
    assert backup is not None
    second = await connection.publish_events(order, 2)
    # The brand's own is nobody's delivery, and is handled all the same.
    await connection.publish(connection.event(uuid7(), 1, to_three_pl=False))
    await receiver.has(2)
    await handled(database, 3)
    await app.state.runtime.kafka.stop()

    await database.execute("DELETE FROM deliveries WHERE sequence = 2")
    await database.execute("DELETE FROM events WHERE sequence = 2")
    await database.execute(
        "UPDATE positions SET next_offset = $1, record_id = $2 WHERE partition = $3",
        backup["next_offset"], backup["record_id"], backup["partition"],
    )  # fmt: skip
    await start()
    got = await receiver.has(3)
    assert [one.id for one in got] == [str(id_) for id_ in (*first, *second, *second)]
    await handled(database, 3)
    assert await database.fetchval("SELECT count(*) FROM events") == 2


async def test_what_was_stored_already_is_not_sent_again(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    app = await start()
    await connection.publish_connection()
    for _ in range(4):
        await connection.publish_events(uuid7(), 1, 2)
    await receiver.has(8)
    await handled(database, 8)
    await app.state.runtime.kafka.stop()
    await database.execute("UPDATE positions SET next_offset = 0, record_id = NULL")
    await start()
    await handled(database, 8)
    await connection.publish_events(uuid7(), 1)
    await receiver.has(9)
    assert len(receiver.got) == 9
    topics = await connection.topics.all(ORDERS_EVENTS.name, at_least=9)
    assert len(topics) == 9
