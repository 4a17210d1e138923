"""`relevo bench fulfilment`: what rules cost, by themselves and where orders are decided on.

And what charging shipments costs, and statements of very many charges.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from uuid_utils.compat import uuid7

from relevo.bench import measure
from relevo.bench.routing_database import routing_database
from relevo.bench.shipments import beside_the_path, shipments
from relevo.bench.statement import statements
from services.routing import received, store
from services.routing.received import read_order
from shared.contracts.connections_changed import (
    ConnectionChanged,
    ConnectionSettings,
    ConnectionState,
    OrderRulesVersion,
)
from shared.contracts.order import Address, LineItem, Order
from shared.contracts.orders_received import OrderReceived
from shared.kafka.batch import Record
from shared.postgres.database import Session
from shared.rules.conditions import Condition
from shared.rules.facts import facts_of
from shared.rules.rules import first_that_fits

Json = dict[str, Any]
_LISTED, _ORDER_RULES, _BATCH = 200, 50, 500
_NOW = datetime.now(UTC)
_STORE = UUID(int=1)
_condition: TypeAdapter[Any] = TypeAdapter(Condition)


@dataclass(frozen=True)
class _Rule:
    condition: Any


def _narrow(number: int) -> Json:
    """A condition of three that hardly any order fits, by the last of them."""
    return {
        "kind": "all",
        "conditions": [
            {"kind": "country", "any_of": ["ES", "PT"]},
            {"kind": "weight_grams", "at_most": 1_000},
            {"kind": "tag", "any_of": [f"tag-{number}"]},
        ],
    }


def _order(external_id: str) -> Order:
    return Order(
        external_id=external_id,
        number=f"#{external_id}",
        created_at=_NOW,
        updated_at=_NOW,
        currency="EUR",
        total="29.00",
        shipping_address=Address(name="Leo Sanz", city="Madrid", zip="28013", country_code="ES"),
        lines=(LineItem(sku="MUG", title="Mug", quantity=1, price="29.00", grams=400),),
        tags=("summer",),
        note="x" * 1_000,
    )


def fulfilment(say: Callable[[str], None], rounds: int, charges: int, *, path: bool) -> Json:
    """Rules by themselves, then batches of orders with and without, in turn; then statements."""
    say(f"lists of {_LISTED} rules")
    pure = {
        "one condition each": _decided({"kind": "country", "any_of": ["FR"]}),
        "three conditions each": _decided(None),
    }
    batches = asyncio.run(_batches(say, rounds))
    return {
        "rules": _LISTED,
        "lists_ms": pure,
        **batches,
        "shipments": (made := shipments(say, rounds)),
        "statements": statements(say, charges) if charges else None,
        "path": beside_the_path(say) if path else None,
        "balances": made["balances"],
        "machine": measure.machine(),
    }


def _decided(condition: Json | None) -> float:
    """Milliseconds to go through a list of which no rule fits; the middle of many."""
    rules = [
        _Rule(_condition.validate_python(condition or _narrow(number))) for number in range(_LISTED)
    ]
    facts = facts_of(_order("1"), _STORE, _NOW)
    took = []
    for _ in range(300):
        started = time.perf_counter()
        first_that_fits(rules, facts)
        took.append((time.perf_counter() - started) * 1_000)
    return round(median(took), 3)


async def _batches(say: Callable[[str], None], rounds: int) -> Json:
    say("PostgreSQL starts")
    async with routing_database(1) as pool, pool.acquire() as session:
        stores = {rules: uuid7() for rules in (0, _ORDER_RULES)}
        for rules, store_id in stores.items():
            await _connect(session, store_id, rules)
        took: dict[int, list[float]] = {rules: [] for rules in stores}
        say(f"{rounds} batches of {_BATCH} orders of each, in turn")
        for number in range(rounds + 1):
            for rules, store_id in stores.items():
                seconds = await _batch(session, store_id, number)
                # The first of each makes plans and fills caches.
                if number:
                    took[rules].append(seconds)
    rates = {rules: round(_BATCH / median(seconds)) for rules, seconds in took.items()}
    return {
        "orders_per_second": rates[0],
        "with_rules_per_second": rates[_ORDER_RULES],
        "order_rules": _ORDER_RULES,
        "ratio": round(median(took[_ORDER_RULES]) / median(took[0]), 3),
    }


async def _connect(session: Session, store_id: UUID, rules: int) -> None:
    since = _NOW - timedelta(hours=1)
    listed: Sequence[Json] = [
        {"name": f"Rule {number}", "if": _narrow(number), "then": "do_not_send"}
        for number in range(rules)
    ]
    change = ConnectionChanged(
        connection_id=uuid7(),
        store_id=store_id,
        brand_id=uuid7(),
        three_pl_id=uuid7(),
        state=ConnectionState.ACTIVE,
        version=1,
        epoch=1,
        priority=100,
        settings=ConnectionSettings(version=1),
        changed_at=since,
        order_rules=(OrderRulesVersion(version=1, effective_at=since, rules=tuple(listed)),)
        if rules
        else (),
    )
    async with session.transaction():
        await store.apply_connections(session, [change])


async def _batch(session: Session, store_id: UUID, number: int) -> float:
    """Seconds to read, decide on and write a batch of new orders."""
    brand_id = uuid7()
    records = []
    for place in range(_BATCH):
        external_id = f"{number}-{place}"
        said = OrderReceived(
            store_id=store_id,
            brand_id=brand_id,
            external_id=external_id,
            action="upsert",
            updated_at=_NOW,
            received_at=_NOW,
            order=_order(external_id),
        )
        value = said.model_dump_json().encode()
        records.append(Record("orders.received", 0, place, said.key, {}, value, raw=None))
    started = time.perf_counter()
    async with session.transaction():
        await received.handle(session, [read_order(record) for record in records])
    return time.perf_counter() - started
