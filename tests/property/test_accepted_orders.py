"""Whatever ingest accepts, routing can carry: no order is stuck behind a value that was let in."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.ingest import order_in
from services.ingest.platforms.shopify import PLATFORM
from services.routing import assignment, events, order_rules
from services.routing.orders import Order
from services.routing.received import read_order
from shared.contracts.connections_changed import OrderRulesVersion
from shared.contracts.order import Order as WireOrder
from shared.contracts.orders_received import OrderReceived
from shared.kafka.batch import Record
from tests.kit.builders import a_connection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORE, BRAND = UUID(int=1), UUID(int=2)

# Every condition is asked: hardly any fits.
RULED = a_connection(
    store_id=STORE,
    order_rules=order_rules.as_stored(
        [
            OrderRulesVersion(
                version=1,
                effective_at=datetime(1970, 1, 1, tzinfo=UTC),
                default="do_not_send",
                rules=tuple(
                    {"name": kind["kind"], "if": kind, "then": "send"}
                    for kind in (
                        {"kind": "country", "any_of": ["AQ"]},
                        {"kind": "region", "country": "ES", "any_of": ["?"]},
                        {"kind": "postcode", "country": "ES", "first": "99", "last": "99"},
                        {"kind": "weight_grams", "at_least": 2**53 - 1, "at_most": 2**53 - 1},
                        {"kind": "item_count", "at_least": 2**53 - 1},
                        {"kind": "total", "currency": "XXX", "at_most": "0"},
                        {"kind": "sku", "any_of": ["?*"]},
                        {"kind": "tag", "any_of": ["?"]},
                        {"kind": "shipping_method", "any_of": ["?"]},
                        {"kind": "customer_type", "is": "business"},
                        {"kind": "entered", "time_zone": "UTC", "since": "00:00", "until": "00:01"},
                    )
                ),
            )
        ]
    ),
)

# Values as careless or hostile senders write them, as JSON: some are beyond what orjson writes.
# Good ones are likelier, so that orders get through with a single odd value.


def mostly(good: list[str], odd: list[str]) -> st.SearchStrategy[str]:
    return st.one_of(*[st.sampled_from(good)] * 3, st.sampled_from(odd))


INTEGERS = mostly(
    ["0", "1", "12"], ["-1", str(2**53 - 1), str(2**53), str(2**63), "9" * 309, "1e3"]
)
TIMES = mostly(
    ['"2026-03-01T10:00:00Z"', '"2026-03-01T10:00:01+05:30"', '"2026-03-01T11:00:00Z"'],
    [
        '"0001-01-01T00:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"1970-01-01T00:00:00Z"',
        '"2200-12-31T23:59:59Z"', '"2027-01-01T00:00:00Z"', '"9999-12-31T23:59:59-14:00"',
        "0", "253402300800",
    ],
)  # fmt: skip
AMOUNTS = mostly(
    ['"10.00"', '"0"'], ['"-0"', '"١٢"', '"1e5"', '"' + "9" * 16 + '"', "10.5", "null"]
)
TEXTS = st.one_of(
    st.text(max_size=30).map(lambda text: orjson.dumps(text).decode()),
    mostly(['"ok"'], ["null", '""', '"\\u0000"', '"' + "x" * 1_001 + '"', "true", "7"]),
)


def generic(
    times: list[str], weight: str, amount: str, note: str, quantity: str, grams: str
) -> bytes:
    created, updated = times
    line = f'{{"title":"Mug","quantity":{quantity},"price":{amount},"grams":{grams}}}'
    return (
        f'{{"external_id":"1001","created_at":{created},"updated_at":{updated},"currency":"EUR",'
        f'"total":{amount},"note":{note},"weight_grams":{weight},"lines":[{line}],'
        f'"attributes":{{"a":{note}}}}}'
    ).encode()


def shopify(
    times: list[str], weight: str, amount: str, note: str, quantity: str, grams: str
) -> bytes:
    created, updated = times
    line = f'{{"title":{note},"quantity":{quantity},"price":{amount},"grams":{grams}}}'
    return (
        f'{{"id":1001,"created_at":{created},"updated_at":{updated},"currency":"EUR",'
        f'"total_price":{amount},"note":{note},"total_weight":{weight},"line_items":[{line}],'
        f'"note_attributes":[{{"name":{note},"value":{note}}}]}}'
    ).encode()


def carried(known: Order | None, order: WireOrder) -> Order:
    """What routing makes of an accepted order; fails if it cannot."""
    received = OrderReceived(
        store_id=STORE, brand_id=BRAND, external_id="1001", action="upsert",
        updated_at=min(order.updated_at, NOW), received_at=NOW, order=order,
    )  # fmt: skip
    value = received.model_dump_json().encode()
    read = read_order(Record("orders.received", 0, 0, "k", {}, value, raw=None))
    assert read.incoming is not None, read.flaw
    # Whatever it is, rules can be asked about it, and what they say can be kept.
    assigned = assignment.assign([RULED], read.incoming)
    assert orjson.dumps(assignment.why_assigned(assigned))
    decision = assignment.receive(known, read.incoming, assigned, UUID(int=3))
    events.messages([(decision, None)])
    return decision.order


PARTS = (st.lists(TIMES, min_size=2, max_size=2), INTEGERS, AMOUNTS, TEXTS, INTEGERS, INTEGERS)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(*PARTS), min_size=2, max_size=3))
def test_what_the_generic_api_accepts_routing_carries(bodies: list[tuple[Any, ...]]) -> None:
    known: Order | None = None
    for parts in bodies:
        try:
            (order,) = order_in.parse(generic(*parts), "application/json")
        except ValidationError:
            continue
        known = carried(known, order)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(*PARTS), min_size=2, max_size=3))
def test_what_a_platforms_webhook_accepts_routing_carries(bodies: list[tuple[Any, ...]]) -> None:
    known: Order | None = None
    for parts in bodies:
        try:
            parsed = PLATFORM.parse(shopify(*parts), {"x-shopify-topic": "orders/updated"}, NOW)
        except ValidationError:
            continue
        assert parsed is not None
        assert parsed.order is not None
        known = carried(known, parsed.order)
