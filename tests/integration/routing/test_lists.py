"""Pages of orders go by when they were accepted, and by id among those of one moment."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from relevo.bench import lists
from services.routing.lifecycle import TABS
from services.routing.lists import http_export
from services.routing.lists import store as lists_store
from shared.contracts.order import OrderStatus
from shared.web.pagination import encode_cursor

pytestmark = pytest.mark.engines
ORDERS = 23
# Of seven moments, with ids whose order is none of theirs; what is odd is the 3PL's.
FILL = """
INSERT INTO orders (id, store_id, external_id, brand_id, three_pl_id, connection_id, epoch, status,
                    version, sequence, source_updated_at, content_hash, payload, payload_bytes,
                    accepted_at, cancel_too_late, tombstone)
SELECT gen_random_uuid(), $1, n::text, $2, $3, CASE WHEN n % 2 = 1 THEN $4::uuid END,
       CASE WHEN n % 2 = 1 THEN 1 END, CASE WHEN n % 3 = 0 THEN 'open' ELSE 'shipped' END, 1, 1,
       now(), '', '{}', 2, now() - n / 4 * interval '1 microsecond', false, false
FROM generate_series(1, $5::int) n
"""


async def pages(client: httpx.AsyncClient, limit: int, **wanted: Any) -> list[dict[str, Any]]:
    """Every page."""
    found: list[dict[str, Any]] = []
    more: Mapping[str, str] = {}
    while True:
        answer = await client.get("/v1/orders", params={"limit": limit, **wanted, **more})
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        if answer.json()["next"] is None:
            return found
        more = {"after": answer.json()["next"]}


async def test_pages_of_one_moment_lose_and_repeat_nothing(
    app: FastAPI, make_token: Callable[..., str], database: asyncpg.Connection
) -> None:
    store, brand, three_pl, connection = (uuid7() for _ in range(4))
    await database.execute(FILL, store, brand, three_pl, connection, ORDERS)

    brands = a_caller(app, make_token(brand, "brand"))
    theirs = a_caller(app, make_token(three_pl, "three_pl"))
    async with brands, theirs:
        everything = await pages(brands, 200)
        assert len(everything) == ORDERS
        newest = [(order["accepted_at"], order["id"]) for order in everything]
        assert newest == sorted(newest, reverse=True)
        for limit in (1, 2, 5):
            assert await pages(brands, limit) == everything
            assert await pages(brands, limit, tab="orders") == [
                order for order in everything if order["status"] == "open"
            ]
            assert await pages(theirs, limit) == [
                order for order in everything if order["connection_id"]
            ]
        # Of before, when an id had an order.
        old = await brands.get("/v1/orders", params={"after": encode_cursor(newest[3][1])})
        assert (old.status_code, old.json()["code"]) == (422, "invalid_cursor")


def a_caller(app: FastAPI, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://routing",
        headers={"authorization": f"Bearer {token}"},
    )


async def test_each_filter_narrows_and_each_sort_pages(
    app: FastAPI, make_token: Callable[..., str], database: asyncpg.Connection
) -> None:
    store, brand, three_pl, connection = (uuid7() for _ in range(4))
    await database.execute(FILL, store, brand, three_pl, connection, ORDERS)
    for n, status in enumerate(OrderStatus, 1):
        await database.execute(
            "UPDATE orders SET status = $2, number = '#' || external_id, words = external_id, "
            "updated_at = now() - $3 * interval '1 s' WHERE external_id = $1",
            str(n), status, n % 3,
        )  # fmt: skip
    await database.execute(
        "INSERT INTO holds (id, order_id, kind, release_by, placed_at, lifted_at) "
        "SELECT gen_random_uuid(), id, kind, 'brand', now(), lifted FROM orders, "
        "(VALUES ('stock', NULL), ('fraud', now())) AS hold (kind, lifted) WHERE external_id = '2'"
    )
    async with a_caller(app, make_token(brand, "brand")) as brands:
        everything = await pages(brands, 200)

        async def shown(**wanted: Any) -> list[str]:
            return [order["external_id"] for order in await pages(brands, 200, **wanted)]

        def those(keep: Callable[[dict[str, Any]], bool]) -> list[str]:
            return [order["external_id"] for order in everything if keep(order)]

        by_tab = [await shown(tab=tab) for tab in TABS]
        assert sorted(itertools.chain(*by_tab)) == sorted(those(lambda _: True))
        assert by_tab[1] == those(lambda o: o["status"].startswith(("processing", "cancellation")))
        named = ("shipped", "cancelled")
        assert await shown(status=named) == those(lambda o: o["status"] in named)
        assert await shown(status=named, tab="finished") == those(
            lambda o: o["status"] == "cancelled"
        )
        assert await shown(status="open", tab="shipped") == []
        assert await shown(owner="brand") == those(lambda o: o["connection_id"] is None)
        assert await shown(owner="three_pl") == await shown(connection=str(connection))
        assert await shown(hold="stock") == ["2"]
        assert await shown(hold="fraud") == []
        assert sorted(await shown(number=["#3", "4", "#99", "3x"])) == ["3", "4"]
        some = everything[9]["accepted_at"]
        since, before = await shown(accepted_after=some), await shown(accepted_before=some)
        assert since == those(lambda o: o["accepted_at"] >= some)
        assert since + before == await shown(store=str(store))
        assert await shown(store=str(uuid7())) == []

        for sort in ("accepted_at", "-updated_at", "updated_at"):
            sorted_by = sort.removeprefix("-")
            paged = await pages(brands, 3, sort=sort)
            assert paged == sorted(
                everything, key=lambda o: (o[sorted_by], o["id"]), reverse=sort[0] == "-"
            )
        first = await brands.get("/v1/orders", params={"sort": "updated_at", "limit": 1})
        other = await brands.get("/v1/orders", params={"after": first.json()["next"]})
        assert (other.status_code, other.json()["code"]) == (422, "invalid_cursor")
        many = await brands.get("/v1/orders", params={"number": ["1"] * 201})
        assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "/number")


@pytest.mark.parametrize(
    ("as_three_pl", "sort", "index"),
    [
        (False, "-accepted_at", "orders_of_brand_by_time"),
        (False, "accepted_at", "orders_of_brand_by_time"),
        (True, "-accepted_at", "orders_of_three_pl"),
        (False, "-updated_at", "orders_of_brand_by_update"),
        (True, "updated_at", "orders_of_three_pl_by_update"),
    ],
)
@pytest.mark.usefixtures("service_settings")
async def test_a_page_is_read_from_an_index_where_the_page_before_ended(
    database: asyncpg.Connection, *, as_three_pl: bool, sort: str, index: str
) -> None:
    time = sort.removeprefix("-")
    ways = ["seqscan", "bitmapscan", "sort"]
    # Of one moment of acceptance there are few; what one transaction changed is sorted by id.
    ways += ["incremental_sort"] if time == "accepted_at" else []
    async with database.transaction():
        for way in ways:
            await database.execute(f"SET LOCAL enable_{way} = off")
        page = {
            "account": str(uuid7()), "as_three_pl": as_three_pl, "sort": sort, **lists.SOMEWHERE
        }  # fmt: skip
        plan = "\n".join(
            row[0]
            for row in await database.fetch("EXPLAIN " + lists.statement("list_orders", page))
        )
    assert f"using {index} " in plan
    assert f"ROW({time}, id) {'<' if sort[0] == '-' else '>'}" in plan
    assert plan.count("Sort  (") == plan.count("Incremental Sort  (")


async def test_a_client_that_goes_away_ends_its_export(
    app: FastAPI,
    make_token: Callable[..., str],
    database: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, brand, three_pl, connection = (uuid7() for _ in range(4))
    await database.execute(FILL, store, brand, three_pl, connection, ORDERS)
    await database.execute("UPDATE orders SET payload = NULL")
    monkeypatch.setattr(http_export, "_PAGE", 1)
    pages_read = 0
    listed = lists_store.list_whole_orders

    async def count(*args: Any) -> Any:
        nonlocal pages_read
        pages_read += 1
        return await listed(*args)

    monkeypatch.setattr(lists_store, "list_whole_orders", count)
    token = make_token(brand, "brand")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": "/v1/orders/export", "raw_path": b"/v1/orders/export",
        "query_string": b"", "root_path": "", "server": ("routing", 80), "client": ("c", 1),
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip
    gone = asyncio.Event()
    asked: list[str] = []

    async def receive() -> dict[str, Any]:
        asked.append("")
        if len(asked) > 1:
            await gone.wait()
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            gone.set()
            # Nobody reads: this waits until it is cancelled.
            await asyncio.Event().wait()

    await asyncio.wait_for(app(scope, receive, send), 10)
    assert pages_read <= 2
