"""Case 15: an order goes back while its deliveries wait, are under way, or were attempted."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiohttp import web
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid7

from services.webhooks.main import create_app
from services.webhooks.settings import Settings
from shared.contracts.orders_events import OrderEventAttributes
from shared.kafka.topics import ORDERS_EVENTS
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
Event = tuple[OrderEventAttributes, bytes]
AN_HOUR = (0.0, 3_600.0)
# Neither an attempt nor a lease ends within a test.
ENDLESS = {"webhooks_lease_seconds": 200.0, "webhooks_attempt_seconds": 100.0}
# With an attempt that hangs, whatever else there is waits in memory.
BUSY = {"webhooks_concurrency": 1, "webhooks_retry_schedule_seconds": AN_HOUR}


async def states(database: asyncpg.Connection, order: UUID, *wanted: str) -> None:
    """Wait until the order's deliveries, in sequence, are in these states."""

    async def look() -> list[str]:
        rows = await database.fetch(
            "SELECT state FROM deliveries WHERE order_id = $1 ORDER BY sequence", order
        )
        return [row["state"] for row in rows]

    await eventually(look, lambda seen: seen == list(wanted))


def returned(connection: EventPublisher, order: UUID, sequence: int) -> Event:
    """The event that takes the order back."""
    attributes, body = connection.event(order, sequence)
    return replace(attributes, type="order.unassigned"), body


async def put(connection: EventPublisher, *events: Event) -> None:
    """Put events on the log, as near to one batch as they come."""
    futures = [
        await connection.topics.start_publishing(
            ORDERS_EVENTS.name,
            str(attributes.order_id),
            body,
            {**attributes.headers(), "ce_time": datetime.now(UTC).isoformat()},
        )
        for attributes, body in events
    ]
    await asyncio.gather(*futures)


async def occupied(connection: EventPublisher, receiver: Receiver) -> None:
    """The endpoint's only attempt hangs."""
    receiver.answer = receiver.hang
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await receiver.has(1)


def sent(receiver: Receiver, order: UUID) -> list[int]:
    return [got.sequence for got in receiver.got if got.order == str(order)]


