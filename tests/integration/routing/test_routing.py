"""Routing on the real engines: what goes in, what is kept, what comes out."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from fastapi import FastAPI

from shared.contracts.connections_changed import ConnectionState, EffectiveSettings
from shared.contracts.notices import OrdersHandedBack
from shared.contracts.orders_events import OrderEvent, OrderEventAttributes
from shared.kafka.topics import CONNECTIONS_CHANGED, ORDERS_EVENTS, ORDERS_RECEIVED
from tests.kit.notices import notices
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

ACTIVE, INACTIVE = ConnectionState.ACTIVE, ConnectionState.INACTIVE
Rows = list[asyncpg.Record]
OF_BEFORE = UUID("0196f000-0000-7000-8000-000000000000")


@pytest.fixture
def shop(topics: Topics) -> OrderPublisher:
    return OrderPublisher(topics)


async def orders(database: asyncpg.Connection, count: int) -> dict[str, Any]:
    """The orders by external id, once there are `count`."""

    async def look() -> Rows:
        return await database.fetch("SELECT * FROM orders")

    rows = await eventually(look, lambda found: len(found) >= count)
    return {row["external_id"]: row for row in rows}


async def applied(database: asyncpg.Connection, shop: OrderPublisher) -> None:
    """The newest state of the connection has reached routing."""

    async def look() -> Any:
        return await database.fetchval(
            "SELECT version FROM connections WHERE id = $1", shop.connection_id
        )

    await eventually(look, lambda version: version == shop.version)


async def swept(database: asyncpg.Connection, count: int = 1) -> Rows:
    """The hand-overs, once `count` are done."""

    async def look() -> Rows:
        return await database.fetch("SELECT * FROM handovers WHERE state = 'done' ORDER BY id")

    return await eventually(look, lambda rows: len(rows) >= count)


@pytest.mark.usefixtures("app")
async def test_a_new_order_goes_to_the_active_connection_and_is_told_once(
    shop: OrderPublisher, database: asyncpg.Connection, topics: Topics
) -> None:
    await shop.set(ACTIVE)
    await applied(database, shop)
    await shop.send(shop.order("9007199254740993"), shop.order("9007199254740993"))
    row = (await orders(database, 1))["9007199254740993"]

    assert row["connection_id"] == shop.connection_id
    assert (row["epoch"], row["settings_version"]) == (1, 1)
    assert row["endpoint_id"] == shop.endpoint_id

    (record,) = await topics.all(ORDERS_EVENTS.name, at_least=1)
    attributes = OrderEventAttributes.parse({k: v.decode() for k, v in record.headers})
    assert record.key.decode() == str(row["id"])
    assert attributes.type == "order.created"
    assert (attributes.order_id, attributes.sequence) == (row["id"], 1)
    assert attributes.connection_id == shop.connection_id
    assert attributes.endpoint_id == shop.endpoint_id
    event = OrderEvent.model_validate_json(record.value)
    assert event.data.external_id == "9007199254740993"
    assert event.data.sequence == 1
    assert event.data.order == shop.order("9007199254740993").order


@pytest.mark.usefixtures("app")
async def test_without_a_connection_the_order_is_the_brands(
    shop: OrderPublisher, database: asyncpg.Connection, topics: Topics
) -> None:
    await shop.set(INACTIVE)
    await applied(database, shop)
    await shop.send(shop.order("1"))
    row = (await orders(database, 1))["1"]
    assert row["connection_id"] is None
    (record,) = await topics.all(ORDERS_EVENTS.name, at_least=1)
    assert "ce_connectionid" not in dict(record.headers)


@pytest.mark.usefixtures("app")
async def test_deactivating_returns_the_orders_tab_and_leaves_the_rest(
    shop: OrderPublisher, database: asyncpg.Connection, topics: Topics
) -> None:
    await shop.set(ACTIVE)
    await applied(database, shop)
    await shop.send(*(shop.order(str(n)) for n in range(30)))
    await orders(database, 30)
    await database.execute("UPDATE orders SET status = 'processing' WHERE external_id < '2'")
    worked = await database.fetchval("SELECT count(*) FROM orders WHERE status = 'processing'")

    await shop.set(INACTIVE)
    (done,) = await swept(database)
    after = await orders(database, 30)

    assert (done["returned"], done["stayed"]) == (30 - worked, worked)
    for row in after.values():
        stays = row["status"] == "processing"
        assert row["connection_id"] == (shop.connection_id if stays else None)
    records = await topics.all(ORDERS_EVENTS.name, at_least=90 - 2 * worked)
    types = [orjson.loads(record.value)["type"] for record in records]
    assert types.count("order.created") == 30
    assert types.count("order.unassigned") == types.count("order.returned") == 30 - worked

    # Both parties hear of it, once it is done.
    told = await notices(topics, at_least=2)
    assert {one.account_id for one in told} == {shop.brand_id, shop.three_pl_id}
    assert {one.data for one in told} == {
        OrdersHandedBack(
            connection_id=shop.connection_id,
            store_id=shop.store_id,
            epoch=1,
            returned=30 - worked,
            stayed=worked,
        )
    }

    # Reactivation takes nothing back, and only new orders go to the 3PL.
    await shop.set(ACTIVE)
    await applied(database, shop)
    await shop.send(shop.order("0", 5, total="11.00"), shop.order("new"))
    again = await orders(database, 31)
    assert again["new"]["connection_id"] == shop.connection_id
    assert again["new"]["epoch"] == 2
    assert again["5"]["connection_id"] is None


@pytest.mark.usefixtures("app")
async def test_a_return_tells_the_three_pl_no_more_than_to_stop_and_the_brand_all_of_it(
    shop: OrderPublisher, database: asyncpg.Connection, topics: Topics
) -> None:
    await shop.set(ACTIVE)
    await applied(database, shop)
    await shop.send(shop.order("1", email="buyer@example.com"))
    await orders(database, 1)
    await shop.set(INACTIVE)
    await swept(database)

    records = await topics.all(ORDERS_EVENTS.name, at_least=3)
    created, unassigned, returned = (orjson.loads(record.value) for record in records)
    assert [created["type"], unassigned["type"], returned["type"]] == [
        "order.created", "order.unassigned", "order.returned",
    ]  # fmt: skip
    assert [event["data"]["sequence"] for event in (created, unassigned, returned)] == [1, 2, 3]
    assert created["data"]["epoch"] == unassigned["data"]["epoch"] == 1
    stop = unassigned["data"]
    assert (stop["order"], stop["holds"]) == (None, [])
    assert "buyer@example.com" not in records[1].value.decode()
    assert (stop["external_id"], stop["number"]) == ("1", "#1")
    assert stop["connection_id"] == str(shop.connection_id)
    assert stop["reason"] == returned["data"]["reason"] == "the connection is inactive"
    assert returned["data"]["order"]["email"] == "buyer@example.com"
    assert (returned["data"]["connection_id"], returned["data"]["epoch"]) == (None, None)
    told = [OrderEventAttributes.parse({k: v.decode() for k, v in r.headers}) for r in records]
    assert [one.endpoint_id for one in told] == [shop.endpoint_id, shop.endpoint_id, None]
    assert [one.three_pl_id for one in told] == [shop.three_pl_id, shop.three_pl_id, None]


@pytest.mark.usefixtures("app")
async def test_settings_that_reach_routing_late_leave_an_order_what_routing_knew_and_it_says_so(
    shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    await shop.set(ACTIVE)
    await applied(database, shop)
    counted_from = datetime.now(UTC)
    await shop.send(shop.order("1"))
    order = (await orders(database, 1))["1"]
    shop.settings_version = 2
    change = shop.change(ACTIVE)
    history = [
        EffectiveSettings(**change.settings.model_dump(), effective_at=counted_from),
    ]
    late = change.model_copy(update={"settings_history": tuple(history)})
    for _ in range(2):
        await shop.publish(late)
        late = late.model_copy(update={"version": late.version + 1})
    await eventually(
        lambda: database.fetchval("SELECT version FROM connections"),
        lambda version: version == late.version - 1,
    )
    assert (await orders(database, 1))["1"]["settings_version"] == 1
    lines = await database.fetch(
        "SELECT order_id, why FROM order_history WHERE kind = 'settings_late'"
    )
    assert [row["order_id"] for row in lines] == [order["id"]]
    why = orjson.loads(lines[0]["why"])
    assert (why["bound"], why["counted"]) == (1, 2)


@pytest.mark.usefixtures("app")
async def test_an_epoch_that_was_never_seen_ended_all_the_same(
    shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    await shop.set(ACTIVE)
    await applied(database, shop)
    await shop.send(shop.order("1"))
    await orders(database, 1)
    shop.change(INACTIVE)
    await shop.set(ACTIVE)
    await swept(database)
    assert (await orders(database, 1))["1"]["connection_id"] is None


@pytest.mark.usefixtures("app")
async def test_an_older_state_of_a_connection_is_dropped(
    shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    old = shop.change(ACTIVE)
    await shop.set(INACTIVE)
    await applied(database, shop)
    await shop.publish(old)
    other = OrderPublisher(shop.topics)
    other.connection_id = shop.connection_id  # same key: arrives after `old`
    await shop.set(INACTIVE)
    await applied(database, shop)
    state = await database.fetchval("SELECT state FROM connections")
    assert state == "inactive"


@pytest.mark.usefixtures("app")
async def test_updates_of_one_batch_are_told_in_sequence_and_stale_ones_not_at_all(
    shop: OrderPublisher, database: asyncpg.Connection, topics: Topics
) -> None:
    await shop.set(ACTIVE)
    await applied(database, shop)
    await shop.send(
        shop.order("1", 0),
        shop.order("1", 2, total="12.00"),
        shop.order("1", 1, total="11.00"),
        shop.order("1", 3, total="12.00"),
        shop.order("1", 4, total="14.00"),
    )
    records = await topics.all(ORDERS_EVENTS.name, at_least=3)
    events = [OrderEvent.model_validate_json(record.value) for record in records]
    assert [event.data.sequence for event in events] == [1, 2, 3]
    assert [event.type for event in events] == [
        "order.created", "order.updated", "order.updated",
    ]  # fmt: skip
    totals = [event.data.order.total for event in events if event.data.order]
    assert totals == ["10.00", "12.00", "14.00"]
    lines = await database.fetch(
        "SELECT kind, sequence FROM order_history ORDER BY sequence, kind = 'stale'"
    )
    assert [tuple(row) for row in lines] == [
        ("entered", 1), ("updated", 2), ("stale", 2), ("updated", 3),
    ]  # fmt: skip


@pytest.mark.usefixtures("app")
async def test_stale_messages_between_two_events_are_one_line_with_their_number(
    shop: OrderPublisher, database: asyncpg.Connection
) -> None:
    await shop.send(shop.order("1", 60))
    await orders(database, 1)
    await shop.send(*(shop.order("1", n, total=f"{n}.00") for n in range(50)))
    await shop.send(shop.order("1", 61, total="99.00"))
    await eventually(
        lambda: database.fetchval("SELECT count(*) FROM orders WHERE total = '99.00'"), bool
    )
    stale = await database.fetch("SELECT times, sequence FROM order_history WHERE kind = 'stale'")
    assert [tuple(row) for row in stale] == [(50, 1)]


POISON: list[tuple[bytes, list[tuple[str, bytes]] | None]] = [
    (b"not json", None),
    (b'{"some": "thing"}', None),
    (b"{}", [("ce_id", b"\xff\xfe")]),
    (b"\xff", None),
]


@pytest.mark.usefixtures("app")
async def test_poison_goes_to_the_dead_letters_alone(
    shop: OrderPublisher, database: asyncpg.Connection, topics: Topics
) -> None:
    """What a compacted topic has of it stays there, and holds nothing up."""
    topic = ORDERS_RECEIVED
    await shop.set(ACTIVE)
    await applied(database, shop)
    for value, headers in POISON:
        await shop.send(shop.order(f"before {value!r}"))
        for one in (topic, CONNECTIONS_CHANGED):
            await topics.publish(one.name, "k", value, headers)
        await shop.send(shop.order(f"after {value!r}"))
    await orders(database, 2 * len(POISON))
    await shop.set(INACTIVE)
    await applied(database, shop)

    dead = await topics.all(topic.dead_letters, at_least=len(POISON))
    assert sorted(record.value for record in dead) == sorted(value for value, _ in POISON)
    for record in dead:
        kept = dict(record.headers)
        assert kept["dead_letter_topic"] == topic.name.encode()
        assert kept["dead_letter_reason"]
        assert int(kept["dead_letter_offset"]) >= 0
    assert [dict(r.headers)["ce_id"] for r in dead if r.value == b"{}"] == [b"\xff\xfe"]
    assert await topics.all(CONNECTIONS_CHANGED.dead_letters) == []


async def test_two_processes_share_the_work_and_enter_each_order_once(
    make_app: Callable[[], FastAPI],
    shop: OrderPublisher,
    database: asyncpg.Connection,
    topics: Topics,
) -> None:
    first, second = make_app(), make_app()
    async with (
        first.router.lifespan_context(first),
        second.router.lifespan_context(second),
    ):
        await shop.set(ACTIVE)
        await applied(database, shop)
        await asyncio.gather(*(shop.send(shop.order(str(n))) for n in range(300)))
        await asyncio.gather(*(shop.send(shop.order(str(n))) for n in range(300)))
        await orders(database, 300)
        await shop.send(*(shop.order(str(n), 5, total="12.00") for n in range(300)))
        records = await topics.all(ORDERS_EVENTS.name, at_least=600)
    sequences: dict[bytes, list[int]] = {}
    for record in records:
        sequences.setdefault(record.key, []).append(int(dict(record.headers)["ce_sequence"]))
    assert len(sequences) == 300
    assert all(found == [1, 2] for found in sequences.values())


@pytest.mark.parametrize("id_of_before", [None, OF_BEFORE])
@pytest.mark.usefixtures("app")
async def test_an_order_that_another_process_enters_at_the_same_moment_is_decided_again(
    shop: OrderPublisher,
    database: asyncpg.Connection,
    topics: Topics,
    postgres_dsn: str,
    id_of_before: UUID | None,
) -> None:
    async def waiting() -> Any:
        return await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")

    await shop.send(shop.order("a"))
    entered = (await orders(database, 1))["a"]
    # What the other process is about to commit is the same row.
    their_id = id_of_before or entered["id"]
    async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1) as pool:
        async with pool.acquire() as other, other.transaction():
            await database.execute("DELETE FROM orders")
            row = tuple({**entered, "id": their_id}.values())
            await other.execute("INSERT INTO routing.orders SELECT ($1::routing.orders).*", row)
            await shop.send(shop.order("a", 5, total="12.00"))
            await eventually(waiting, lambda count: count == 1)
        records = await topics.all(ORDERS_EVENTS.name, at_least=2)
    kept = (await orders(database, 1))["a"]
    assert (kept["id"], kept["sequence"]) == (their_id, 2)
    assert [int(dict(record.headers)["ce_sequence"]) for record in records] == [1, 2]
    history = await database.fetch("SELECT order_id, sequence FROM order_history ORDER BY id")
    assert [(line["order_id"], line["sequence"]) for line in history] == [
        (entered["id"], 1),
        (kept["id"], 2),
    ]
