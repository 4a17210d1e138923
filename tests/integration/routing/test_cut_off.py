"""A process that dies at any statement of a batch, before or after it: nothing twice, no loop."""

import itertools
from collections.abc import Callable

import asyncpg
import pytest
from fastapi import FastAPI

from shared.contracts.connections_changed import ConnectionState
from shared.kafka.topics import ORDERS_EVENTS, ORDERS_RECEIVED
from tests.integration.routing.test_positions import handled, routing
from tests.kit.cutting import Cut
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeApp = Callable[[], FastAPI]


async def test_a_batch_cut_off_at_any_statement_is_handled_once(
    make_app: MakeApp,
    topics: Topics,
    database: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, cut, cuts = OrderPublisher(topics), Cut(ORDERS_RECEIVED), 0
    with cut.here(monkeypatch):
        async with routing(make_app):
            await shop.set(ConnectionState.ACTIVE)
            await eventually(lambda: database.fetch("SELECT FROM connections"))
            for at, is_after in ((n, after) for n in itertools.count(1) for after in (False, True)):
                cut.arm(at, is_after=is_after)
                name = f"{at} {is_after}"
                await shop.send(shop.order(name), shop.order(name, 1, total="12.00"))
                await handled(database, 2 * (cuts + 1))
                cuts += 1
                if not cut.happened:
                    break
            told = await topics.all(ORDERS_EVENTS.name, at_least=2 * cuts)
    # Begin, gates, positions, orders, what is written, commit: at the least.
    assert cuts > 12
    ids = [dict(record.headers)["ce_id"] for record in told]
    assert len(ids) == len(set(ids)) == 2 * cuts
    rows = await database.fetch("SELECT total, version, sequence FROM orders")
    assert [tuple(row) for row in rows] == [("12.00", 1, 2)] * cuts
    assert await database.fetchval("SELECT count(*) FROM order_history") == 2 * cuts
