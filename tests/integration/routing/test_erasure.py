"""Case 22 in routing: what an erased brand's orders said goes, ids and decisions stay."""

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from relevo.operate.roles import role_of
from services.routing import commands, events, handover, received, store
from services.routing.commands import Asked
from services.routing.erasure import eraser
from services.routing.erasure import store as erasure
from services.routing.lifecycle import Command
from services.routing.received import read_order
from services.routing.settings import Settings
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionState, OrderRulesVersion
from shared.contracts.order import Address
from shared.contracts.orders_received import OrderReceived
from shared.kafka.topics import ACCOUNTS_CHANGED, ORDERS_EVENTS
from shared.postgres import outbox
from shared.postgres.database import Database, Session
from tests.integration.routing.test_moved_stores import Shops, a_record, broken
from tests.kit.builders import a_connection, a_hold
from tests.kit.leaks import tables_with
from tests.kit.locks import started_and_waiting
from tests.kit.publishers import OrderPublisher, Topics, erased
from tests.kit.routing_store_suite import change_of
from tests.kit.waiting import eventually, wait_until

pytestmark = pytest.mark.engines
MARK = "Zoë Quux"
# Without case and accents too: what an order is found by.
MARKS = (MARK, "quux")


@pytest.fixture
async def shops(
    service_settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shops]:
    # So that a handful of orders takes several transactions.
    monkeypatch.setattr(eraser, "_CHUNK", 2)
    dsn = f"{service_settings['RELEVO_POSTGRES_DSN']}?role={role_of('routing')}"
    opened = Database(Settings(postgres_dsn=SecretStr(dsn)), "routing")
    await opened.open()
    yield Shops(opened)
    await opened.close()


def marked(shop: OrderPublisher, external_id: str, seconds: int = 0) -> OrderReceived:
    """An order with the mark wherever a buyer or a store can put one."""
    address = Address(name=MARK, address1=MARK, city=MARK)
    received = shop.order(
        external_id, seconds, email=f"{MARK}@a.example", note=MARK, shipping_address=address
    )
    order = received.order
    assert order is not None
    line = order.lines[0].model_copy(update={"sku": MARK, "title": MARK})
    named = order.model_copy(update={"number": MARK, "lines": (line,)})
    return received.model_copy(update={"order": named})


async def place_hold(session: Session, order_id: UUID, account: UUID) -> None:
    """Somebody says why it must wait."""
    note = a_hold(id=uuid7(), kind="other", note=MARK, release_by="brand", placed_by=account)
    order = await store.lock_order(session, order_id)
    assert order is not None
    decision = commands.command(order, None, Asked(Command.HOLD, order.version, account, hold=note))
    await store.write(session, [decision])
    await outbox.write(session, events.messages([(decision, None)]))


async def hand_back(shops: Shops, order_id: UUID) -> None:
    async with shops.routing.transaction() as session:
        order = await store.lock_order(session, order_id)
        assert order is not None
        decision = handover.hand_back(order, "the connection is disconnected")
        await store.write(session, [decision])
        await outbox.write(session, events.messages([(decision, None)]))


async def erase_at_once(shops: Shops, change: AccountChanged) -> None:
    """Note an erasure and do it, as the background does."""
    erasing = eraser.Eraser(shops.routing, lambda: None)
    await erasing.note([change])
    await erasing.erase_all()


async def connect(shops: Shops, shop: OrderPublisher) -> None:
    """The shop has an active connection; the brand's own, with a rule that knows the mark."""
    active = a_connection(
        id=uuid7(), store_id=shop.store_id, brand_id=shop.brand_id, three_pl_id=shop.three_pl_id
    )
    seen = {"name": MARK, "if": {"kind": "sku", "any_of": [MARK]}, "then": "send"}
    rules = OrderRulesVersion(version=1, effective_at=active.effective_at, rules=(seen,))
    has_rules = shop is shops.own
    change = change_of(active).model_copy(update={"order_rules": (rules,) if has_rules else ()})
    async with shops.routing.transaction() as session:
        await store.apply_connections(session, [change])