async def test_what_waits_in_memory_is_superseded_and_nothing_is_sent(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    await start(**BUSY, **ENDLESS)
    await occupied(connection, receiver)
    order, other = uuid7(), uuid7()
    await connection.publish_events(order, 1, 2)
    await states(database, order, "pending", "pending")
    seen = REGISTRY.get_sample_value("relevo_return_effective_seconds_count") or 0
    event = returned(connection, order, 3)
    await put(connection, event)
    await states(database, order, "superseded", "superseded", "superseded")
    assert REGISTRY.get_sample_value("relevo_return_effective_seconds_count") == seen + 1

    await put(connection, event)
    receiver.will(200)
    receiver.let_go()
    await connection.publish_events(other, 1)
    await states(database, other, "delivered")
    await states(database, order, "superseded", "superseded", "superseded")
    assert sent(receiver, order) == []


async def test_all_in_one_batch_and_an_endpoint_that_nobody_knows_yet(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    order, before, other = uuid7(), uuid7(), uuid7()
    await put(
        connection,
        *(connection.event(order, n) for n in (1, 2)),
        returned(connection, order, 4),
        *(connection.event(order, n) for n in (5, 6)),
        connection.event(before, 1),
    )
    await start()
    await states(database, order, *["superseded"] * 3, "pending", "pending")
    await put(connection, returned(connection, before, 3))
    await states(database, before, "superseded", "superseded")
    await connection.publish_connection()
    await connection.publish_events(other, 1)
    await states(database, other, "delivered")
    await states(database, order, *["superseded"] * 3, "delivered", "delivered")

    assert (sent(receiver, order), sent(receiver, before)) == ([5, 6], [])


@pytest.mark.parametrize(("status", "kept"), [(200, "delivered"), (500, "superseded")])
async def test_an_attempt_under_way_ends_is_not_retried_and_then_the_receiver_is_told(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    status: int,
    kept: str,
) -> None:
    answers = asyncio.Event()

    async def when_told(got: ReceivedWebhook) -> web.Response:
        if got.sequence == 1:
            await answers.wait()
        return web.Response(status=status if got.sequence == 1 else 200)

    receiver.answer = when_told
    await start(webhooks_retry_schedule_seconds=(0.0, 0.0, 0.0))
    await connection.publish_connection()
    order = uuid7()
    await connection.publish_events(order, 1)
    await receiver.has(1)
    await connection.publish_events(order, 2)
    await put(connection, returned(connection, order, 4))
    await states(database, order, "superseded", "superseded", "pending")
    assert sent(receiver, order) == [1]
    answers.set()
    await states(database, order, kept, "superseded", "delivered")

    assert sent(receiver, order) == [1, 4]


async def test_a_return_behind_one_under_way_goes_when_that_has_ended(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    await start(**ENDLESS)
    order = uuid7()
    await connection.publish_connection()
    await connection.publish_events(order, 1)
    await states(database, order, "delivered")
    ends = asyncio.Event()

    async def when_told(got: ReceivedWebhook) -> web.Response:
        await ends.wait()
        return web.Response(status=200)

    receiver.answer = when_told
    await put(connection, returned(connection, order, 2))
    await receiver.has(2)
    await put(connection, returned(connection, order, 4))
    await states(database, order, "delivered", "pending", "pending")
    ends.set()
    await states(database, order, "delivered", "delivered", "delivered")
    assert sent(receiver, order) == [1, 2, 4]


async def test_after_any_attempt_the_receiver_is_told_and_what_is_left_is_superseded(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    await start(webhooks_retry_schedule_seconds=AN_HOUR, webhooks_poll_seconds=0.05)
    await connection.publish_connection()
    delivered, retrying = uuid7(), uuid7()
    await connection.publish_events(delivered, 1)
    await states(database, delivered, "delivered")
    receiver.will(500)
    await connection.publish_events(retrying, 1, 2)
    await states(database, retrying, "retrying", "pending")
    receiver.will(200)
    await put(
        connection,
        connection.event(delivered, 2),
        returned(connection, delivered, 3),
        returned(connection, retrying, 3),
    )
    await states(database, delivered, "delivered", "superseded", "delivered")
    await states(database, retrying, "superseded", "superseded", "delivered")

    assert (sent(receiver, delivered), sent(receiver, retrying)) == ([1, 3], [1, 3])


async def test_an_exhausted_order_is_told(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    receiver.will(500)
    await start(webhooks_retry_schedule_seconds=(0.0,))
    await connection.publish_connection()
    order = uuid7()
    await connection.publish_events(order, 1)
    await states(database, order, "exhausted")
    receiver.will(200)
    await put(connection, returned(connection, order, 2))
    await states(database, order, "exhausted", "delivered")


async def test_an_attempt_that_a_stop_cut_off_counts_and_one_that_waited_does_not(
    service_settings: dict[str, str],
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    receiver.answer = receiver.hang
    app = create_app(Settings(webhooks_concurrency=1, shutdown_seconds=5))
    cut_off, waited = uuid7(), uuid7()
    async with app.router.lifespan_context(app):
        await connection.publish_connection()
        await connection.publish_events(cut_off, 1)
        await receiver.has(1)
        await connection.publish_events(waited, 1)
        await states(database, waited, "pending")
    # The returns are read before anything is attempted again.
    await database.execute("UPDATE deliveries SET due_at = now() + interval '1 hour'")
    await put(connection, returned(connection, cut_off, 2), returned(connection, waited, 2))
    receiver.will(200)
    await start()
    await states(database, cut_off, "superseded", "delivered")
    await states(database, waited, "superseded", "superseded")

    assert (sent(receiver, cut_off), sent(receiver, waited)) == ([1, 2], [])


async def test_what_a_process_that_died_held_may_have_been_attempted(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    await start(webhooks_poll_seconds=0.05)
    leased, taken_over = uuid7(), uuid7()
    await connection.publish_events(leased, 1)
    await connection.publish_events(taken_over, 1)
    await states(database, leased, "pending")
    await states(database, taken_over, "pending")
    await database.execute(
        "UPDATE deliveries SET lease_owner = $1, due_at = now() + interval '1 hour'", uuid4()
    )
    await connection.publish_connection()
    await put(connection, returned(connection, leased, 2))
    await states(database, leased, "superseded", "pending")
    assert await database.fetchval("SELECT min(due_at) > now() FROM deliveries")
    await database.execute("UPDATE deliveries SET due_at = now() WHERE state = 'pending'")
    await states(database, leased, "superseded", "delivered")
    await states(database, taken_over, "delivered")

    assert sent(receiver, leased) == [2]


async def test_another_process_drops_what_it_has_not_started(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    answers = asyncio.Event()

    async def first_when_told(got: ReceivedWebhook) -> web.Response:
        if len(receiver.got) == 1:
            await answers.wait()
        return web.Response()

    receiver.answer = first_when_told
    await start(**BUSY, **ENDLESS)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await receiver.has(1)
    orders = [uuid7() for _ in range(40)]
    await put(connection, *(connection.event(order, 1) for order in orders))
    await states(database, orders[-1], "pending")
    # It gets a share of the partitions, and reads the returns of what the first one holds.
    await start(**ENDLESS)
    await put(connection, *(returned(connection, order, 2) for order in orders))

    async def ends() -> set[tuple[int, str, bool]]:
        rows = await database.fetch(
            "SELECT sequence, state, state = 'superseded' AND lease_owner IS NOT NULL AS held"
            " FROM deliveries WHERE order_id = ANY($1)",
            orders,
        )
        return {tuple(row) for row in rows if len(rows) == 80}

    await eventually(ends, lambda seen: bool(seen) and not any(held for _, _, held in seen))
    answers.set()
    both = {(1, "superseded", False), (2, "superseded", False), (2, "delivered", False)}
    await eventually(ends, lambda seen: seen == both)
    assert {got.sequence for got in receiver.got if got.order in set(map(str, orders))} == {2}


async def test_a_disabled_endpoint_keeps_only_returns_of_what_was_attempted(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    answers = asyncio.Event()

    async def gone(_: ReceivedWebhook) -> web.Response:
        await answers.wait()
        return web.Response(status=410)

    receiver.answer = gone
    await start(webhooks_concurrency=1, webhooks_poll_seconds=0.05)
    await connection.publish_connection()
    attempted, waited, late = uuid7(), uuid7(), uuid7()
    await connection.publish_events(attempted, 1)
    await receiver.has(1)
    await connection.publish_events(waited, 1)
    await states(database, waited, "pending")
    answers.set()
    await states(database, waited, "parked")
    await connection.publish_events(late, 1)
    await put(connection, *(returned(connection, order, 2) for order in (attempted, waited, late)))
    await states(database, attempted, "superseded", "parked")
    await states(database, waited, "superseded", "superseded")
    await states(database, late, "superseded", "superseded")
