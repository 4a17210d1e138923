"""The stream tells each account of its own orders, goes on where it was, and ends in time."""

import json
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from services.routing.stream import tail
from shared.contracts.connections_changed import ConnectionState
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.streaming import Events, listening, stream
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeToken = Callable[..., str]


def bearer(token: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}", **more}


def changes(events: Events) -> list[dict[str, Any]]:
    return [json.loads(one["data"]) for one in events.told]


async def heard(events: Events, count: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]]:
        return changes(events)

    return await eventually(look, lambda found: len(found) >= count)


async def its_three_pl_is_connected(shop: OrderPublisher, database: asyncpg.Connection) -> None:
    await shop.set(ConnectionState.ACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM connections"))


async def over(events: Events) -> bool:
    return events.is_over


async def test_each_account_hears_of_its_own_orders_and_of_nothing_else(
    app: FastAPI, topics: Topics, database: asyncpg.Connection, make_token: MakeToken
) -> None:
    shop = OrderPublisher(topics)
    await its_three_pl_is_connected(shop, database)
    theirs, brands = make_token(shop.three_pl_id, "three_pl"), make_token(shop.brand_id, "brand")
    delegation = {
        "act": {"account": str(uuid7()), "sub": str(uuid7())},
        "connection": str(uuid7()),
        "connection_ver": 1,
        "epoch": 1,
        "store": str(shop.store_id),
        "keys": False,
    }
    others = make_token(shop.brand_id, "brand", "operator", **delegation)
    async with listening(app) as address:
        url = f"{address}/v1/orders/stream"
        async with (
            stream(url, bearer(theirs)) as three_pl,
            stream(url, bearer(brands), tab="orders") as brand,
            stream(url, bearer(brands), connection=str(uuid7())) as elsewhere,
            stream(url, bearer(make_token(uuid7(), "three_pl"))) as stranger,
            stream(url, bearer(others)) as in_its_name,
        ):
            await shop.send(shop.order("1", email="ada@buyer.test"))
            (entered,) = await heard(three_pl, 1)
            assert entered == {
                "order_id": entered["order_id"],
                "type": "order.created",
                "sequence": 1,
                "status": "open",
                "connection_id": str(shop.connection_id),
                "at": entered["at"],
            }
            async with httpx.AsyncClient(base_url=address) as client:
                path = f"/v1/orders/{entered['order_id']}/process"
                answer = await client.post(path, json={"version": 1}, headers=bearer(theirs))
                assert answer.status_code == 200
            assert (await heard(three_pl, 2))[1]["status"] == "processing"
            await shop.send(shop.order("2"))
            await heard(three_pl, 3)
            # The brand asked for the Orders tab; who acts in its name is another 3PL.
            assert [one["status"] for one in await heard(brand, 2)] == ["open", "open"]
            assert changes(elsewhere) == changes(stranger) == changes(in_its_name) == []
            assert "ada@buyer.test" not in str(three_pl.blocks)
        async with stream(url, {}) as nobody, stream(url, bearer(theirs), tab="no") as wrong:
            assert (nobody.status, wrong.status) == (401, 422)


async def test_a_stream_goes_on_where_it_was_or_says_that_something_is_missing(
    app: FastAPI,
    topics: Topics,
    database: asyncpg.Connection,
    make_token: MakeToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = OrderPublisher(topics)
    await its_three_pl_is_connected(shop, database)
    token = make_token(shop.three_pl_id, "three_pl")
    async with listening(app) as address:
        url = f"{address}/v1/orders/stream"
        async with stream(url, bearer(token)) as first:
            await shop.send(shop.order("1"))
            await heard(first, 1)
            place = first.last_id
            # Nothing in it says how much there is of others.
            assert place.count(".") == 2
        async with stream(url, bearer(token)) as other:
            await shop.send(shop.order("2"), shop.order("3"))
            await heard(other, 2)
        again = bearer(token, **{"last-event-id": place})
        async with stream(url, again) as second:
            assert len(await heard(second, 2)) == 2
        for lost in ("nonsense", "x" * 200):
            async with stream(url, bearer(token, **{"last-event-id": lost})) as third:
                await heard(third, 1)
                assert third.told[0]["event"] == "reset"
                assert third.last_id != lost
        # Who does not read keeps a bounded number, and reads the list again.
        monkeypatch.setattr(tail, "_UNREAD", 1)
        async with stream(url, again) as slow:
            await heard(slow, 1)
            assert [one.get("event") for one in slow.told] == ["reset"]


async def test_a_stream_ends_with_its_token_and_with_the_process(
    app: FastAPI, make_token: MakeToken
) -> None:
    soon = make_token(uuid7(), "brand", exp=int(time.time()) + 2)
    async with listening(app) as address:
        url = f"{address}/v1/orders/stream"
        async with (
            stream(url, bearer(soon)) as short,
            stream(url, bearer(make_token(uuid7(), "brand"))) as long,
        ):
            await eventually(lambda: over(short))
            assert not long.is_over
            await app.state.tail.stop()
            await eventually(lambda: over(long))