async def kept(shops: Shops, brand: UUID) -> list[tuple[Any, ...]]:
    """Ids and decisions of the brand's orders."""
    rows = await shops.rows(
        """
        SELECT o.id, o.store_id, o.external_id, o.status, o.connection_id, o.three_pl_id, o.epoch,
               o.version, o.sequence, o.settings_version,
               (SELECT json_agg(json_build_array(h.kind, h.event, h.sequence, h.status,
                                                 h.connection_id, h.why::json->>'command',
                                                 h.why::json->>'reason') ORDER BY h.id)::text
                FROM order_history h WHERE h.order_id = o.id),
               (SELECT json_agg(json_build_array(h.id, h.kind) ORDER BY h.id)::text
                FROM holds h WHERE h.order_id = o.id)
        FROM orders o WHERE o.brand_id = $1 ORDER BY o.id
        """,
        brand,
    )
    return [tuple(row) for row in rows]


async def everything_of(shops: Shops, brand: UUID) -> list[tuple[Any, ...]]:
    return [
        tuple(row)
        for row in await shops.rows(
            """
            SELECT o::text FROM orders o WHERE brand_id = $1
            UNION ALL SELECT o::text FROM outbox o WHERE headers LIKE '%' || $1::text || '%'
            UNION ALL SELECT h::text FROM holds h JOIN orders o ON o.id = h.order_id
                      WHERE o.brand_id = $1
            UNION ALL SELECT p::text FROM parked_records p WHERE p.brand_id = $1 ORDER BY 1
            """,
            brand,
        )
    ]


