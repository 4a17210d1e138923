"""What went back to its brand, as its 3PL can prove it: ids, time and reason."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import Customer
from shared.kafka.topics import ACCOUNTS_CHANGED
from tests.integration.routing.test_lists import a_caller
from tests.kit.publishers import OrderPublisher, Topics, erased
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


async def test_what_went_back_is_listed_by_hand_over_and_across_them(  # noqa: PLR0915  one story
    app: FastAPI, make_token: Callable[..., str], topics: Topics, database: asyncpg.Connection
) -> None:
    shop = OrderPublisher(topics)
    known = 0

    async def send(*external_ids: str) -> None:
        nonlocal known
        known += len(external_ids)
        await shop.set(ConnectionState.ACTIVE)
        await eventually(
            lambda: database.fetchval("SELECT epoch FROM connections"), lambda n: n == shop.epoch
        )
        await shop.send(*(shop.order(id_, customer=Customer(name="Zoë")) for id_ in external_ids))
        await eventually(
            lambda: database.fetchval("SELECT count(*) FROM orders"), lambda n: n == known
        )

    async def end(finished: int) -> None:
        await shop.set(ConnectionState.INACTIVE)
        await eventually(
            lambda: database.fetchval("SELECT count(*) FROM handovers WHERE state = 'done'"),
            lambda n: n == finished,
        )

    await send("1", "2", "worked")
    three_pl = a_caller(app, make_token(shop.three_pl_id, "three_pl"))
    brand = a_caller(app, make_token(shop.brand_id, "brand"))
    stranger = a_caller(app, make_token(uuid7(), "three_pl"))
    async with three_pl, brand, stranger:

        async def listed(path: str, client: Any = three_pl, limit: int = 1) -> list[Any]:
            found: list[Any] = []
            after: dict[str, Any] = {}
            while True:
                page = await client.get(path, params={"limit": limit, **after})
                assert page.status_code == 200, page.text
                found += page.json()["data"]
                if page.json()["next"] is None:
                    return found
                after = {"after": page.json()["next"]}

        orders = {order["external_id"]: order for order in await listed("/v1/orders")}
        worked = f"/v1/orders/{orders['worked']['id']}"
        assert (await three_pl.post(f"{worked}/process", json={"version": 1})).status_code == 200
        await end(1)
        await send("3")
        await end(2)
        back = await three_pl.post(f"{worked}/move-back", json={"version": 2})
        assert back.json()["owner"] == "brand", back.text

        all_back = await listed("/v1/orders/handed-back")
        assert [one["external_id"] for one in all_back[:2]] == ["worked", "3"]
        assert {one["external_id"] for one in all_back[2:]} == {"1", "2"}
        second, first = await listed("/v1/handovers")
        assert all_back[0]["handover_id"] is None
        assert all_back[1] == {
            "order_id": all_back[1]["order_id"], "store_id": str(shop.store_id),
            "external_id": "3", "number": "#3", "connection_id": str(shop.connection_id),
            "handover_id": second["id"], "reason": second["reason"], "at": all_back[1]["at"],
        }  # fmt: skip
        assert await listed(f"/v1/handovers/{first['id']}/orders") == all_back[2:]
        assert await listed(f"/v1/handovers/{second['id']}/orders", brand) == all_back[1:2]
        assert (await brand.get(f"/v1/handovers/{first['id']}")).json() == first
        assert first["returned"] == 2
        of_one = f"/v1/orders/handed-back?connection={shop.connection_id}"
        assert (await three_pl.get(of_one)).json()["data"] == all_back
        other = await three_pl.get(f"/v1/orders/handed-back?connection={uuid7()}")
        assert other.json() == {"data": [], "next": None}

        for path in ("", "/orders"):
            answer = await stranger.get(f"/v1/handovers/{first['id']}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert await listed("/v1/orders/handed-back", stranger) == []

        # Before the sweep named its hand-over, its lines are known by time and reason.
        await database.execute(
            "UPDATE order_history SET why = (why::jsonb - 'handover_id')::text "
            "WHERE why LIKE '%handover_id%'"
        )
        named = [one["order_id"] for one in all_back[2:]]
        of_first = await listed(f"/v1/handovers/{first['id']}/orders")
        assert [one["order_id"] for one in of_first] == named

        await topics.publish(ACCOUNTS_CHANGED.name, str(shop.brand_id), erased(shop.brand_id))
        await eventually(
            lambda: database.fetch("SELECT FROM orders WHERE erased_at IS NULL"),
            lambda rows: not rows,
        )
        after = await listed("/v1/orders/handed-back")
        assert [one["order_id"] for one in after] == [one["order_id"] for one in all_back]
        assert {one["number"] for one in after} == {None}
