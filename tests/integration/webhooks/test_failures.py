"""What goes wrong around webhooks: processes die, leases end, receivers hang, Postgres leaves."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import structlog
from aiohttp import web
from uuid_utils.compat import uuid7

from relevo.local.engines import Postgres
from services.webhooks.main import create_app
from services.webhooks.settings import Settings
from shared.sealing import Sealer
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.publishers import EventPublisher, Topics
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
# No attempt that hangs ends within a test: what waits for one does not arrive.
ENDLESS = {"webhooks_lease_seconds": 200.0, "webhooks_attempt_seconds": 100.0}
SHORT = {"webhooks_lease_seconds": 1.5, "webhooks_attempt_seconds": 0.5}


@pytest.fixture
def start_process(service_environment: dict[str, str]) -> Iterator[Any]:
    """Starts webhooks as a process of its own, to be killed."""
    with ExitStack() as stack:

        def begin(**changed: str) -> subprocess.Popen[bytes]:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = str(free.getsockname()[1])
            own = {f"RELEVO_{name.upper()}": value for name, value in changed.items()}
            process = subprocess.Popen(
                [sys.executable, "-m", "services.webhooks"],
                env={**os.environ, **service_environment, "RELEVO_PORT": port, **own},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield begin


@pytest.fixture
def lock_waiters(database: asyncpg.Connection) -> Callable[[], Awaitable[int]]:
    """How many sessions wait for a lock on this test's deliveries."""

    async def count() -> int:
        waiting: int = await database.fetchval(
            "SELECT count(DISTINCT pid) FROM pg_locks"
            " WHERE NOT granted AND relation = 'deliveries'::regclass"
        )
        return waiting

    return count


async def leased(database: asyncpg.Connection) -> int:
    """How many deliveries a process holds."""
    held: int = await database.fetchval(
        "SELECT count(*) FROM deliveries WHERE lease_owner IS NOT NULL"
    )
    return held


async def said(logs: Iterable[Mapping[str, Any]]) -> set[str]:
    """The events of the log so far."""
    return {entry["event"] for entry in logs}


async def counts(database: asyncpg.Connection) -> dict[str, int]:
    rows = await database.fetch("SELECT state, count(*) FROM deliveries GROUP BY state")
    return {row["state"]: row["count"] for row in rows}


