"""Order rules from the log to the orders, and what other rules would have done."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from shared.contracts.connections_changed import ConnectionState, OrderRulesVersion
from shared.contracts.order import Address
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
TO_FRANCE = {"kind": "country", "any_of": ["FR"]}
NOT_TO_FRANCE = {"name": "Not to France", "if": TO_FRANCE, "then": "do_not_send"}
Headers = Mapping[str, str]


@dataclass
class World:
    """A store with two active connections, and its brand's and its 3PLs' tokens."""

    shop: OrderPublisher
    client: httpx.AsyncClient
    first: UUID
    second: UUID
    first_three_pl: UUID
    second_three_pl: UUID
    token: Callable[..., Headers]
    database: asyncpg.Connection

    async def connect(self, *rules: dict[str, Any]) -> None:
        """Both are on; the first has these rules, counting for some minutes."""
        at = datetime.now(UTC) - timedelta(minutes=5)
        version = OrderRulesVersion(version=1, effective_at=at, rules=rules)
        change = self.shop.change(ConnectionState.ACTIVE)
        await self.shop.publish(change.model_copy(update={"order_rules": (version,)}))
        await self.shop.topics.publish(
            "connections.changed",
            str(self.second),
            change.model_copy(
                update={
                    "connection_id": self.second,
                    "three_pl_id": self.second_three_pl,
                    "priority": 200,
                }
            ),
        )

        async def known() -> int:
            return len(await self.database.fetch("SELECT FROM connections"))

        await eventually(known, lambda count: count == 2)

    async def sent(self, **countries: str) -> dict[str, Any]:
        """Orders to these countries, by their external id, once they are all there."""
        await self.shop.send(
            *(
                self.shop.order(name, shipping_address=Address(country_code=country))
                for name, country in countries.items()
            )
        )
        brand = self.token(self.shop.brand_id, "brand")

        async def listed() -> dict[str, Any]:
            answer = await self.client.get("/v1/orders", headers=brand)
            return {one["external_id"]: one for one in answer.json()["data"]}

        return await eventually(listed, lambda found: countries.keys() <= found.keys())

    async def entrance(self, order: Mapping[str, Any], headers: Headers) -> dict[str, Any]:
        """Why the order is whose it is, as its history says."""
        answer = await self.client.get(f"/v1/orders/{order['id']}/history", headers=headers)
        why: dict[str, Any] = answer.json()["data"][0]["why"]
        return why


@pytest.fixture
async def world(
    app: FastAPI, topics: Topics, make_token: Callable[..., str], database: asyncpg.Connection
) -> AsyncIterator[World]:
    shop = OrderPublisher(topics)
    transport = httpx.ASGITransport(app)

    def token(*of: Any, **more: Any) -> Headers:
        return {"authorization": f"Bearer {make_token(*of, **more)}"}

    async with httpx.AsyncClient(transport=transport, base_url="http://routing") as client:
        yield World(
            shop, client, shop.connection_id, uuid7(), shop.three_pl_id, uuid7(), token, database
        )


async def test_rules_decide_whose_a_new_order_is_and_its_history_says_why(world: World) -> None:
    await world.connect(NOT_TO_FRANCE)
    orders = await world.sent(spain="ES", france="FR")
    assert orders["spain"]["connection_id"] == str(world.first)
    assert orders["france"]["connection_id"] == str(world.second)

    brand = world.token(world.shop.brand_id, "brand")
    why = await world.entrance(orders["france"], brand)
    saw = {"kind": "country", "fits": True, "saw": "FR", "wanted": {"any_of": ["FR"]}}
    assert why["passed_over"] == [
        {
            "connection_id": str(world.first),
            "order_rules": {
                "version": 1,
                "then": "do_not_send",
                "rule": {"number": 1, "name": "Not to France", "if": saw},
            },
        }
    ]
    # Of other 3PLs, the one that has it learns nothing.
    theirs = await world.entrance(orders["france"], world.token(world.second_three_pl, "three_pl"))
    assert "passed_over" not in theirs
    assert theirs["connection_id"] == str(world.second)
    own = await world.entrance(orders["spain"], world.token(world.first_three_pl, "three_pl"))
    assert own["order_rules"] == {"version": 1, "then": "send", "rule": None}


async def test_a_rule_that_nobody_here_can_read_parks_the_order_until_it_can_be(
    world: World,
) -> None:
    await world.connect({"name": "moon", "if": {"kind": "moon"}, "then": "send"})
    await world.shop.send(world.shop.order("1"))
    parked = await eventually(lambda: world.database.fetch("SELECT reason FROM parked_records"))
    assert "order rules that cannot be read here: rules/0/if" in parked[0]["reason"]
    assert await world.database.fetch("SELECT FROM orders") == []


async def test_what_if_says_which_orders_would_have_gone_otherwise(world: World) -> None:
    await world.connect()
    orders = await world.sent(spain="ES", france="FR", portugal="PT")
    assert {one["connection_id"] for one in orders.values()} == {str(world.first)}
    brand = world.token(world.shop.brand_id, "brand")

    async def ask(body: Any, headers: Headers = brand) -> httpx.Response:
        return await world.client.post("/v1/orders/what-if", json=body, headers=headers)

    draft = {"connection_id": str(world.first), "order_rules": {"rules": [NOT_TO_FRANCE]}}
    found = (await ask({"connections": [draft]})).json()
    assert (found["looked_at"], found["changed"]) == (3, 1)
    [france] = found["orders"]
    assert (france["external_id"], france["now"], france["then"]) == (
        "france",
        {"connection_id": str(world.first)},
        {"connection_id": str(world.second)},
    )
    assert france["why"]["passed_over"][0]["order_rules"]["rule"]["name"] == "Not to France"
    # Nothing was changed by asking.
    assert (await world.sent(later="FR"))["later"]["connection_id"] == str(world.first)

    # The other way round: the second one comes first.
    prior = {"connection_id": str(world.second), "priority": 1}
    swapped = (await ask({"connections": [prior]})).json()
    assert swapped["changed"] == swapped["looked_at"] == 4
    equal = await ask({"connections": [{"connection_id": str(world.second), "priority": 100}]})
    assert (equal.status_code, equal.json()["code"]) == (409, "priority_taken")

    wrong = await ask(
        {"connections": [{**draft, "order_rules": {"rules": [
            {"name": "x", "then": "send", "if": {"kind": "all", "conditions": [
                TO_FRANCE, {"kind": "weight_grams", "at_least": 2, "at_most": 1}]}}]}}]}
    )  # fmt: skip
    assert (wrong.status_code, wrong.json()["errors"]) == (
        422,
        [
            {
                "pointer": "/connections/0/order_rules/rules/0/if/conditions/1",
                "message": "Value error, at_least is larger than at_most: nothing can fit",
            }
        ],
    )
    paid = {"name": "x", "then": "send", "if": {"kind": "payment_method", "any_of": ["card"]}}
    refused = await ask({"connections": [{**draft, "order_rules": {"rules": [paid]}}]})
    assert "payment may come later" in refused.json()["errors"][0]["message"]

    stranger = world.token(uuid7(), "brand")
    three_pl = world.token(world.first_three_pl, "three_pl")
    for headers, expected in ((stranger, (404, "not_found")), (three_pl, (403, "brand_only"))):
        answer = await ask({"connections": [draft]}, headers)
        assert (answer.status_code, answer.json()["code"]) == expected
