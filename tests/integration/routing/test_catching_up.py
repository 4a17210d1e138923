"""Compacted topics are read whole at each start, and nothing is decided before that."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from services.routing import store
from services.routing.erasure import eraser
from services.routing.moves import mover
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import (
    ACCOUNTS_CHANGED,
    ORDERS_EVENTS,
    ORDERS_RECEIVED,
    STORES_CHANGED,
)
from tests.integration.routing.test_moved_stores import Shops
from tests.integration.routing.test_moved_stores import shops as shops  # noqa: PLC0414  a fixture
from tests.kit.publishers import NOON, OrderPublisher, Topics, erased
from tests.kit.serving import running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeApp = Callable[[], FastAPI]


async def is_ready(app: FastAPI) -> None:
    health = app.state.runtime.health
    await eventually(health.report, lambda said: set(said.values()) == {"ok"})


async def test_with_its_connections_gone_it_decides_nothing_before_it_has_read_them_again(
    make_app: MakeApp,
    database: asyncpg.Connection,
    topics: Topics,
    make_token: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, ended = OrderPublisher(topics), OrderPublisher(topics)
    await shop.set(ConnectionState.ACTIVE)
    for state in (ConnectionState.ACTIVE, ConnectionState.DISCONNECTED):
        await ended.set(state)
    go_on, look = asyncio.Event(), store.connection_versions

    async def slow(*arguments: Any) -> Any:
        await go_on.wait()
        return await look(*arguments)

    monkeypatch.setattr(store, "connection_versions", slow)
    mine = {"authorization": f"Bearer {make_token(shop.brand_id, 'brand')}"}
    async with running(make_app()) as client:

        async def missing() -> str:
            answer = await client.get("/health/ready")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
            said: str = answer.json()["checks"]["topics"]
            return said

        await eventually(missing, lambda said: "connections.changed: 0 of 3" in said)
        await shop.send(shop.order("1"), ended.order("2"))
        assert len(await topics.all(ORDERS_RECEIVED.name, at_least=2)) == 2
        refused = await client.get("/v1/orders", headers=mine)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert refused.json()["code"] == "temporarily_unavailable"
        assert not await topics.all(ORDERS_EVENTS.name)
        assert not await database.fetch("SELECT FROM orders")
        go_on.set()
        rows = await eventually(
            lambda: database.fetch("SELECT external_id, connection_id, version FROM orders"),
            lambda found: len(found) == 2,
        )
        assert {row["external_id"]: row["connection_id"] for row in rows} == {
            "1": shop.connection_id, "2": None,
        }  # fmt: skip
        assert (await client.get("/v1/orders", headers=mine)).status_code == 200
        handovers = await database.fetch("SELECT connection_id FROM handovers")
        assert [row["connection_id"] for row in handovers] == [ended.connection_id]


async def test_a_restart_reads_everything_again_and_changes_nothing(
    make_app: MakeApp, database: asyncpg.Connection, topics: Topics
) -> None:
    """Two processes at once; rows are not even locked."""
    shop, claim, gone = (OrderPublisher(topics) for _ in range(3))
    moved = a_move(claim, shop)
    await topics.publish(STORES_CHANGED.name, str(claim.store_id), moved)
    await topics.publish(ACCOUNTS_CHANGED.name, str(gone.brand_id), erased(gone.brand_id))

    async def rows() -> list[tuple[Any, ...]]:
        found = []
        for table in ("connections", "handovers", "moved_stores", "erased_accounts", "orders"):
            text = f"SELECT '{table}', t.ctid, t.xmin, t.xmax, t::text FROM {table} t ORDER BY 5"  # noqa: S608  of the test
            found += [tuple(map(str, row)) for row in await database.fetch(text)]
        return found

    first = make_app()
    async with first.router.lifespan_context(first):
        await is_ready(first)
        for state in (ConnectionState.ACTIVE, ConnectionState.INACTIVE, ConnectionState.ACTIVE):
            await shop.set(state)
        await eventually(
            lambda: database.fetchval("SELECT version FROM connections"), lambda found: found == 3
        )
        await shop.send(shop.order("1"))
        await eventually(lambda: database.fetch("SELECT FROM orders"))
        finished = "SELECT FROM handovers WHERE state <> 'done'"
        await eventually(lambda: database.fetch(finished), lambda left: not left)
        await all_finished(database)
        await eventually(lambda: database.fetch("SELECT FROM outbox"), lambda left: not left)
    before, events = await rows(), await topics.all(ORDERS_EVENTS.name, at_least=1)
    second, third = make_app(), make_app()
    async with second.router.lifespan_context(second), third.router.lifespan_context(third):
        await asyncio.gather(is_ready(second), is_ready(third))
        assert await rows() == before
    assert len(await topics.all(ORDERS_EVENTS.name)) == len(events)


def a_move(claim: OrderPublisher, to: OrderPublisher) -> StoreChanged:
    """The claim's store is the brand's."""
    return StoreChanged(
        store_id=claim.store_id, brand_id=to.brand_id, version=2, platform="shopify",
        domain="a.example", changed_at=NOON, former_brand_id=claim.brand_id,
    )  # fmt: skip


async def all_finished(database: asyncpg.Connection) -> None:
    """Nothing that was noted is left to do."""
    left = (
        "SELECT id FROM moved_stores WHERE finished_at IS NULL "
        "UNION ALL SELECT account_id FROM erased_accounts WHERE emptied_at IS NULL"
    )
    await eventually(lambda: database.fetch(left), lambda rows: not rows)


async def test_what_was_noted_before_a_process_was_killed_is_finished_by_the_next_start(
    shops: Shops, make_app: MakeApp, database: asyncpg.Connection, topics: Topics
) -> None:
    """By two that start at once; also a move that a release before had noted."""
    gone, older = OrderPublisher(topics), OrderPublisher(topics)
    await shops.take(
        *(shops.claim.order(str(n)) for n in range(5)),
        *(gone.order(str(n)) for n in range(5)),
        *(older.order(str(n)) for n in range(3)),
    )
    await mover.Mover(shops.routing).note([shops.accepted(alias=True)])
    await eraser.Eraser(shops.routing, lambda: None).note([erased(gone.brand_id)])
    before = a_move(older, shops.own)
    await database.execute(
        "INSERT INTO moved_stores (id, store_id, brand_id, version) VALUES ($1, $1, $2, 2)",
        before.store_id, before.brand_id,
    )  # fmt: skip
    await topics.publish(STORES_CHANGED.name, str(older.store_id), before)
    first, second = make_app(), make_app()
    async with first.router.lifespan_context(first), second.router.lifespan_context(second):
        await asyncio.gather(is_ready(first), is_ready(second))
        await all_finished(database)
    found = await database.fetch(
        "SELECT brand_id, count(*), bool_and(erased_at IS NOT NULL) FROM orders GROUP BY 1"
    )
    assert {tuple(row) for row in found} == {
        (shops.own.brand_id, 8, False),
        (gone.brand_id, 5, True),
    }


async def test_a_move_that_fails_keeps_no_other_waiting(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = OrderPublisher(shops.claim.topics)
    await shops.take(shops.claim.order("1"), other.order("2"))
    moving = mover.Mover(shops.routing)
    await moving.note([shops.accepted()])
    await moving.note([a_move(other, shops.own)])
    chunk = mover._move_chunk

    async def odd(database: Any, move: Any) -> int:
        if move.claim_store_id == shops.claim.store_id:
            raise ValueError("odd")
        return await chunk(database, move)

    with monkeypatch.context() as patched:
        patched.setattr(mover, "_move_chunk", odd)
        await moving.move_all()
    brands = {row["external_id"]: row["brand_id"] for row in (await shops.orders()).values()}
    assert brands == {"1": shops.claim.brand_id, "2": shops.own.brand_id}
    await moving.move_all()
    assert {row["brand_id"] for row in (await shops.orders()).values()} == {shops.own.brand_id}
