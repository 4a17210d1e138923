"""Parking meets outcomes: both lock lane by lane, so that nobody waits in a circle."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from services.webhooks import store
from services.webhooks.delivery import DeliveryState
from services.webhooks.store import NewDelivery
from tests.integration.webhooks.conftest import MakeApp
from tests.integration.webhooks.test_waiting import insert, is_blocked, new_delivery, record
from tests.kit.publishers import EventPublisher
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


@pytest.fixture
async def heads(
    start: MakeApp, connection: EventPublisher, database: asyncpg.Connection
) -> list[NewDelivery]:
    """Of two lanes in the order of locking; stored in the other order, and due so."""
    await start(webhooks_poll_seconds=30)
    await connection.publish_connection()

    async def pause() -> str:
        return await database.execute("UPDATE endpoints SET paused_until = 'infinity'")

    await eventually(pause, lambda status: status == "UPDATE 1")
    found = [new_delivery(connection, uuid7(), 1) for _ in range(2)]
    for one in reversed(found):
        await insert(database, one)
    return found


Move = Callable[[asyncpg.Connection, Sequence[UUID]], Coroutine[None, None, None]]


@pytest.mark.parametrize(
    ("move", "before", "endpoint_state"),
    [
        (store.park_deliveries, "pending", "disabled"),
        (store.unpark_deliveries, "parked", "enabled"),
    ],
)
async def test_outcomes_and_parking_do_not_wait_for_each_other(
    heads: list[NewDelivery],
    database: asyncpg.Connection,
    postgres_dsn: str,
    move: Move,
    before: str,
    endpoint_state: str,
) -> None:
    await database.execute("UPDATE endpoints SET state = $1", endpoint_state)
    await database.execute("UPDATE deliveries SET state = $1", before)
    # The rows lie against the order of locking, whatever of Postgres's plans reads them.
    await database.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
    endpoint = heads[0].event.endpoint_id
    other = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "webhooks"})
    observer = await asyncpg.connect(postgres_dsn)
    async with other.transaction():
        first, second = (one.event.delivery(one.id, 0.0) for one in heads)
        await record(other, first, DeliveryState.DELIVERED)
        moving = asyncio.create_task(move(database, [endpoint]))
        await is_blocked(observer)
        await record(other, second, DeliveryState.DELIVERED)
    await moving
    await other.close()
    await observer.close()

    rows = await database.fetch("SELECT state FROM deliveries")
    assert {row["state"] for row in rows} == {"delivered"}