async def test_what_the_orders_said_goes_and_ids_and_decisions_stay(
    shops: Shops, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    brand, other = shops.own.brand_id, shops.claim.brand_id
    for shop in (shops.own, shops.claim):
        await connect(shops, shop)
        await shops.take(*(marked(shop, str(n)) for n in range(5)))
        await shops.take(broken(marked(shop, "broken")), marked(shop, "broken", 5))
    ids = {row["external_id"]: row["id"] for row in (await shops.orders()).values()
           if row["brand_id"] == brand}  # fmt: skip
    async with shops.routing.transaction() as session:
        await place_hold(session, ids["1"], brand)
    await hand_back(shops, ids["2"])
    # Kafka did not take the events of this order: their first row says when they are tried again.
    await shops.rows(
        "WITH moved AS (DELETE FROM outbox WHERE key = $1 RETURNING *) INSERT INTO outbox_aside "
        "(id, topic, key, headers, value, created_at, failures, retry_at) SELECT id, topic, key, "
        "headers, value, created_at, 1, CASE WHEN headers LIKE '%order.created%' THEN now() END "
        "FROM moved",
        str(ids["2"]),
    )
    decided = await shops.rows("SELECT why FROM order_history WHERE why LIKE '%order_rules%'")
    assert len(decided) == 5
    before, others = await kept(shops, brand), await everything_of(shops, other)
    assert len(before) == 5
    assert len(others) == 5 + 5 + 2

    erase, calls = erasure.erase_orders, itertools.count()

    async def die(*arguments: Any) -> Any:
        if next(calls):
            raise ConnectionError("dies here")
        return await erase(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(erasure, "erase_orders", die)
        with pytest.raises(ConnectionError):
            await erase_at_once(shops, erased(brand))
    assert len(await shops.rows("SELECT FROM orders WHERE erased_at IS NOT NULL")) == 2
    for _ in range(2):
        await erase_at_once(shops, erased(brand))

    assert await kept(shops, brand) == before
    assert await everything_of(shops, other) == others
    closed = await shops.rows("SELECT * FROM orders WHERE brand_id = $1", brand)
    assert {(row["payload"], row["number"], row["total"]) for row in closed} == {(None,) * 3}
    assert all(row["erased_at"] for row in closed)
    (told,) = await shops.rows("SELECT * FROM outbox_aside")
    assert orjson.loads(told["headers"])["ce_type"] == "order.unassigned"
    assert told["retry_at"] is not None, "the first of its key by now"
    # Apart from the number of the order that the 3PL has to stop, nothing of the buyer is there.
    data = orjson.loads(told["value"])["data"]
    assert (data["order"], data["holds"], data["number"]) == (None, [], MARK)
    await shops.rows("DELETE FROM outbox_aside")
    for table in ("outbox", "holds", "orders", "parked_records"):
        await shops.rows(f"DELETE FROM {table} WHERE {OF_OTHERS[table]}", other)  # noqa: S608
    assert await tables_with(postgres_dsn, "routing", MARKS) == set()


OF_OTHERS = {
    "outbox": "headers LIKE '%' || $1::uuid::text || '%'",
    "holds": "order_id IN (SELECT id FROM orders WHERE brand_id = $1)",
    "orders": "brand_id = $1",
    "parked_records": "brand_id = $1",
}


async def test_what_comes_after_is_dropped_before_anything_is_stored(
    shops: Shops, postgres_dsn: str
) -> None:
    """Also by way of a claim that joins the erased brand, before or after its orders came."""
    await shops.take(*(marked(shops.claim, str(n)) for n in range(3)))
    await erase_at_once(shops, erased(shops.own.brand_id))
    await shops.take(marked(shops.own, "1"), broken(marked(shops.own, "2")))
    assert {row["brand_id"] for row in (await shops.orders()).values()} == {shops.claim.brand_id}
    await shops.apply(shops.accepted())
    await shops.take(marked(shops.claim, "1", 5), broken(marked(shops.claim, "9")))
    rows = (await shops.orders()).values()
    assert [(row["brand_id"], row["sequence"]) for row in rows] == [(shops.own.brand_id, 1)] * 3
    assert await tables_with(postgres_dsn, "routing", MARKS) == set()


async def test_a_batch_that_is_at_it_is_waited_for_and_erased_too(
    shops: Shops, postgres_dsn: str
) -> None:

    async with shops.routing.transaction() as session:
        await received.handle(session, [read_order(a_record(marked(shops.own, "1")))])
        erasing = await started_and_waiting(
            postgres_dsn, erase_at_once(shops, erased(shops.own.brand_id)), "7301"
        )
    await erasing
    assert await tables_with(postgres_dsn, "routing", MARKS) == set()
    (row,) = (await shops.orders()).values()
    assert row["erased_at"] is not None


async def test_a_command_that_is_at_it_is_waited_for_and_its_words_go_too(
    shops: Shops, postgres_dsn: str
) -> None:
    await shops.take(marked(shops.own, "1"))
    ((_, row),) = (await shops.orders()).items()
    async with shops.routing.transaction() as session:
        await place_hold(session, row["id"], shops.own.brand_id)
        erasing = await started_and_waiting(
            postgres_dsn, erase_at_once(shops, erased(shops.own.brand_id)), "erased_at"
        )
    await erasing
    assert await tables_with(postgres_dsn, "routing", MARKS) == set()
    assert len(await shops.rows("SELECT FROM holds WHERE kind = 'other'")) == 1


async def test_a_chunk_is_found_by_the_brands_index(shops: Shops) -> None:
    await shops.take(*(shops.claim.order(str(n)) for n in range(300)))
    async with shops.routing.transaction() as session:
        # Whatever another test has left of statistics.
        await session.execute("ANALYZE orders")
        await session.execute("SET LOCAL enable_seqscan = off")
        plan = await session.fetch(
            "EXPLAIN SELECT id FROM orders WHERE brand_id = $1 AND id > $2 AND erased_at IS NULL "
            "ORDER BY id LIMIT 500",
            shops.own.brand_id,
            UUID(int=0),
        )
    text = "\n".join(row[0] for row in plan)
    assert "orders_of_brand" in text
    assert "Sort" not in text


# --- the service ----------------------------------------------------------------------------


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://routing") as client:
        yield client


def dropped() -> float:
    """How many records this process dropped."""
    labels = {"outcome": "erased"}
    return REGISTRY.get_sample_value("relevo_order_decisions_total", labels) or 0.0


async def test_the_service_hears_of_it_and_an_erased_order_is_closed(
    client: httpx.AsyncClient,
    make_token: Callable[..., str],
    topics: Topics,
    database: asyncpg.Connection,
) -> None:
    shop = OrderPublisher(topics)
    await shop.set(ConnectionState.ACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM connections"))
    await shop.send(marked(shop, "1"))
    (row,) = await eventually(lambda: database.fetch("SELECT id, version FROM orders"))
    three_pl = {"authorization": f"Bearer {make_token(shop.three_pl_id, 'three_pl')}"}
    path = f"/v1/orders/{row['id']}"
    taken = await client.post(f"{path}/process", json={"version": row["version"]}, headers=three_pl)
    assert taken.status_code == 200, taken.text
    await shop.set(ConnectionState.DISCONNECTED)
    tombstone = erased(shop.brand_id)
    await topics.publish(ACCOUNTS_CHANGED.name, str(shop.brand_id), tombstone)
    await eventually(lambda: database.fetch("SELECT FROM orders WHERE erased_at IS NOT NULL"))

    seen = (await client.get(path, headers=three_pl)).json()
    assert (seen["order"], seen["number"], seen["allowed_commands"]) == (None, None, [])
    assert (seen["status"], seen["owner"], seen["version"]) == ("processing", "three_pl", 2)
    assert seen["erased_at"] is not None
    refused = await client.post(f"{path}/ship", json={"version": 2}, headers=three_pl)
    assert (refused.status_code, refused.json()["code"]) == (409, "order_erased")
    assert refused.json()["allowed_commands"] == []
    before = dropped()
    await shop.send(marked(shop, "2"), marked(shop, "1", 5))
    await wait_until(lambda: dropped() >= before + 2, what="both dropped")
    (still,) = await database.fetch("SELECT sequence, payload FROM orders")
    assert tuple(still) == (2, None)


async def test_all_that_an_erased_3pl_has_not_finished_is_the_brands_again(
    app: FastAPI, topics: Topics, database: asyncpg.Connection
) -> None:
    shop = OrderPublisher(topics)
    await shop.set(ConnectionState.ACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM connections"))
    statuses = (
        "open", "on_hold", "processing", "shipped", "cancellation_requested", "delivered",
        "returned", "cancelled",
    )  # fmt: skip
    await shop.send(*(shop.order(status) for status in statuses))
    await eventually(
        lambda: database.fetch("SELECT FROM orders"), lambda rows: len(rows) == len(statuses)
    )
    await database.execute("UPDATE orders SET status = external_id")
    tombstone = erased(shop.three_pl_id, "three_pl")
    for _ in range(2):
        await topics.publish(ACCOUNTS_CHANGED.name, str(shop.three_pl_id), tombstone)
    await eventually(
        lambda: database.fetch("SELECT FROM handovers WHERE state = 'done'"),
        lambda rows: len(rows) == 1,
    )
    await shop.set(ConnectionState.DISCONNECTED)
    handovers = await eventually(
        lambda: database.fetch("SELECT * FROM handovers WHERE state = 'done' ORDER BY id"),
        lambda rows: len(rows) == 2,
    )
    assert [(row["is_whole"], row["returned"], row["stayed"]) for row in handovers] == [
        (True, 5, 0), (False, 0, 0),
    ]  # fmt: skip
    rows = await database.fetch("SELECT external_id, status, connection_id FROM orders")
    assert {row["external_id"] for row in rows if row["connection_id"] is None} == set(statuses[:5])
    assert all(row["status"] == row["external_id"] for row in rows)
    told = [
        dict(record.headers)
        for record in await topics.all(ORDERS_EVENTS.name, at_least=len(statuses) + 10)
    ]
    kinds = [headers["ce_type"].decode() for headers in told]
    assert (kinds.count("order.unassigned"), kinds.count("order.returned")) == (5, 5)
    line = await database.fetchval(
        "SELECT why FROM order_history h JOIN orders o ON o.id = h.order_id "
        "WHERE o.external_id = 'shipped' AND h.event = 'order.returned'"
    )
    assert orjson.loads(line)["reason"] == "the 3PL's account was erased"
