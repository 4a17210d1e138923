"""Orders found by words, counted and exported: one filter, whatever shows them."""

import csv
import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from services.routing.lists import http_export
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import Address, Customer
from shared.contracts.orders_received import OrderReceived
from shared.kafka.topics import ACCOUNTS_CHANGED
from tests.integration.routing.test_lists import a_caller, pages
from tests.kit.publishers import OrderPublisher, Topics, erased
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


def an_order(shop: OrderPublisher, external_id: str, name: str, sku: str) -> OrderReceived:
    received = shop.order(
        external_id,
        customer=Customer(name=name, email=f"{name.partition(' ')[0]}@acme.example"),
        shipping_address=Address(name="Somebody Else"),
    )
    assert received.order is not None
    line = received.order.lines[0].model_copy(update={"sku": sku})
    order = received.order.model_copy(update={"lines": (line, line)})
    return received.model_copy(update={"order": order})


async def test_orders_are_found_counted_and_exported_by_one_filter(  # noqa: PLR0915  one story
    app: FastAPI,
    make_token: Callable[..., str],
    topics: Topics,
    database: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_export, "_PAGE", 2)
    shop, other = OrderPublisher(topics), OrderPublisher(topics)
    await other.send(an_order(other, "9", "Zoë Quux", "MUG-1"))
    await shop.send(an_order(shop, "1", "Zoë Quux", "MUG-1"), an_order(shop, "2", "Ann Q", "=CUP"))
    await eventually(lambda: database.fetch("SELECT FROM orders"), lambda rows: len(rows) == 3)
    await shop.set(ConnectionState.ACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM connections"))
    await shop.send(
        an_order(shop, "3", "Zoltán Quux", "MUG-2"), an_order(shop, "33", "Bob Oak", "MUG-2")
    )
    await eventually(lambda: database.fetch("SELECT FROM orders"), lambda rows: len(rows) == 5)
    brand = a_caller(app, make_token(shop.brand_id, "brand"))
    three_pl = a_caller(app, make_token(shop.three_pl_id, "three_pl"))
    async with brand, three_pl:

        async def found(client: Any, **wanted: Any) -> set[str]:
            listed = await pages(client, 1, **wanted)
            facets = (await client.get("/v1/orders/facets", params=wanted)).json()
            assert facets["total"] == {"count": len(listed), "is_capped": False}
            export = await client.get("/v1/orders/export", params=wanted)
            assert export.status_code == 200, export.text
            lines = [orjson.loads(line) for line in export.text.splitlines()]
            assert [line["id"] for line in lines] == [order["id"] for order in listed]
            return {order["external_id"] for order in listed}

        assert await found(brand) == {"1", "2", "3", "33"}
        assert await found(brand, q="ZOE quux") == {"1"}
        assert await found(brand, q="zo qu mug") == {"1", "3"}
        assert await found(brand, q="zoe@acme") == {"1"}
        assert await found(brand, q="oe") == set()
        assert await found(brand, q="#3") == {"3", "33"}
        assert await found(brand, q="' | '':*") == set()
        assert await found(brand, q="somebody", owner="brand") == {"1", "2"}
        assert await found(brand, number=["3", "#2"], tab="orders") == {"2", "3"}
        assert await found(three_pl, q="mug") == {"3", "33"}
        assert await found(three_pl, q="ann") == set()

        # Each choice is counted as if nothing were chosen in its own menu.
        facets = await brand.get("/v1/orders/facets", params={"q": "mug", "owner": "brand"})
        three_pls = {"connection_id": str(shop.connection_id), "store_id": str(shop.store_id)}
        own = {"connection_id": None, "store_id": None}
        assert facets.json() == {
            "connections": [
                {**three_pls, "count": 2, "is_capped": False},
                {**own, "count": 1, "is_capped": False},
            ],
            "statuses": [{"status": "open", "count": 1, "is_capped": False}],
            "total": {"count": 1, "is_capped": False},
        }

        # By day: one of yesterday is not of today.
        await database.execute(
            "UPDATE orders SET accepted_at = now() - interval '1 day' WHERE external_id = '1'"
        )
        for client, counts in ((brand, [0, 1, 3]), (three_pl, [0, 0, 2])):
            daily = (await client.get("/v1/orders/daily", params={"days": 3})).json()["days"]
            assert [day["count"] for day in daily] == counts
        assert (await brand.get("/v1/orders/daily", params={"days": 99})).status_code == 422

        file = await brand.get("/v1/orders/export", params={"format": "csv", "bom": "true"})
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert file.headers["content-disposition"].endswith('.csv"')
        assert file.content.startswith(b"\xef\xbb\xbforder_id,")
        rows = list(csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff"), newline="")))
        assert [row["external_id"] for row in rows] == ["33", "33", "3", "3", "2", "2", "1", "1"]
        assert {row["item_sku"] for row in rows} == {"MUG-1", "MUG-2", "'=CUP"}
        wrong = await brand.get("/v1/orders/export", params={"tab": "no"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "validation_failed")

        # What went back is its brand's to find; what is erased is nobody's.
        await shop.set(ConnectionState.INACTIVE)
        await eventually(lambda: database.fetch("SELECT FROM handovers WHERE state = 'done'"))
        assert await found(three_pl, q="mug") == set()
        assert await found(brand, q="mug", connection=str(uuid7())) == set()
        assert await found(brand, q="mug") == {"1", "3", "33"}
        await topics.publish(ACCOUNTS_CHANGED.name, str(shop.brand_id), erased(shop.brand_id))
        await eventually(
            lambda: database.fetchval("SELECT count(*) FROM orders WHERE erased_at IS NOT NULL"),
            lambda count: count == 4,
        )
        for word in ("quux", "mug-2"):
            [row] = await database.fetch(
                "SELECT count(*) FROM orders o WHERE brand_id = $1 AND o::text ILIKE $2",
                UUID(str(shop.brand_id)),
                f"%{word}%",
            )
            assert row["count"] == 0
