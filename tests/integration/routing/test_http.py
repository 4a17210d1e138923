"""What routing answers over HTTP to those who ask for what they do not have."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from shared.contracts.connections_changed import ConnectionState
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

MakeToken = Callable[..., str]


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Anybody."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://routing") as client:
        yield client


def as_account(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-01T12:00:00"]
)
async def test_a_moment_that_no_database_knows_is_refused_by_name(
    client: httpx.AsyncClient, make_token: MakeToken, moment: str
) -> None:
    answer = await client.get(
        "/v1/orders",
        params={"updated_after": moment},
        headers=as_account(make_token(UUID(int=1), "three_pl")),
    )

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/updated_after"


async def test_a_large_body_is_refused_before_anybody_asks_whose_it_is(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(f"/v1/orders/{UUID(int=1)}/process", content=b"[" * 300_000)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_what_went_back_is_not_there_for_the_3pl_that_had_it(
    client: httpx.AsyncClient,
    make_token: MakeToken,
    topics: Topics,
    database: asyncpg.Connection,
) -> None:
    shop = OrderPublisher(topics)
    await shop.set(ConnectionState.ACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM connections"))
    await shop.send(shop.order("1"))
    [row] = await eventually(lambda: database.fetch("SELECT id, version FROM orders"))
    await shop.set(ConnectionState.INACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM orders WHERE connection_id IS NULL"))
    three_pl = as_account(make_token(shop.three_pl_id, "three_pl"))
    brand = as_account(make_token(shop.brand_id, "brand"))
    process = f"/v1/orders/{row['id']}/process"

    for version in (row["version"], row["version"] + 1):
        answer = await client.post(process, json={"version": version}, headers=three_pl)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert "version" not in answer.json()
    stale = await client.post(process, json={"version": row["version"]}, headers=brand)
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    ours = await client.post(process, json={"version": stale.json()["version"]}, headers=brand)
    assert ours.status_code == 200, ours.text
