"""The tokens in the URL of an endpoint are for its receiver alone."""

from collections.abc import Callable

import asyncpg
import httpx
import pytest
from aiohttp import web
from uuid_utils.compat import uuid7

from tests.integration.webhooks.conftest import MakeApp
from tests.kit.leaks import tables_with
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
IN_PATH, IN_QUERY = "sk_live_4eC39HqLyjWDarjtT1", "hunter2hunter2"
SECRETS = (IN_PATH, IN_QUERY)


async def test_they_are_in_no_table_no_answer_and_no_log(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    postgres_dsn: str,
    make_token: Callable[..., str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def repeats(got: ReceivedWebhook) -> web.Response:
        return web.Response(status=404, text=f"Cannot POST {got.path}?token={IN_QUERY}")

    receiver.answer = repeats
    connection.url = f"{receiver.url}/{IN_PATH}?token={IN_QUERY}"
    app = await start()
    # The kit's message is one of before, with its URL in plain.
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1)
    (got,) = await receiver.has(1)
    assert got.path == f"/hooks/{IN_PATH}"

    async def head() -> str | None:
        found: str | None = await database.fetchval("SELECT response_head FROM attempts LIMIT 1")
        return found

    assert await eventually(head, bool) == "Cannot POST /hooks/…?token=…"
    assert await tables_with(postgres_dsn, "webhooks", SECRETS) == set()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://webhooks") as client:
        by = {
            kind: {"authorization": f"Bearer {make_token(account, kind)}"}
            for kind, account in (
                ("three_pl", connection.three_pl_id),
                ("brand", connection.brand_id),
            )
        }
        (shown,) = (await client.get("/v1/endpoints", headers=by["three_pl"])).json()["data"]
        assert shown["url"] == f"{receiver.url}/…?token=…"
        (delivery,) = (await client.get("/v1/deliveries", headers=by["brand"])).json()["data"]
        detail = (await client.get(f"/v1/deliveries/{delivery['id']}", headers=by["brand"])).json()
        assert [attempt["response_head"] for attempt in detail["attempts"]] == [None]
    said = capfd.readouterr()
    assert not [text for text in SECRETS if text in said.out + said.err]


async def test_what_stood_in_plain_is_sealed_at_the_start_and_still_sent_to(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    database: asyncpg.Connection,
    postgres_dsn: str,
) -> None:
    connection.url = f"{receiver.url}/{IN_PATH}?token={IN_QUERY}"
    (endpoint,) = connection.change().endpoints
    await database.execute(
        "INSERT INTO endpoints (id, connection_id, three_pl_id, store_id, url, sealed_secrets, "
        "version) VALUES ($1, $2, $3, $4, $5, $6, 1)",
        connection.endpoint_id,
        connection.connection_id,
        connection.three_pl_id,
        connection.store_id,
        connection.url,
        list(endpoint.sealed_secrets),
    )
    await start()
    await start()

    async def leaks() -> set[str]:
        return await tables_with(postgres_dsn, "webhooks", SECRETS)

    await eventually(leaks, lambda found: not found)
    await connection.publish_events(uuid7(), 1)
    (got,) = await receiver.has(1)
    assert got.path == f"/hooks/{IN_PATH}"
