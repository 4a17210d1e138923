"""Endpoints that answered 410 or asked to wait, and how they come back."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from shared.kafka.topics import CONNECTIONS_CHANGED
from tests.integration.webhooks.conftest import MakeApp
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeToken = Callable[..., str]


async def states(database: asyncpg.Connection, state: str, count: int) -> None:
    """Wait until so many deliveries are in that state."""

    async def look() -> int:
        found = await database.fetchval("SELECT count(*) FROM deliveries WHERE state = $1", state)
        return int(found)

    await eventually(look, lambda found: found == count)


async def disabled(
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    parked_before: int = 0,
) -> None:
    """The receiver answers 410: its endpoint is disabled and three more events are parked."""
    receiver.will(410)
    await connection.publish_connection()
    order = uuid7()
    await connection.publish_events(order, 1)
    await states(database, "parked", parked_before + 1)
    await connection.publish_events(order, 2)
    await connection.publish_events(uuid7(), 1)
    await states(database, "parked", parked_before + 3)
    receiver.got.clear()
    receiver.will(200)


def calls(app: FastAPI, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://webhooks",
        headers={"authorization": f"Bearer {token}"},
    )


async def test_what_is_stored_while_its_endpoint_is_disabled_is_parked_too(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    """It saw the endpoint enabled, waits behind what is parked, and nothing would let it go."""
    await start(webhooks_poll_seconds=0.05)
    await disabled(connection, receiver, database)
    await database.execute(
        "UPDATE deliveries SET state = 'pending', due_at = 'infinity' WHERE sequence = 2"
    )
    await states(database, "parked", 3)


async def test_its_3pl_enables_it_and_what_was_parked_goes_on_in_order(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    app = await start(webhooks_poll_seconds=0.05)
    await start(webhooks_poll_seconds=0.05)
    await disabled(connection, receiver, database)
    path = f"/v1/endpoints/{connection.endpoint_id}/enable"
    async with calls(app, make_token(uuid7(), "three_pl")) as stranger:
        assert (await stranger.get("/v1/endpoints")).json()["data"] == []
        assert (await stranger.post(path)).status_code == 404
    async with calls(app, make_token(connection.three_pl_id, "three_pl")) as three_pl:
        [shown] = (await three_pl.get("/v1/endpoints")).json()["data"]
        assert shown["state"] == "disabled"
        assert "410" in shown["disabled_reason"]
        assert receiver.got == []
        enabled = await three_pl.post(path)
        assert enabled.status_code == 200, enabled.text
        assert (enabled.json()["state"], enabled.json()["disabled_reason"]) == ("enabled", None)
    await states(database, "delivered", 3)

    order = await database.fetchval("SELECT order_id FROM deliveries WHERE sequence = 2")
    of_order = [got.sequence for got in receiver.got if got.order == str(order)]
    assert of_order == [1, 2]


async def test_newer_settings_that_name_it_enable_it_and_the_same_ones_again_do_not(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await start(webhooks_poll_seconds=0.05)
    await disabled(connection, receiver, database)
    connection.version -= 1
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await states(database, "parked", 4)
    assert receiver.got == []
    await connection.publish_connection()

    await states(database, "delivered", 4)


async def test_re_pointed_what_waits_for_a_dead_receiver_goes_to_the_current_one(
    start: MakeApp,
    connection: EventPublisher,
    other_connection: EventPublisher,
    receiver: Receiver,
    other_receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    app = await start(webhooks_poll_seconds=0.05)
    await start(webhooks_poll_seconds=0.05)
    # One event waits two hours for its next attempt; then the receiver is gone for good.
    receiver.will(503, retry_after="7200")
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    await states(database, "retrying", 1)
    await database.execute("UPDATE endpoints SET paused_until = NULL, updated_at = now()")
    async with calls(app, make_token(connection.three_pl_id, "three_pl")) as three_pl:
        await three_pl.post(f"/v1/endpoints/{connection.endpoint_id}/enable")
    await disabled(connection, receiver, database, parked_before=1)

    change, current = connection.change(), other_connection.change().endpoints[0]
    old = change.endpoints[0].model_copy(update={"sends_to": current.id})
    settings = change.settings.model_copy(update={"version": 2, "endpoint_id": current.id})
    repointed = change.model_copy(update={"endpoints": (old, current), "settings": settings})
    await connection.topics.publish(
        CONNECTIONS_CHANGED.name, str(connection.connection_id), repointed
    )
    await states(database, "delivered", 4)
    # And what comes from now on for orders that are bound to it.
    await connection.publish_events(uuid7(), 1)
    await states(database, "delivered", 5)
    assert receiver.got == []
    for got in other_receiver.got:
        got.verified(other_connection.secrets[0])
    async with calls(app, make_token(connection.three_pl_id, "three_pl")) as three_pl:
        shown = (await three_pl.get("/v1/endpoints")).json()["data"]
    assert {one["id"]: one["sends_to"] for one in shown} == {
        str(connection.endpoint_id): str(current.id), str(current.id): None,
    }  # fmt: skip


async def test_one_answer_with_retry_after_pauses_the_endpoint_everywhere_until_it_is_enabled(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    make_token: MakeToken,
) -> None:
    answers = asyncio.Event()

    async def overloaded(_: ReceivedWebhook) -> web.Response:
        await answers.wait()
        return web.Response(status=429, headers={"retry-after": "7200"})

    receiver.answer = overloaded
    app = await start(webhooks_concurrency=1, webhooks_poll_seconds=0.05)
    await connection.publish_connection()
    for _ in range(6):
        await connection.publish_events(uuid7(), 1)
    await receiver.has(1)
    await states(database, "pending", 6)
    answers.set()
    await states(database, "retrying", 1)

    async def leased() -> int:
        return int(await database.fetchval("SELECT count(lease_owner) FROM deliveries"))

    await eventually(leased, lambda count: count == 0)
    await start(webhooks_poll_seconds=0.05)
    for _ in range(10):
        await connection.publish_events(uuid7(), 1)
    await states(database, "pending", 15)
    assert (await leased(), len(receiver.got)) == (0, 1)

    receiver.will(200)
    async with calls(app, make_token(connection.three_pl_id, "three_pl")) as three_pl:
        [shown] = (await three_pl.get("/v1/endpoints")).json()["data"]
        assert shown["state"] == "enabled"
        assert datetime.fromisoformat(shown["paused_until"]) > datetime.now(UTC)
        enabled = await three_pl.post(f"/v1/endpoints/{connection.endpoint_id}/enable")
        assert enabled.json()["paused_until"] is None
    await states(database, "delivered", 15)


async def test_a_pause_ends_by_itself_and_not_before(
    start: MakeApp, connection: EventPublisher, receiver: Receiver, database: asyncpg.Connection
) -> None:
    came: list[float] = []

    async def first_asks_to_wait(_: ReceivedWebhook) -> web.Response:
        came.append(asyncio.get_running_loop().time())
        busy = web.Response(status=503, headers={"retry-after": "2"})
        return busy if len(came) == 1 else web.Response()

    receiver.answer = first_asks_to_wait
    await start(webhooks_concurrency=1, webhooks_retry_schedule_seconds=(0.0, 0.0))
    await connection.publish_connection()
    for _ in range(5):
        await connection.publish_events(uuid7(), 1)
    await states(database, "delivered", 5)

    assert len(came) == 6
    assert came[1] - came[0] >= 1.9


async def test_who_believes_late_that_it_is_disabled_parks_nothing(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
) -> None:
    await start(webhooks_poll_seconds=0.05)
    await disabled(connection, receiver, database)
    # As another process does it that had read the endpoint before: parked after it was enabled.
    await database.execute("UPDATE endpoints SET state = 'enabled', updated_at = now()")
    await database.execute("UPDATE deliveries SET state = 'parked' WHERE state <> 'delivered'")

    await states(database, "delivered", 3)
