"""GET /v1/deliveries: who sees what, and how pages go on."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from tests.integration.webhooks.conftest import MakeApp
from tests.kit.publishers import EventPublisher
from tests.kit.receiver import Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


class Client:
    """Calls as one account."""

    def __init__(self, app: FastAPI, token: str) -> None:
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://webhooks",
            headers={"authorization": f"Bearer {token}"},
        )

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self._client.get(path, params=query)

    async def list(self, **query: Any) -> list[dict[str, Any]]:
        """Every page, two entries each."""
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            answer = await self.get("/v1/deliveries", limit=2, **more, **query)
            assert answer.status_code == 200
            found += answer.json()["data"]
            if answer.json()["next"] is None:
                return found
            more = {"after": answer.json()["next"]}


async def test_deliveries_are_listed_to_their_parties_alone(
    start: MakeApp,
    connection: EventPublisher,
    other_connection: EventPublisher,
    receiver: Receiver,
    make_token: Callable[..., str],
) -> None:
    app = await start(webhooks_retry_schedule_seconds=(0.0, 3_600.0))
    await connection.publish_connection()
    await other_connection.publish_connection()
    orders = [uuid7() for _ in range(5)]
    ids = [(await connection.publish_events(order, 1))[0] for order in orders]
    await other_connection.publish_events(uuid7(), 1)
    three_pl = Client(app, make_token(connection.three_pl_id, "three_pl"))
    brand = Client(app, make_token(connection.brand_id, "brand"))
    stranger = Client(app, make_token(uuid7(), "three_pl"))

    async def delivered() -> list[dict[str, Any]]:
        return await three_pl.list(state="delivered")

    found = await eventually(delivered, lambda rows: len(rows) == 5)
    assert {row["event_id"] for row in found} == set(map(str, ids))
    times = [row["created_at"] for row in found]
    assert times == sorted(times, reverse=True)
    assert [row["event_id"] for row in await brand.list()] == [row["event_id"] for row in found]
    assert await stranger.list() == []
    assert len(await three_pl.list(order=str(orders[0]))) == 1
    assert len(await three_pl.list(connection=str(connection.connection_id))) == 5
    assert await three_pl.list(connection=str(other_connection.connection_id)) == []
    assert await three_pl.list(state="exhausted") == []

    path = f"/v1/deliveries/{found[0]['id']}"
    detail = (await three_pl.get(path)).json()
    assert json.loads(detail["body"])["data"]["sequence"] == 1
    assert [attempt["status"] for attempt in detail["attempts"]] == [200]
    assert (await brand.get(path)).status_code == 200
    assert (await stranger.get(path)).status_code == 404
    assert (await three_pl.get(f"/v1/deliveries/{uuid7()}")).status_code == 404
    assert (await three_pl.get("/v1/deliveries", after="no")).json()["code"] == "invalid_cursor"


async def test_a_retrying_delivery_tells_its_next_attempt_and_what_waits_for_it_none(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    make_token: Callable[..., str],
) -> None:
    receiver.will(503, retry_after="600")
    app = await start()
    await connection.publish_connection()
    await connection.publish_events(uuid7(), 1, 2)
    three_pl = Client(app, make_token(connection.three_pl_id, "three_pl"))

    async def retrying() -> list[dict[str, Any]]:
        return await three_pl.list(state="retrying")

    (row,) = await eventually(retrying)
    wait = datetime.fromisoformat(row["next_attempt_at"]) - datetime.now(UTC)
    assert timedelta(seconds=590) < wait <= timedelta(seconds=600)
    assert (row["attempts"], row["delivered_at"]) == (1, None)
    (follower,) = await eventually(lambda: three_pl.list(state="pending"))
    assert follower["next_attempt_at"] is None


async def test_without_a_token_nothing_is_told(start: MakeApp) -> None:
    app = await start()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://webhooks"
    ) as client:
        assert (await client.get("/v1/deliveries")).status_code == 401
        metrics = (await client.get("/metrics")).text
    assert "relevo_deliveries_in_flight" in metrics
