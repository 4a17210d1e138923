"""What is decided again has the ids that it had, and what was there before keeps its own."""

from collections.abc import Callable

import asyncpg
import pytest
from fastapi import FastAPI
from uuid_utils.compat import uuid7

from shared.contracts.connections_changed import ConnectionState
from shared.ids import event_id, order_id
from shared.kafka.topics import ORDERS_EVENTS
from tests.integration.routing.test_positions import handled, remake, routing
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeApp = Callable[[], FastAPI]


async def events(topics: Topics, at_least: int) -> list[tuple[str, str, int]]:
    """Of each record its id, its order and its sequence."""
    found = []
    for record in await topics.all(ORDERS_EVENTS.name, at_least):
        headers = {name: value.decode() for name, value in record.headers}
        found.append((headers["ce_id"], headers["ce_subject"], int(headers["ce_sequence"])))
    return found


async def test_orders_decided_on_again_make_the_same_orders_and_events(
    make_app: MakeApp,
    topics: Topics,
    database: asyncpg.Connection,
    kafka: str,
    topic_prefix: str,
) -> None:
    shop, other = OrderPublisher(topics), OrderPublisher(topics)
    ids = "SELECT json_agg(json_build_array(id, external_id) ORDER BY id)::text FROM orders"
    async with routing(make_app):
        await shop.set(ConnectionState.ACTIVE)
        await eventually(lambda: database.fetch("SELECT FROM connections"))
        await shop.send(*(shop.order(str(n)) for n in range(3)))
        await shop.send(shop.order("0", seconds=5, total="12.00"))
        await other.send(*(other.order(str(n)) for n in range(3)))
        await handled(database, 7)
        assert await database.fetchval("SELECT count(DISTINCT id) FROM orders") == 6
        first = await events(topics, 7)
        before = await database.fetchval(ids)
    assert {id_ for id_, _, _ in first} == {
        str(event_id(order_id(one.store_id, str(n)), sequence))
        for one, n, sequence in (
            *((one, n, 1) for one in (shop, other) for n in range(3)),
            (shop, 0, 2),
        )
    }
    await database.execute("TRUNCATE orders, order_history, positions, outbox CASCADE")
    # With its own events on the log, routing would take them over instead.
    await remake(kafka, f"{topic_prefix}{ORDERS_EVENTS.name}")
    async with routing(make_app):
        await handled(database, 7)
        again = await events(topics, 7)
        assert await database.fetchval(ids) == before
    assert sorted(again) == sorted(first)


async def test_an_order_of_before_keeps_its_id_and_no_two_of_its_events_share_one(
    make_app: MakeApp, topics: Topics, database: asyncpg.Connection
) -> None:
    shop, before = OrderPublisher(topics), uuid7()
    async with routing(make_app):
        await shop.set(ConnectionState.ACTIVE)
        await eventually(lambda: database.fetch("SELECT FROM connections"))
        await shop.send(shop.order("1"))
        await handled(database, 1)
        await database.execute("UPDATE orders SET id = $1", before)
        await database.execute("UPDATE order_history SET order_id = $1", before)
        await shop.send(shop.order("1", seconds=5, total="12.00"))
        await handled(database, 2)
        # Two events: the 3PL has to stop, and the brand has it whole.
        await shop.set(ConnectionState.INACTIVE)
        found = await events(topics, 4)
    assert await database.fetchval("SELECT id FROM orders") == before
    of_it = sorted((sequence, id_) for id_, order, sequence in found if order == str(before))
    assert of_it == [(sequence, str(event_id(before, sequence))) for sequence in (2, 3, 4)]
