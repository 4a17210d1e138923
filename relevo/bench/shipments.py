"""`relevo bench fulfilment`, shipments: how fast a process makes them from a full topic.

And what an order's path costs beside it: the same orders with the process and without it, in turn.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from relevo.bench.path import run_once
from relevo.bench.routing_database import routing_database
from relevo.bench.run import Load, Sending, Sink, connect, ingest_urls, private_stack
from services.fulfilment.orders import seen, store
from services.fulfilment.orders.handlers import read_event
from services.fulfilment.shipments import applying
from services.fulfilment.shipping_rules import store as rules_store
from services.routing import events
from services.routing.orders import Decision, Event, Order, Outcome
from shared.contracts.order import Address, LineItem, OrderStatus
from shared.contracts.order import Order as Said
from shared.kafka.batch import Record
from shared.postgres.database import Session
from shared.rules.shipping_rules import ShippingRules

Json = dict[str, Any]
_BATCH, _RULES = 500, 10
_THREE_PL, _BRAND, _CONNECTION = (UUID(int=n) for n in range(1, 4))
_NOW = datetime.now(UTC)
_ROUNDS, _ORDERS, _RATE = 3, 1_500, 100.0


def shipments(say: Callable[[str], None], batches: int) -> Json:
    """Batches of events of orders that are worked and shipped: read, written, charged, told."""
    return asyncio.run(_made(say, batches))


def beside_the_path(say: Callable[[str], None]) -> Json:
    """The latency of an order's path with fulfilment running and without it, in turn."""
    found: dict[bool, list[float]] = {True: [], False: []}
    with private_stack(say) as stack, tempfile.TemporaryDirectory() as scratch:
        sink = Sink()
        try:
            connected = connect(stack, [f"{sink.url}0"])
            first = 1
            for number in range(_ROUNDS + 1):
                for is_there in (True, False):
                    if stack.running("fulfilment") is not is_there:
                        turn = stack.start_service if is_there else stack.stop_service
                        turn("fulfilment")
                    say(f"{_ORDERS} orders, {'with' if is_there else 'without'} fulfilment")
                    load = Load(_ORDERS, 16, _RATE, first)
                    first += _ORDERS
                    sending = Sending(ingest_urls(stack), connected, load, Path(scratch))
                    figures = run_once(sending, sink, stack)
                    # The first round warms the processes up.
                    if number:
                        found[is_there].append(figures["latency_ms"]["p99"])
        finally:
            sink.end()
    with_it, without = median(found[True]), median(found[False])
    return {
        "orders": _ORDERS,
        "rate": _RATE,
        "p99_with_ms": found[True],
        "p99_without_ms": found[False],
        "ratio": round(with_it / without, 3),
    }


async def _made(say: Callable[[str], None], batches: int) -> Json:
    async with routing_database(1, schema="fulfilment") as pool, pool.acquire() as session:
        rules = ShippingRules.model_validate(
            {
                "rules": [
                    {
                        "name": f"Rule {number}",
                        "if": {"kind": "tag", "any_of": [f"tag-{number}"]},
                        "then": {"carrier": "seur"},
                    }
                    for number in range(_RULES)
                ],
                "fallback": {"carrier": "correos"},
            }
        )
        await rules_store.add(session, _THREE_PL, 1, rules, uuid7())
        list_id = uuid7()
        await session.execute(
            "INSERT INTO price_lists (id, account_id, name, currency) "
            "VALUES ($1, $2, 'Prices', 'EUR')", list_id, _THREE_PL,
        )  # fmt: skip
        await session.execute(
            "INSERT INTO price_list_versions (price_list_id, version, valid_from, prices) "
            "VALUES ($1, 1, '2020-01-01', '{\"per_order\": \"0.20\"}')", list_id,
        )  # fmt: skip
        say(f"{batches} batches of {_BATCH} events, an order's two in each")
        took = [await _batch(session) for _ in range(batches)]
        made = await session.fetchval("SELECT count(*) FROM shipments WHERE status = 'shipped'")
    return {
        "events_per_second": round(_BATCH / median(took)),
        "shipments_per_second": round(_BATCH / 2 / median(took)),
        "shipments": made,
        "balances": made == batches * _BATCH // 2,
    }


async def _batch(session: Session) -> float:
    """Seconds for a batch: orders that begin to be worked, and that have left."""
    records = [record for _ in range(_BATCH // 2) for record in _records(_an_order(uuid7()))]
    started = time.perf_counter()
    orders = [read_event(record) for record in records]
    async with session.transaction():
        changes = await applying.follow_events(session, orders)
        await store.keep(session, seen.newest(orders))
        await applying.write(session, changes)
    return time.perf_counter() - started


def _records(order: Order) -> list[Record]:
    found = []
    for sequence, status in enumerate((OrderStatus.PROCESSING, OrderStatus.SHIPPED), start=2):
        now = replace(order, sequence=sequence, status=status)
        decision = Decision(Outcome.COMMAND, now, (Event("order.updated", now, ("status",)),))
        (message,) = events.messages([(decision, None)])
        found.append(
            Record(message.topic, 0, 0, message.key, message.headers, message.value, raw=None)
        )
    return found


def _an_order(id_: UUID) -> Order:
    said = Said(
        external_id=str(id_),
        created_at=_NOW,
        updated_at=_NOW,
        currency="EUR",
        total="29.00",
        shipping_address=Address(name="Leo Sanz", city="Madrid", zip="28013", country_code="ES"),
        lines=(LineItem(sku="MUG", title="Mug", quantity=1, price="29.00", grams=400),),
        note="x" * 1_000,
    )
    return Order(
        id=id_, store_id=UUID(int=9), external_id=str(id_), brand_id=_BRAND,
        three_pl_id=_THREE_PL, connection_id=_CONNECTION, epoch=1, settings_version=1,
        endpoint_id=None, status=OrderStatus.OPEN, version=1, sequence=1, source_updated_at=_NOW,
        content_hash=b"one", payload=said.model_dump_json(), accepted_at=_NOW,
        shipping_rules_owner="three_pl", billing_owner="brand", support_owner="brand",
    )  # fmt: skip
