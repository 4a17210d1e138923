"""A process that dies at any statement of a batch of order events, or reads all of it again."""

import itertools
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from services.fulfilment.main import create_app
from services.fulfilment.settings import Settings
from shared.kafka.topics import ORDERS_EVENTS, SHIPMENTS_EVENTS
from tests.integration.fulfilment.test_labels import with_prices
from tests.integration.fulfilment.test_shipments import Shop, as_account, set_rules
from tests.kit.builders import THREE_PL
from tests.kit.cutting import Cut
from tests.kit.publishers import Topics
from tests.kit.serving import running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


async def states(database: asyncpg.Connection) -> list[tuple[object, ...]]:
    """All that is told and charged, of every order."""
    rows = await database.fetch(
        "SELECT s.id, s.status, s.version, o.shipments_version, "
        "       (SELECT json_agg(e.phase ORDER BY e.phase)::text FROM ledger_entries e "
        "        WHERE e.order_id = o.id) AS phases "
        "FROM orders o LEFT JOIN shipments s ON s.order_id = o.id ORDER BY o.id, s.id"
    )
    return [tuple(row) for row in rows]


async def test_a_batch_cut_off_anywhere_makes_one_shipment_and_charges_it_once(
    app: FastAPI,
    client: httpx.AsyncClient,
    topics: Topics,
    database: asyncpg.Connection,
    make_token: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    three_pl = as_account(make_token, THREE_PL, "three_pl")  # type: ignore[arg-type]
    await set_rules(client, three_pl)
    await with_prices(database)
    shop, cut, orders = Shop(topics), Cut(ORDERS_EVENTS), list[UUID]()
    with cut.here(monkeypatch):
        for at, is_after in ((n, after) for n in itertools.count(1) for after in (False, True)):
            order = uuid7()
            cut.arm(at, is_after=is_after)
            await shop.tell(order, 1, "processing")
            await shop.tell(order, 2, "shipped")
            orders.append(order)

            async def shipped(order: UUID = order) -> str | None:
                found: str | None = await database.fetchval(
                    "SELECT status FROM shipments WHERE order_id = $1", order
                )
                return found

            await eventually(shipped, lambda status: status == "shipped")
            if not cut.happened:
                break
    # Begin, positions, orders, shipments, rules, what is written, charged and told, commit.
    assert len(orders) > 20
    found = await states(database)
    assert len(found) == len(orders)
    assert {phases for *_, phases in found} == {'["pending", "posted"]'}
    told: dict[str, list[int]] = {}
    await eventually(lambda: database.fetch("SELECT FROM outbox"), lambda left: not left)
    for record in await topics.all(SHIPMENTS_EVENTS.name, at_least=len(orders)):
        value = orjson.loads(record.value or b"")
        told.setdefault(value["order_id"], []).append(value["version"])
    assert told.keys() == {str(order) for order in orders}
    assert all(versions == sorted(set(versions)) for versions in told.values())

    # The whole topic once more, from its start: it is known.
    await database.execute("DELETE FROM positions")
    await shop.tell(last := uuid7(), 1, "processing")
    async with running(create_app(Settings())) as again:

        async def reached() -> bool:
            answer = await again.get("/v1/shipments", params={"order_id": str(last)},
                                     headers=three_pl)  # fmt: skip
            return bool(answer.json().get("data"))

        await eventually(reached)
    assert [row for row in await states(database) if row[4]] == found
    assert app
