"""Orders in a brand's name: their store alone, and of other 3PLs nothing."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from shared.contracts.connections_changed import ConnectionState
from shared.web.auth import Delegation
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

MakeToken = Callable[..., str]


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Anybody."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://routing") as client:
        yield client


async def test_a_3pl_in_its_brands_name(
    client: httpx.AsyncClient,
    make_token: MakeToken,
    topics: Topics,
    database: asyncpg.Connection,
) -> None:
    shop = OrderPublisher(topics)
    await shop.send(shop.order("of the brand"))
    await eventually(lambda: database.fetch("SELECT FROM orders"))
    await shop.set(ConnectionState.ACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM connections"))
    await shop.send(shop.order("of another 3PL"))
    await eventually(lambda: database.fetch("SELECT FROM orders WHERE connection_id IS NOT NULL"))
    actor = uuid4()
    own = await database.fetchrow("SELECT * FROM orders WHERE connection_id IS NULL")
    others = await database.fetchrow("SELECT * FROM orders WHERE connection_id IS NOT NULL")
    assert own is not None
    assert others is not None

    def headers(store: UUID) -> dict[str, str]:
        delegation = Delegation(uuid4(), 1, 1, store, may_set_keys=False)
        act = {"account": str(actor), "sub": str(uuid4())}
        token = make_token(shop.brand_id, "brand", "operator", act=act, **delegation.claims())
        return {"authorization": f"Bearer {token}"}

    async def seen(store: UUID) -> list[Any]:
        answer = await client.get("/v1/orders", headers=headers(store))
        assert answer.status_code == 200, answer.text
        return [row["external_id"] for row in answer.json()["data"]]

    assert await seen(shop.store_id) == ["of the brand"]
    assert await seen(uuid4()) == []
    for path in (f"/v1/orders/{others['id']}", f"/v1/orders/{others['id']}/history"):
        assert (await client.get(path, headers=headers(shop.store_id))).status_code == 404
    for path in ("/v1/handovers", f"/v1/handovers/preview?connection={uuid4()}"):
        answer = await client.get(path, headers=headers(shop.store_id))
        assert (answer.status_code, answer.json()["code"]) == (403, "delegated")

    async def process(row: asyncpg.Record, store: UUID) -> httpx.Response:
        return await client.post(
            f"/v1/orders/{row['id']}/process",
            json={"version": row["version"]},
            headers=headers(store),
        )

    assert (await process(others, shop.store_id)).status_code == 404
    assert (await process(own, uuid4())).status_code == 404
    assert (await process(own, shop.store_id)).status_code == 200
    history = await client.get(f"/v1/orders/{own['id']}/history", headers=headers(shop.store_id))
    assert history.json()["data"][-1]["why"]["actor"] == str(actor)
    assert history.json()["data"][-1]["why"]["account"] == str(shop.brand_id)
