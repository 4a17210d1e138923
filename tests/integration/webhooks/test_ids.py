"""A delivery is the same one however often its event comes, and pages go by when it came."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiohttp import web
from uuid_utils.compat import uuid7

from services.webhooks import store
from services.webhooks.store import NewDelivery
from shared.ids import delivery_id
from shared.kafka.topics import ORDERS_EVENTS
from shared.web.pagination import encode_cursor
from tests.integration.webhooks.conftest import MakeApp
from tests.integration.webhooks.test_api import Client
from tests.integration.webhooks.test_deliveries import states
from tests.integration.webhooks.test_positions import handled
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import ReceivedWebhook, Receiver

pytestmark = pytest.mark.engines
Event = tuple[Any, bytes]


async def put(connection: EventPublisher, *events: Event) -> None:
    """Put events on the log at once, as one batch."""
    waiting = [
        await connection.topics.start_publishing(
            ORDERS_EVENTS.name, str(attributes.order_id), body, attributes.headers()
        )
        for attributes, body in events
    ]
    for future in waiting:
        await future


async def test_an_event_that_stands_on_the_log_twice_is_one_delivery_also_after_a_restore(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    app = await start()
    await connection.publish_connection()
    order = uuid7()
    first, second = connection.event(order, 1), connection.event(order, 2)
    await put(connection, first, first, second, first, second)
    await handled(database, 5)
    await states(database, "delivered", "delivered")
    rows = await database.fetch("SELECT id, event_id FROM deliveries")
    assert {row["id"] for row in rows} == {
        delivery_id(attributes.id, connection.endpoint_id, 0) for attributes, _ in (first, second)
    }
    await app.state.runtime.kafka.stop()

    # Of the one the rows are lost, of the other they have the id of before.
    of_before = uuid7()
    await database.execute("DELETE FROM deliveries WHERE sequence = 2")
    await database.execute("DELETE FROM events WHERE sequence = 2")
    await database.execute("UPDATE deliveries SET id = $1", of_before)
    await database.execute("UPDATE positions SET next_offset = 0, record_id = NULL")
    await start()
    await handled(database, 5)
    await states(database, "delivered", "delivered")
    left = await database.fetch("SELECT id FROM deliveries ORDER BY sequence")
    assert [row["id"] for row in left] == [
        of_before, delivery_id(second[0].id, connection.endpoint_id, 0)
    ]  # fmt: skip
    assert [got.sequence for got in receiver.got] == [1, 2, 2]
    assert receiver.got[1].id == receiver.got[2].id == str(second[0].id)


async def test_what_is_under_way_keeps_its_lease_when_its_event_comes_again(
    start: MakeApp,
    connection: EventPublisher,
    other_connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twice in one batch, and once in another whose answer from Postgres is lost."""
    answers = asyncio.Event()

    async def slow(_: ReceivedWebhook) -> web.Response:
        await answers.wait()
        return web.Response()

    await start(webhooks_lease_seconds=77.0)
    await connection.publish_connection()
    await other_connection.publish_connection()
    # Once the endpoint is known and idle, what comes is leased as it is stored.
    await connection.publish_events(uuid7(), 1)
    await states(database, "delivered")
    receiver.answer = slow
    event = connection.event(uuid7(), 1)
    await put(connection, event, event)
    await receiver.has(2)
    await handled(database, 3)
    insert, lost = store.insert_events, list[UUID]()

    async def unheard(session: Any, new: list[NewDelivery], *given: Any) -> Any:
        answer = await insert(session, new, *given)
        if not lost:
            lost.extend(one.id for one in new)
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")
        return answer

    monkeypatch.setattr(store, "insert_events", unheard)
    await connection.publish(event)
    await handled(database, 4)
    assert lost == [delivery_id(event[0].id, connection.endpoint_id, 0)]
    # What is written later than leases are given back.
    await other_connection.publish_events(uuid7(), 1)
    await states(database, "delivered", "pending", "delivered")
    # Neither given back nor claimed since it was stored.
    lease = await database.fetchrow(
        "SELECT lease_owner IS NOT NULL AS is_held, due_at - created_at AS length"
        " FROM deliveries WHERE id = $1",
        lost[0],
    )
    answers.set()
    assert lease is not None
    assert tuple(lease) == (True, timedelta(seconds=77))
    await states(database, *["delivered"] * 3)
    assert len(receiver.got) == 2


async def test_pages_of_one_moment_lose_and_repeat_nothing(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    make_token: Callable[..., str],
) -> None:
    app = await start()
    await connection.publish_connection()
    events = [connection.event(uuid7(), 1) for _ in range(9)]
    await put(connection, *events)
    await receiver.has(9)
    await states(database, *["delivered"] * 9)
    # Ids whose order is not that of the times; five of one moment.
    for n, (attributes, _) in enumerate(events):
        await database.execute(
            "WITH e AS (UPDATE events SET id = $2, created_at = timestamptz '2026-01-01 UTC'"
            " + $3 * interval '1 us' WHERE id = $1)"
            " UPDATE deliveries SET event_id = $2 WHERE event_id = $1",
            attributes.id, uuid4(), float(max(4, n)),
        )  # fmt: skip
    for account, kind in ((connection.three_pl_id, "three_pl"), (connection.brand_id, "brand")):
        client = Client(app, make_token(account, kind))
        newest = await database.fetch("SELECT id FROM events ORDER BY created_at DESC, id DESC")
        assert [row["event_id"] for row in await client.list()] == [
            str(row["id"]) for row in newest
        ]
        # Of before, when an id had an order.
        old = await client.get("/v1/deliveries", after=encode_cursor(uuid7(), uuid7()))
        assert (old.status_code, old.json()["code"]) == (422, "invalid_cursor")
