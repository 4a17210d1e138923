"""Pages of orders go by when they were accepted, and by id among those of one moment."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from relevo.bench import lists
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


async def pages(client: httpx.AsyncClient, limit: int, **wanted: str) -> list[dict[str, Any]]:
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

    def caller(account: UUID, kind: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://routing",
            headers={"authorization": f"Bearer {make_token(account, kind)}"},
        )

    async with caller(brand, "brand") as brands, caller(three_pl, "three_pl") as theirs:
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


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("orders_of_brand", "orders_of_brand_by_time"),
        ("orders_of_three_pl", "orders_of_three_pl"),
    ],
)
@pytest.mark.usefixtures("service_settings")
async def test_a_page_is_read_from_an_index_where_the_page_before_ended(
    database: asyncpg.Connection, name: str, index: str
) -> None:
    async with database.transaction():
        for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            await database.execute(f"SET LOCAL enable_{way} = off")
        page = {"account": str(uuid7()), **lists.SOMEWHERE}
        plan = "\n".join(
            row[0] for row in await database.fetch("EXPLAIN " + lists.statement(name, page))
        )
    assert f"using {index} " in plan
    assert "ROW(accepted_at, id) <" in plan
    assert "Sort" not in plan
