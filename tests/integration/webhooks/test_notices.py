"""What 3PLs are told of their endpoints: on the topic, with the change that it is about."""

from datetime import timedelta

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from shared.contracts.notices import DeliveriesExhausted, EndpointDisabled
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.notices import notices
from tests.kit.publishers import EventPublisher, Topics
from tests.kit.receiver import Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


async def states(database: asyncpg.Connection, state: str, count: int) -> None:
    """Wait until so many deliveries are in that state."""

    async def look() -> int:
        found = await database.fetchval("SELECT count(*) FROM deliveries WHERE state = $1", state)
        return int(found)

    await eventually(look, lambda found: found == count)


async def test_410_is_told_to_the_3pl_once_with_what_waits(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    topics: Topics,
) -> None:
    receiver.will(410)
    await start(webhooks_poll_seconds=0.05)
    await connection.publish_connection()
    order = uuid7()
    await connection.publish_events(order, 1)
    (told,) = await notices(topics, 1)
    await connection.publish_events(order, 2)
    await states(database, "parked", 2)

    assert told.account_id == connection.three_pl_id
    assert told.data == EndpointDisabled(
        endpoint_id=connection.endpoint_id,
        connection_id=connection.connection_id,
        store_id=connection.store_id,
        host="127.0.0.1",
        parked=1,
    )
    assert told.raised_at == await database.fetchval("SELECT updated_at FROM endpoints")
    assert len(await notices(topics)) == 1


async def test_exhausted_deliveries_are_counted_and_told_once_an_hour_by_any_process(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    topics: Topics,
) -> None:
    receiver.will(500)
    for _ in range(2):
        await start(webhooks_retry_schedule_seconds=(0.001,), webhooks_poll_seconds=0.05)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    (first,) = await notices(topics, 1)
    assert first.account_id == connection.three_pl_id
    assert isinstance(first.data, DeliveriesExhausted)
    assert (first.data.host, first.data.deliveries) == ("127.0.0.1", 1)

    for _ in range(5):
        await connection.publish_events(uuid7(), 1)
    await states(database, "exhausted", 6)
    # The next one comes an hour after the first, and not before.
    await database.execute("UPDATE tallies SET told_at = now() - interval '59 minutes'")
    # Something else is told meanwhile (of an endpoint that is not known: of nobody).
    await database.execute("INSERT INTO tally_marks VALUES (DEFAULT, $1, $1, 7)", uuid7())
    await eventually(lambda: untold(database), lambda marks: marks == 5)
    await database.execute("UPDATE tallies SET told_at = now() - interval '61 minutes'")
    second = (await notices(topics, 2))[1]
    assert isinstance(second.data, DeliveriesExhausted)
    assert (second.data.endpoint_id, second.data.deliveries) == (connection.endpoint_id, 5)
    assert second.raised_at - second.data.since < timedelta(minutes=1)
    assert second.id != first.id
    assert await untold(database) == 0


async def untold(database: asyncpg.Connection) -> int:
    return int(await database.fetchval("SELECT coalesce(sum(counted), 0) FROM tally_marks"))