async def test_a_killed_process_loses_nothing_and_the_id_stays(
    start_process: Any,
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    receiver.answer = receiver.hang
    first = start_process(webhooks_lease_seconds="2", webhooks_attempt_seconds="1.9")
    await connection.publish_connection()
    (event_id,) = await connection.publish_events(uuid7(), 1)
    await receiver.has(1)
    first.kill()
    first.wait()
    receiver.will(200)
    await start()
    await eventually(lambda: counts(database), lambda seen: seen == {"delivered": 1})

    assert {got.id for got in receiver.got} == {str(event_id)}
    assert receiver.got[-1].verified(connection.secrets[0])


async def test_a_process_killed_in_a_burst_loses_nothing_and_keeps_order(
    start_process: Any,
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    first = start_process(webhooks_lease_seconds="1.5", webhooks_attempt_seconds="1")
    await connection.publish_connection()
    events = [
        connection.event(order, n) for order in [uuid7() for _ in range(100)] for n in (1, 2, 3)
    ]
    await asyncio.gather(*(connection.publish(event) for event in events[:150]))
    await receiver.has(60)
    first.kill()
    first.wait()
    await asyncio.gather(*(connection.publish(event) for event in events[150:]))
    await start(webhooks_poll_seconds=0.1)
    await eventually(lambda: counts(database), lambda seen: seen == {"delivered": 300})

    first_time: dict[str, list[int]] = {}
    seen: set[str] = set()
    for got in receiver.got:
        if got.id not in seen:
            seen.add(got.id)
            first_time.setdefault(got.order, []).append(got.sequence)
    assert seen == {str(attributes.id) for attributes, _ in events}
    assert set(map(tuple, first_time.values())) == {(1, 2, 3)}


async def test_two_processes_share_the_work_without_doing_it_twice(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await asyncio.gather(start(webhooks_poll_seconds=0.05), start(webhooks_poll_seconds=0.05))
    await connection.publish_connection()
    events = [
        connection.event(order, n) for order in [uuid7() for _ in range(60)] for n in (1, 2, 3)
    ]
    await asyncio.gather(*(connection.publish(event) for event in events))
    await eventually(lambda: counts(database), lambda seen: seen == {"delivered": 180})

    assert len(receiver.got) == 180


async def test_a_lease_of_another_process_is_left_alone_until_it_ends(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await start(webhooks_poll_seconds=0.05)
    (leased,) = await connection.publish_events(uuid7(), 1)
    await eventually(lambda: counts(database), lambda seen: seen == {"pending": 1})
    await database.execute(
        "UPDATE deliveries SET lease_owner = $1, due_at = now() + interval '1 hour'", uuid4()
    )
    await connection.publish_connection()
    (free,) = await connection.publish_events(uuid7(), 1)
    await eventually(lambda: counts(database), lambda seen: seen.get("delivered") == 1)
    assert [got.id for got in receiver.got] == [str(free)]

    await database.execute("UPDATE deliveries SET due_at = now() WHERE state = 'pending'")
    await eventually(lambda: counts(database), lambda seen: seen == {"delivered": 2})
    assert [got.id for got in receiver.got] == [str(free), str(leased)]


async def test_what_waits_longer_than_its_lease_in_memory_is_given_back(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    receiver.answer = receiver.hang
    await start(
        **SHORT,
        webhooks_concurrency=1,
        webhooks_poll_seconds=0.1,
        webhooks_retry_schedule_seconds=(0.0, 3_600.0),
    )
    await connection.publish_connection()
    for _ in range(8):
        await connection.publish_events(uuid7(), 1)
    await eventually(lambda: counts(database), lambda seen: seen == {"retrying": 8})

    # One after the other for half a second each: longer than a lease, yet none was tried twice.
    assert len(receiver.got) == len({got.id for got in receiver.got}) == 8


async def test_a_hanging_endpoint_delays_no_other(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    other_connection: EventPublisher,
    other_receiver: Receiver,
) -> None:
    other_receiver.answer = other_receiver.hang
    await start(webhooks_queue_deliveries=20, webhooks_poll_seconds=30, **ENDLESS)
    await asyncio.gather(connection.publish_connection(), other_connection.publish_connection())
    for _ in range(100):
        await other_connection.publish(other_connection.event(uuid7(), 1))
    await other_receiver.has(16)
    for _ in range(50):
        await connection.publish(connection.event(uuid7(), 1))
    await receiver.has(50)

    assert len(other_receiver.got) == 16


async def test_every_attempt_that_may_run_gets_something_to_send(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    receiver.answer = receiver.hang
    await start(webhooks_queue_deliveries=20, webhooks_poll_seconds=0.1, **ENDLESS)
    await connection.publish_connection()
    for _ in range(13):
        await connection.publish(connection.event(uuid7(), 1))
    await receiver.has(13)
    # Another process stores more, and dies before it sends them.
    await database.execute("""
        WITH e AS (INSERT INTO events SELECT (jsonb_populate_record(
                       events, jsonb_build_object('id', uuidv7(), 'order_id', uuidv7()))).*
                   FROM events RETURNING id, order_id, sequence)
        INSERT INTO deliveries (id, event_id, endpoint_id, order_id, sequence, due_at, state)
        SELECT uuidv7(), e.id, d.endpoint_id, e.order_id, e.sequence, now(), 'pending'
        FROM e CROSS JOIN (SELECT endpoint_id FROM deliveries LIMIT 1) d
    """)
    await receiver.has(16)


async def test_retries_of_one_endpoint_leave_its_first_attempts_alone(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    late: set[str] = set()

    async def slow_on_retries(got: ReceivedWebhook) -> web.Response:
        if got.id in late:
            return await receiver.hang(got)
        if len(late) < 40:
            late.add(got.id)
            return web.Response(status=500)
        return web.Response()

    receiver.answer = slow_on_retries
    await start(webhooks_retry_schedule_seconds=(0.0, 0.0), webhooks_poll_seconds=0.1, **ENDLESS)
    await connection.publish_connection()
    for _ in range(40):
        await connection.publish(connection.event(uuid7(), 1))
    await receiver.has(44)
    for _ in range(50):
        await connection.publish(connection.event(uuid7(), 1))
    await eventually(lambda: counts(database), lambda seen: seen.get("delivered") == 50)

    assert len(receiver.got) == 40 + 4 + 50


async def test_outcomes_survive_a_restart_of_postgres(
    start: MakeApp,
    topics: Topics,
    sealer: Sealer,
    receiver: Receiver,
    private_postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RELEVO_POSTGRES_DSN", private_postgres.dsn())
    answers = asyncio.Event()

    async def when_told(_: ReceivedWebhook) -> web.Response:
        await answers.wait()
        return web.Response()

    receiver.answer = when_told
    connection = EventPublisher(topics, sealer, receiver.url)
    app = await start()
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await receiver.has(1)
    private_postgres.stop()
    answers.set()
    await connection.publish_events(uuid7(), 1)
    report = app.state.runtime.health.report
    await eventually(report, lambda said: said["database"] != "ok")
    private_postgres.start()
    await receiver.has(2)

    database = await asyncpg.connect(
        private_postgres.dsn(), server_settings={"search_path": "webhooks"}
    )
    await eventually(lambda: counts(database), lambda seen: seen == {"delivered": 2})
    assert await database.fetchval("SELECT count(*) FROM attempts") == 2
    await database.close()
    assert len(receiver.got) == 2


async def test_a_clean_stop_gives_every_lease_back(
    service_settings: dict[str, str],
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    receiver.answer = receiver.hang
    app = create_app(Settings(webhooks_concurrency=1, shutdown_seconds=5))
    async with app.router.lifespan_context(app):
        await connection.publish_connection()
        for _ in range(5):
            await connection.publish_events(uuid7(), 1)
        await eventually(lambda: counts(database), lambda seen: seen == {"pending": 5})
        await receiver.has(1)
    assert await leased(database) == 0

    receiver.will(200)
    await start()
    await eventually(lambda: counts(database), lambda seen: seen == {"delivered": 5})


async def test_what_a_claim_brings_during_a_stop_is_given_back(
    service_settings: dict[str, str],
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    lock_waiters: Callable[[], Awaitable[int]],
) -> None:
    """A claim waits for a lock while the stop begins, and gets its rows while an attempt hangs."""
    answered = asyncio.Event()

    async def when_told(_: ReceivedWebhook) -> web.Response:
        await answered.wait()
        return web.Response()

    async def unlock_during_the_stop() -> None:
        await eventually(lambda: said(logs), lambda seen: "stopping" in seen)
        await lock.rollback()

    receiver.answer = when_told
    settings = Settings(
        webhooks_concurrency=1,
        webhooks_queue_deliveries=2,
        webhooks_lease_seconds=200,
        webhooks_attempt_seconds=100,
        shutdown_seconds=10,
    )
    app = create_app(settings)
    with structlog.testing.capture_logs() as logs:
        async with app.router.lifespan_context(app):
            await connection.publish_connection()
            for _ in range(5):
                await connection.publish_events(uuid7(), 1)
            await eventually(lambda: counts(database), lambda seen: seen == {"pending": 5})
            await receiver.has(1)
            receiver.answer = receiver.hang
            lock = database.transaction()
            await lock.start()
            await database.execute("LOCK TABLE deliveries IN SHARE MODE")
            answered.set()
            await receiver.has(2)
            # The statement that records the first attempt, and the claim.
            await eventually(lock_waiters, lambda waiting: waiting == 2)
            unlocking = asyncio.create_task(unlock_during_the_stop())
        await unlocking
    assert await counts(database) == {"pending": 4, "delivered": 1}
    assert await leased(database) == 0
