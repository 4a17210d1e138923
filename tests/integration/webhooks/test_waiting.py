"""What waits in Postgres: behind the head of its lane, never missed; and before what is newer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiohttp import web
from uuid_utils.compat import uuid7

from services.webhooks import store
from services.webhooks.delivery import Answer, Attempt, Delivery, DeliveryState, Lease
from services.webhooks.endpoint_queue import ClaimQuota
from services.webhooks.store import Incoming, Inserted, NewDelivery
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
LEASE = Lease(uuid4(), 60.0, 15.0)


@pytest.fixture
async def other_session(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "webhooks"})
    yield session
    await session.close()


@pytest.fixture
async def endpoint(
    start: MakeApp, connection: EventPublisher, database: asyncpg.Connection
) -> UUID:
    """Known to Postgres, and paused: the process that told of it leaves its deliveries alone."""
    await start(webhooks_poll_seconds=30)
    await connection.publish_connection()

    async def pause() -> str:
        pause = "UPDATE endpoints SET paused_until = now() + interval '1 hour'"
        return await database.execute(pause)

    await eventually(pause, lambda status: status == "UPDATE 1")
    return connection.endpoint_id


def new_delivery(connection: EventPublisher, order: UUID, sequence: int) -> NewDelivery:
    attributes, body = connection.event(order, sequence)
    return NewDelivery(uuid7(), Incoming(attributes, connection.endpoint_id, body, None), True)


async def insert(session: asyncpg.Connection, new: NewDelivery, lease: Lease = LEASE) -> Inserted:
    return (await store.insert_events(session, [new], lease))[new.id]


async def record(session: asyncpg.Connection, delivery: Delivery, state: DeliveryState) -> None:
    timing = (datetime.now(UTC), 0.01)
    attempt = Attempt.of(delivery, Answer(200), (state, 0.0), timing, [])
    await store.record_attempts(session, [attempt], LEASE.owner)


async def claimed(session: asyncpg.Connection, endpoint: UUID) -> list[int]:
    found = await store.claim_due_deliveries(session, {endpoint: ClaimQuota(9, 9)}, LEASE, 0.0)
    return [delivery.sequence for delivery, _ in found]


async def is_blocked(observer: asyncpg.Connection) -> None:
    async def look() -> list[asyncpg.Record]:
        return await observer.fetch(
            "SELECT FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )

    await eventually(look)


async def test_each_is_due_when_the_one_before_it_is_finished(
    endpoint: UUID, connection: EventPublisher, database: asyncpg.Connection
) -> None:
    order = uuid7()
    head, *followers = [new_delivery(connection, order, sequence) for sequence in (1, 2, 3)]
    assert (await insert(database, head)).leased
    for follower in followers:
        await insert(database, follower, Lease(uuid4(), 60.0, 15.0))
    await record(database, head.event.delivery(head.id, 0.0), DeliveryState.RETRYING)
    never = "SELECT sequence FROM deliveries WHERE due_at = 'infinity' ORDER BY sequence"
    assert [row["sequence"] for row in await database.fetch(never)] == [2, 3]

    for sequence, new in enumerate((head, *followers), 1):
        assert await claimed(database, endpoint) == [sequence]
        await record(database, new.event.delivery(new.id, 0.0), DeliveryState.DELIVERED)
    assert await claimed(database, endpoint) == []


async def test_what_is_given_back_behind_an_unfinished_head_goes_on_waiting_for_it(
    endpoint: UUID, connection: EventPublisher, database: asyncpg.Connection
) -> None:
    order = uuid7()
    head, *followers = [new_delivery(connection, order, sequence) for sequence in (1, 2, 3)]
    for new in (head, *followers):
        assert (await insert(database, new)).leased
    await record(database, head.event.delivery(head.id, 0.0), DeliveryState.RETRYING)
    # As memory holds them still, when the outcome of their head is written.
    for_long = "UPDATE deliveries SET lease_owner = $1, due_at = now() + interval '1 minute'"
    await database.execute(f"{for_long} WHERE sequence > 1", LEASE.owner)
    await store.release_deliveries(database, [new.id for new in followers], [], LEASE.owner)
    rows = await database.fetch("SELECT due_at, lease_owner FROM deliveries WHERE sequence > 1")
    assert [(str(row["due_at"].year), row["lease_owner"]) for row in rows] == [("9999", None)] * 2
    for sequence, new in enumerate((head, *followers), 1):
        assert await claimed(database, endpoint) == [sequence]
        await record(database, new.event.delivery(new.id, 0.0), DeliveryState.DELIVERED)


async def test_one_that_comes_while_its_head_is_being_finished_is_due(
    endpoint: UUID,
    connection: EventPublisher,
    database: asyncpg.Connection,
    other_session: asyncpg.Connection,
    postgres_dsn: str,
) -> None:
    order = uuid7()
    head, follower = (new_delivery(connection, order, sequence) for sequence in (1, 2))
    await insert(database, head)
    observer = await asyncpg.connect(postgres_dsn)
    async with database.transaction():
        await record(database, head.event.delivery(head.id, 0.0), DeliveryState.DELIVERED)
        inserting = asyncio.create_task(insert(other_session, follower, Lease(uuid4(), 60.0, 15.0)))
        await is_blocked(observer)
    inserted = await inserting
    await observer.close()

    assert (inserted.leased, inserted.predecessor) == (True, None)


async def test_one_whose_head_is_finished_while_it_comes_is_let_go(
    endpoint: UUID,
    connection: EventPublisher,
    database: asyncpg.Connection,
    other_session: asyncpg.Connection,
    postgres_dsn: str,
) -> None:
    order = uuid7()
    head, follower = (new_delivery(connection, order, sequence) for sequence in (1, 2))
    await insert(database, head)
    observer = await asyncpg.connect(postgres_dsn)

    async def finish() -> None:
        async with other_session.transaction():
            await record(other_session, head.event.delivery(head.id, 0.0), DeliveryState.EXHAUSTED)

    async with database.transaction():
        await insert(database, follower, Lease(uuid4(), 60.0, 15.0))
        finishing = asyncio.create_task(finish())
        await is_blocked(observer)
    await finishing
    await observer.close()

    assert await claimed(database, endpoint) == [2]


async def test_a_claim_reads_what_it_takes_and_not_all_that_waits(
    endpoint: UUID, database: asyncpg.Connection
) -> None:
    """However old the statistics are: read once for each, 5,000 that wait stop their endpoint."""
    waiting, claimed_now = 2_000, 32
    await database.execute(
        """
        WITH e AS (
            INSERT INTO events (id, order_id, store_id, brand_id, type, sequence, body)
            SELECT uuidv7(), uuidv7(), $1, $1, 'order.unassigned', 2, '{}'
            FROM generate_series(1, $2::int) RETURNING id, order_id
        )
        INSERT INTO deliveries (id, event_id, endpoint_id, order_id, sequence, state, due_at)
        SELECT uuidv7(), id, $1, order_id, 2, 'pending', now() FROM e
        """,
        endpoint,
        waiting,
    )

    async def read() -> int:
        await database.execute("SELECT pg_stat_force_next_flush()")
        count: int = await database.fetchval(
            "SELECT idx_tup_read FROM pg_stat_user_indexes "
            "WHERE indexrelname = 'deliveries_in_lane'"
        )
        return count

    before = await read()
    quota = {endpoint: ClaimQuota(claimed_now, 0)}
    assert len(await store.claim_due_deliveries(database, quota, LEASE, 0.0)) == claimed_now
    assert await read() - before < waiting


async def test_what_is_due_goes_before_what_is_new(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await start(webhooks_poll_seconds=30, webhooks_concurrency=1)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await receiver.has(1)
    # Another process has given them back, and nobody has looked yet.
    await database.execute("""
        WITH e AS (INSERT INTO events SELECT (jsonb_populate_record(
                       events, jsonb_build_object('id', uuidv7(), 'order_id', uuidv7()))).*
                   FROM events, generate_series(1, 3) RETURNING id, order_id, sequence)
        INSERT INTO deliveries (id, event_id, endpoint_id, order_id, sequence, due_at, state)
        SELECT uuidv7(), e.id, d.endpoint_id, e.order_id, e.sequence, now(), 'pending'
        FROM e CROSS JOIN (SELECT endpoint_id FROM deliveries LIMIT 1) d
    """)
    newer = uuid7()
    await connection.publish_events(newer, 1)
    got = await receiver.has(5)

    assert got[4].order == str(newer)


async def test_large_bodies_are_taken_as_memory_allows_and_none_is_too_large(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    goes_on = asyncio.Event()

    async def when_told(_: ReceivedWebhook) -> web.Response:
        await goes_on.wait()
        return web.Response()

    receiver.answer = when_told
    await start(
        webhooks_endpoint_memory_bytes=1, webhooks_lease_seconds=200, webhooks_attempt_seconds=100
    )
    await connection.publish_connection()
    for _ in range(3):
        await connection.publish_events(uuid7(), 1)
    await receiver.has(1)

    async def look() -> list[asyncpg.Record]:
        return await database.fetch("SELECT FROM deliveries WHERE lease_owner IS NULL")

    await eventually(look, lambda rows: len(rows) == 2)
    assert len(receiver.got) == 1

    goes_on.set()
    got = await receiver.has(3)
    assert len({webhook.order for webhook in got}) == 3


async def test_a_claim_ends_with_the_body_that_fills_its_bytes(
    endpoint: UUID, connection: EventPublisher, database: asyncpg.Connection
) -> None:
    new = [new_delivery(connection, uuid7(), 1)._replace(wants_lease=False) for _ in range(3)]
    for one in new:
        await insert(database, one)
    quota = ClaimQuota(9, 9, len(new[0].event.body) + 1)
    found = await store.claim_due_deliveries(database, {endpoint: quota}, LEASE, 0.0)

    assert [delivery.id for delivery, _ in found] == [one.id for one in new[:2]]
