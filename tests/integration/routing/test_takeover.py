"""What routing's database has lost of its own events comes back from the log, before all else."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI

from shared.contracts.connections_changed import ConnectionState
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import ORDERS_EVENTS, STORES_CHANGED
from tests.kit.engines import Addresses, administer, copy_of
from tests.kit.publishers import NOON, OrderPublisher, Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeApp = Callable[[], FastAPI]
MakeToken = Callable[..., str]
# All of an order but when its row was written; times of holds as exact as an event has them.
_ORDERS = """
SELECT json_agg(o ORDER BY id)::text FROM (
    SELECT id, store_id, external_id, brand_id, three_pl_id, connection_id, epoch, settings_version,
           shipping_rules_owner, billing_owner, support_owner, endpoint_id, status, version,
           sequence, source_updated_at, encode(content_hash, 'hex') AS hash,
           payload::jsonb AS payload, accepted_at, number, total, currency, source_created_at,
           words,
           cancel_too_late, tombstone, log_generation, log_partition, log_offset,
           source_received_at, (SELECT json_agg(h ORDER BY h.id) FROM (
               SELECT id, kind, note, release_by, placed_by,
                      date_trunc('milliseconds', placed_at) AS placed_at
               FROM holds WHERE order_id = orders.id AND lifted_at IS NULL) h) AS holds
    FROM orders) o
"""
_HISTORY = """
SELECT json_agg(h ORDER BY h.order_id, h.sequence, h.event)::text FROM (
    SELECT order_id, kind, event, sequence, status, connection_id, why::jsonb - 'note' AS why
    FROM order_history) h
