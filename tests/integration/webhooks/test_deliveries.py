"""Deliveries on the real engines: what the receiver gets, in which order, and what is kept."""

from datetime import datetime
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from uuid_utils.compat import uuid7

from shared.kafka.topics import ORDERS_EVENTS
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.locks import wait_for_a_lock
from tests.kit.publishers import EventPublisher, Topics, new_secret
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
AT_ONCE = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
AN_HOUR = (0.0, 3_600.0)
# As asyncpg reads 'infinity'.
NEVER = datetime.max  # noqa: DTZ901  it has no zone there


async def states(database: asyncpg.Connection, *wanted: str) -> list[asyncpg.Record]:
    """The deliveries in order of insertion, once their states are `wanted`."""

    async def look() -> list[asyncpg.Record]:
        return await database.fetch("SELECT * FROM deliveries ORDER BY event_id")

    return await eventually(look, lambda rows: tuple(row["state"] for row in rows) == wanted)


async def attempts(database: asyncpg.Connection, count: int) -> list[asyncpg.Record]:
    async def look() -> list[asyncpg.Record]:
        return await database.fetch("SELECT * FROM attempts ORDER BY id")

    return await eventually(look, lambda rows: len(rows) >= count)


async def test_an_event_is_delivered_signed_and_untouched(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await start()
    await connection.publish_connection()
    event = connection.event(uuid7(), 1)
    await connection.publish(event)
    (got,) = await receiver.has(1)

    assert got.verified(connection.secrets[0])["type"] == "order.created"
    assert got.body == event[1]
    assert got.id == str(event[0].id)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"].startswith("Relevo/")
    assert got.headers["traceparent"].startswith("00-")
    assert "accept" not in got.headers
    (delivery,) = await states(database, "delivered")
    assert delivery["attempts"] == 1
    (attempt,) = await attempts(database, 1)
    assert (attempt["number"], attempt["status"], attempt["error"]) == (1, 200, None)
    assert attempt["response_head"] == "thanks"


async def test_two_secrets_sign_while_one_is_rotated(
    start: MakeApp, connection: EventPublisher, receiver: Receiver
) -> None:
    connection.secrets = [new_secret(), *connection.secrets]
    await start()
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    (got,) = await receiver.has(1)

    assert [bool(got.verified(secret)) for secret in connection.secrets] == [True, True]


async def test_the_same_event_twice_is_one_delivery(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await start()
    await connection.publish_connection()
    event = connection.event(uuid7(), 1)
    await connection.publish(event)
    await connection.publish(event)
    await connection.publish(connection.event(event[0].order_id, 2))
    await receiver.has(2)
    await states(database, "delivered", "delivered")

    assert [got.sequence for got in receiver.got] == [1, 2]


async def test_an_event_for_nobody_makes_no_delivery(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await start()
    await connection.publish_connection()
    order = uuid7()
    await connection.publish(connection.event(order, 1, to_three_pl=False))
    await connection.publish_events(order, 2)
    await receiver.has(1)

    assert await database.fetchval("SELECT count(*) FROM events") == 1


async def test_an_event_that_overtook_its_endpoint_waits_for_it(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await start(webhooks_poll_seconds=30)
    await connection.publish_events(uuid7(), 1, 2)
    rows = await states(database, "pending", "pending")
    assert [row["lease_owner"] for row in rows] == [None, None]

    await connection.publish_connection()
    await receiver.has(2, seconds=10)
    assert [got.sequence for got in receiver.got] == [1, 2]


async def test_one_order_in_sequence_while_attempts_fail(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    tries: dict[tuple[str, int], int] = {}
    done: dict[str, list[int]] = {}

    async def twice_bad(got: ReceivedWebhook) -> web.Response:
        key = (got.order, got.sequence)
        tries[key] = tries.get(key, 0) + 1
        if tries[key] <= got.sequence % 3:
            return web.Response(status=500)
        done.setdefault(got.order, []).append(got.sequence)
        return web.Response()

    receiver.answer = twice_bad
    await start(webhooks_retry_schedule_seconds=AT_ONCE, webhooks_poll_seconds=0.05)
    await connection.publish_connection()
    orders = [uuid7() for _ in range(10)]
    for sequence in range(1, 6):
        for order in orders:
            await connection.publish_events(order, sequence)
    await states(database, *["delivered"] * 50)

    assert done == {str(order): [1, 2, 3, 4, 5] for order in orders}
    assert sum(tries.values()) == 10 * (2 + 3 + 1 + 2 + 3)


async def test_successors_wait_for_a_retrying_head(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    receiver.will(500)
    await start(webhooks_retry_schedule_seconds=AN_HOUR)
    await connection.publish_connection()
    order, other = uuid7(), uuid7()
    await connection.publish_events(order, 1)
    await states(database, "retrying")
    receiver.will(200)
    await connection.publish_events(order, 2, 3)
    await connection.publish_events(other, 1)
    rows = await states(database, "retrying", "pending", "pending", "delivered")

    assert [row["lease_owner"] for row in rows[:3]] == [None, None, None]
    assert [row["due_at"] for row in rows[1:3]] == [NEVER, NEVER]
    assert [got.order for got in receiver.got] == [str(order), str(other)]

    await database.execute("UPDATE deliveries SET due_at = now() WHERE state = 'retrying'")
    await states(database, *["delivered"] * 4)
    assert [got.sequence for got in receiver.got if got.order == str(order)] == [1, 1, 2, 3]


async def test_after_the_last_step_a_delivery_is_exhausted_and_its_lane_goes_on(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    async def first_never(got: ReceivedWebhook) -> web.Response:
        return web.Response(status=500 if got.sequence == 1 else 200)

    receiver.answer = first_never
    await start(webhooks_retry_schedule_seconds=AT_ONCE[:3], webhooks_poll_seconds=0.05)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1, 2)
    rows = await states(database, "exhausted", "delivered")

    assert [row["attempts"] for row in rows] == [3, 1]
    assert [got.sequence for got in receiver.got] == [1, 1, 1, 2]
    assert len({got.id for got in receiver.got}) == 2


@pytest.mark.parametrize(("status", "error"), [(302, None), (404, None), (500, None), (429, None)])
async def test_an_answer_that_is_no_success_is_tried_again(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    status: int,
    error: str | None,
) -> None:
    receiver.will(status, location=receiver.url + "/elsewhere")
    await start(webhooks_retry_schedule_seconds=AN_HOUR)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await states(database, "retrying")
    (attempt,) = await attempts(database, 1)

    assert (attempt["status"], attempt["error"]) == (status, error)
    assert [got.path for got in receiver.got] == ["/hooks"]


async def test_no_answer_within_the_deadline_is_a_timeout(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    receiver.answer = receiver.hang
    await start(webhooks_retry_schedule_seconds=AN_HOUR, webhooks_attempt_seconds=0.3)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await states(database, "retrying")
    (attempt,) = await attempts(database, 1)

    assert (attempt["status"], attempt["error"]) == (None, "timeout")
    assert 250 <= attempt["duration_ms"] < 2_000


async def test_an_answer_whose_body_never_ends_counts_by_its_status(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    async def drip(_: ReceivedWebhook) -> web.Response:
        return web.Response(headers={"content-length": "100"}, body=_never())

    async def _never() -> Any:
        yield b"x"
        await receiver.hang(receiver.got[0])

    receiver.answer = drip
    await start(webhooks_retry_schedule_seconds=AN_HOUR, webhooks_attempt_seconds=0.3)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await states(database, "delivered")
    [attempt] = await attempts(database, 1)

    assert (attempt["status"], attempt["error"], attempt["response_head"]) == (200, None, "x")


async def test_a_huge_answer_is_cut_and_counts_by_its_status(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    async def huge(_: ReceivedWebhook) -> web.Response:
        return web.Response(body=b"\0" + b"x" * 5_000_000)

    receiver.answer = huge
    await start()
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await states(database, "delivered")

    assert len((await attempts(database, 1))[0]["response_head"]) == 1_024


async def test_a_refused_connection_is_tried_again(
    start: MakeApp,
    connection: EventPublisher,
    database: asyncpg.Connection,
    unused_tcp_port: int,
) -> None:
    connection.url = f"http://127.0.0.1:{unused_tcp_port}/"
    await start(webhooks_retry_schedule_seconds=AN_HOUR)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await states(database, "retrying")

    assert (await attempts(database, 1))[0]["error"] == "connection"


async def test_an_address_that_is_not_allowed_is_never_connected_to(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    connection.url = receiver.url.replace("127.0.0.1", "localhost")
    await start(webhooks_retry_schedule_seconds=AN_HOUR, webhooks_allowed_networks=())
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await states(database, "retrying")

    assert (await attempts(database, 1))[0]["error"] == "address_refused"
    assert receiver.got == []


async def test_retry_after_is_honoured(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    receiver.will(429, retry_after="7200")
    await start(webhooks_retry_schedule_seconds=AT_ONCE)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await states(database, "retrying")

    wait = await database.fetchval(
        "SELECT extract(epoch FROM due_at - now())::float8 FROM deliveries"
    )
    assert 7_000 < wait <= 7_200


async def test_410_disables_the_endpoint_and_parks_its_deliveries(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    receiver.will(410)
    await start(webhooks_poll_seconds=0.05)
    await connection.publish_connection()
    order = uuid7()
    await connection.publish_events(order, 1)
    await states(database, "parked")
    await connection.publish_events(order, 2)
    await connection.publish_events(uuid7(), 1)
    await states(database, "parked", "parked", "parked")

    assert len(receiver.got) == 1
    assert await database.fetchval("SELECT state FROM endpoints") == "disabled"


async def test_after_410_nothing_more_is_sent_also_while_that_is_not_written(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    postgres_dsn: str,
) -> None:
    receiver.will(410)
    await start(webhooks_poll_seconds=0.05)
    await connection.publish_connection()
    await eventually(lambda: database.fetchval("SELECT count(*) FROM endpoints"), bool)
    async with database.transaction():
        # Whoever writes that the endpoint is gone waits for us.
        await database.execute("SELECT FROM endpoints FOR NO KEY UPDATE")
        await connection.publish_events(uuid7(), 1)
        await receiver.has(1)
        await wait_for_a_lock(postgres_dsn, "ORDER BY id FOR NO KEY UPDATE")
        await connection.publish_events(uuid7(), 1)
        await connection.publish_events(uuid7(), 1)
        # Both were claimed and let go again, or are yet to be.
        await eventually(
            lambda: database.fetchval("SELECT count(*) FROM deliveries"), lambda count: count == 3
        )
    await states(database, "parked", "parked", "parked")

    assert len(receiver.got) == 1


async def test_a_poison_record_goes_to_the_dead_letters_alone(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, topics: Topics
) -> None:
    await start()
    await connection.publish_connection()
    order = uuid7()
    good, bad = connection.event(order, 1), connection.event(order, 2)
    key, name = str(order), ORDERS_EVENTS.name
    await connection.publish(good)
    await topics.publish(name, key, b"{}", [("ce_id", b"\xff\xfe")])
    await topics.publish(name, key, b"{}", {**bad[0].headers(), "ce_id": "no uuid"})
    await topics.publish(name, key, b"{}", {**bad[0].headers(), "ce_type": "order\0updated"})
    await topics.publish(name, key, b"{}", {**bad[0].headers(), "ce_sequence": str(2**40)})
    await connection.publish_events(order, 3)
    got = await receiver.has(2)
    dead = await topics.all(ORDERS_EVENTS.dead_letters, at_least=4)

    assert [received.sequence for received in got] == [1, 3]
    assert len(dead) == 4


async def test_more_than_memory_holds_is_delivered_in_order_from_postgres(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await start(webhooks_queue_deliveries=3, webhooks_concurrency=2, webhooks_poll_seconds=5)
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await receiver.has(1)
    orders = [uuid7() for _ in range(20)]
    for sequence in (1, 2, 3):
        for order in orders:
            await connection.publish_events(order, sequence)
    await states(database, *["delivered"] * 61)

    by_order: dict[str, list[int]] = {}
    for got in receiver.got[1:]:
        by_order.setdefault(got.order, []).append(got.sequence)
    assert by_order == {str(order): [1, 2, 3] for order in orders}