"""
_TABLES = """
SELECT string_agg(format('routing.%I', tablename), ', ') FROM pg_tables
WHERE schemaname = 'routing' AND tablename <> 'alembic_version'
"""


class Warehouse:
    """A store with its 3PL, and routing on a database that can be swapped."""

    def __init__(self, topics: Topics, make_app: MakeApp, make_token: MakeToken, dsn: str) -> None:
        self.shop = OrderPublisher(topics)
        self.topics = topics
        self.dsn = dsn
        self._make_app = make_app
        self._headers = {"authorization": f"Bearer {make_token(self.shop.three_pl_id, 'three_pl')}"}

    @asynccontextmanager
    async def routing(self) -> AsyncIterator[httpx.AsyncClient]:
        """A routing process that is ready, until the end of the block, as its 3PL asks it."""
        app = self._make_app()
        async with app.router.lifespan_context(app):
            health = app.state.runtime.health
            await eventually(health.report, lambda said: set(said.values()) == {"ok"})
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://routing", headers=self._headers
            ) as client:
                yield client

    async def look(self, query: str, *parameters: Any) -> Any:
        """One value; no session stays, so that the database can be copied."""
        session = await asyncpg.connect(self.dsn, server_settings={"search_path": "routing"})
        try:
            return await session.fetchval(query, *parameters)
        finally:
            await session.close()

    async def orders(self, *external_ids: str) -> None:
        """New ones, and wait until they are known."""
        await self.shop.send(*(self.shop.order(external_id) for external_id in external_ids))
        query = "SELECT count(*) FROM orders WHERE external_id = ANY($1)"
        await eventually(
            lambda: self.look(query, external_ids), lambda known: known == len(external_ids)
        )

    async def command(self, client: httpx.AsyncClient, external_id: str, name: str) -> None:
        """One command of the 3PL that is taken."""
        found = await self.look(
            "SELECT id || ' ' || version FROM orders WHERE external_id = $1", external_id
        )
        order_id, version = found.split()
        body: dict[str, Any] = {"version": int(version)}
        if name == "hold":
            body |= {"kind": "stock", "note": "out until Monday"}
        answer = await client.post(f"/v1/orders/{order_id}/{name}", json=body)
        assert answer.status_code == 200, answer.text

    async def switch(self, state: ConnectionState) -> None:
        """Switch the connection, and wait until routing has done what follows."""
        await self.shop.set(state)
        await eventually(
            lambda: self.look(
                "SELECT (SELECT version FROM connections) = $1"
                " AND NOT EXISTS (SELECT FROM handovers WHERE state = 'running')",
                self.shop.version,
            )
        )

    async def events(self) -> int:
        """How many there are on the log, once the outbox is empty."""
        await eventually(lambda: self.look("SELECT count(*) = 0 FROM outbox"))
        return len(await self.topics.all(ORDERS_EVENTS.name))


@pytest.fixture
def warehouse(
    topics: Topics, make_app: MakeApp, make_token: MakeToken, postgres_dsn: str
) -> Warehouse:
    return Warehouse(topics, make_app, make_token, postgres_dsn)


@pytest.fixture
async def backup(engines: Addresses, postgres_dsn: str) -> AsyncIterator[str]:
    """The name of a copy of the database that a test may make."""
    name = f"{postgres_dsn.rsplit('/', 1)[1]}_backup"
    yield name
    await administer(engines, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.mark.parametrize("lost", ["everything", "what came after the backup"])
async def test_what_the_database_lost_comes_back_from_the_log(
    lost: str,
    warehouse: Warehouse,
    engines: Addresses,
    backup: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # More than a batch.
    many = [f"more-{n}" for n in range(700)]
    async with warehouse.routing() as three_pl:
        await warehouse.switch(ConnectionState.ACTIVE)
        await warehouse.orders("1", "2", "3", "4", "5", "6")
        await warehouse.command(three_pl, "1", "process")
        await warehouse.command(three_pl, "2", "hold")
        await warehouse.command(three_pl, "3", "hold")
        # Nothing is to be sent a second time from the copy.
        await warehouse.events()
    copied = warehouse.dsn.rsplit("/", 1)[1]
    await administer(engines, copy_of(copied, backup))
    async with warehouse.routing() as three_pl:
        await warehouse.orders("7", "8", "9", *many)
        await warehouse.command(three_pl, "1", "ship")
        await warehouse.command(three_pl, "2", "release")
        await warehouse.command(three_pl, "4", "process")
        await warehouse.command(three_pl, "7", "process")
        await warehouse.command(three_pl, "8", "hold")
        await warehouse.shop.send(warehouse.shop.order("9", 5, total="12.00"))
        await eventually(
            lambda: warehouse.look("SELECT total = '12.00' FROM orders WHERE external_id = '9'")
        )
        # Off and on again: the Orders tab went back, and what comes now is of another epoch.
        await warehouse.switch(ConnectionState.INACTIVE)
        await warehouse.orders("10")
        await warehouse.switch(ConnectionState.ACTIVE)
        await warehouse.orders("11")
        events = await warehouse.events()
        orders, history = await warehouse.look(_ORDERS), await warehouse.look(_HISTORY)

    if lost == "everything":
        await warehouse.look(f"TRUNCATE {await warehouse.look(_TABLES)}")
    else:
        warehouse.dsn = engines.dsn(backup)
        monkeypatch.setenv("RELEVO_POSTGRES_DSN", warehouse.dsn)
    async with AsyncExitStack() as processes:
        three_pl = await processes.enter_async_context(warehouse.routing())
        await processes.enter_async_context(warehouse.routing())
        assert await warehouse.look(_ORDERS) == orders
        assert await warehouse.look(_HISTORY) == history
        # The ids that the 3PL holds still work, and the Orders tab goes back as ever.
        await warehouse.command(three_pl, "7", "ship")
        await warehouse.orders("12")
        await warehouse.switch(ConnectionState.INACTIVE)
        back = "SELECT count(*) FROM orders WHERE connection_id IS NULL AND external_id = ANY($1)"
        assert await warehouse.look(back, ["11", "12"]) == 2
        assert await warehouse.look(back, ["1", "4", "7"]) == 0
        # One of the command, one of the new order, two for each that went back; none twice.
        assert await warehouse.events() == events + 1 + 1 + 4
    told = await warehouse.topics.all(ORDERS_EVENTS.name)
    ids = [dict(record.headers)["ce_id"] for record in told]
    assert len(ids) == len(set(ids))


async def test_what_a_claim_that_moved_had_is_taken_over_and_moved_again(
    warehouse: Warehouse,
) -> None:
    own, claim = warehouse.shop, OrderPublisher(warehouse.topics)
    accepted = StoreChanged(
        store_id=claim.store_id, brand_id=own.brand_id, version=2, platform="shopify",
        domain="a.example", changed_at=NOON, former_brand_id=claim.brand_id, alias_of=own.store_id,
    )  # fmt: skip
    async with warehouse.routing():
        await own.send(own.order("1", 5, total="12.00"))
        await claim.send(claim.order("1"), claim.order("2"))
        await eventually(lambda: warehouse.look("SELECT count(*) = 3 FROM orders"))
        await warehouse.topics.publish(STORES_CHANGED.name, str(claim.store_id), accepted)
        await eventually(
            lambda: warehouse.look(
                "SELECT count(*) = 2 FROM orders WHERE brand_id = $1", own.brand_id
            )
        )
        events, orders = await warehouse.events(), await warehouse.look(_ORDERS)
    await warehouse.look(f"TRUNCATE {await warehouse.look(_TABLES)}")
    async with warehouse.routing():
        assert await warehouse.look(_ORDERS) == orders
        # Both stores go on as one.
        await claim.send(claim.order("2", 9, total="13.00"))
        await eventually(
            lambda: warehouse.look("SELECT total = '13.00' FROM orders WHERE external_id = '2'")
        )
        assert await warehouse.events() == events + 1


async def test_an_epoch_that_nobody_saw_end_hands_its_orders_tab_back(
    warehouse: Warehouse,
) -> None:
    """Off and on again while routing was away and its database was lost: the newest state is on."""
    async with warehouse.routing() as three_pl:
        await warehouse.switch(ConnectionState.ACTIVE)
        await warehouse.orders("1", "2")
        await warehouse.command(three_pl, "1", "process")
        await warehouse.events()
    await warehouse.shop.set(ConnectionState.INACTIVE)
    await warehouse.shop.set(ConnectionState.ACTIVE)
    await warehouse.look(f"TRUNCATE {await warehouse.look(_TABLES)}")
    owners = "SELECT json_object_agg(external_id, connection_id IS NOT NULL)::text FROM orders"
    async with warehouse.routing():
        # What is being worked stays with the 3PL to the end.
        await eventually(lambda: warehouse.look(owners), lambda said: "false" in said)
        assert orjson.loads(await warehouse.look(owners)) == {"1": True, "2": False}


async def test_an_ordinary_start_reads_next_to_nothing_of_its_own_log(
    warehouse: Warehouse,
) -> None:
    ends = "SELECT sum(next_offset) FROM positions WHERE topic = 'orders.events'"
    async with warehouse.routing():
        await warehouse.orders(*map(str, range(20)))
        # The relay notes how far what it sent reaches.
        await eventually(lambda: warehouse.look(ends), lambda at: at == 20)
    before = await warehouse.look(_ORDERS.replace("accepted_at,", "accepted_at, updated_at,"))
    async with warehouse.routing():
        assert await warehouse.look(ends) == 20
    again = await warehouse.look(_ORDERS.replace("accepted_at,", "accepted_at, updated_at,"))
    assert again == before


async def test_an_order_accepted_before_the_connection_was_on_is_never_its_own(
    warehouse: Warehouse,
) -> None:
    early = warehouse.shop.order("1")
    change = warehouse.shop.change(ConnectionState.ACTIVE)
    await warehouse.shop.publish(change.model_copy(update={"state_since": change.changed_at}))
    late = warehouse.shop.order("2")
    async with warehouse.routing():
        await eventually(lambda: warehouse.look("SELECT count(*) = 1 FROM connections"))
        await warehouse.shop.send(early, late)
        await eventually(lambda: warehouse.look("SELECT count(*) = 2 FROM orders"))
        owners = await warehouse.look(
            "SELECT array_agg(connection_id ORDER BY external_id) FROM orders"
        )
    assert owners == [None, UUID(str(warehouse.shop.connection_id))]
