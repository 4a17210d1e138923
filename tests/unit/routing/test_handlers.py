"""Routing's handlers without engines: FastStream's test broker, a store in memory."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
import pytest
from faststream.kafka import KafkaPublishMessage, TestKafkaBroker

from services.routing import assignment, handlers, store
from services.routing.orders import Move, SettingsVersion
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import LineItem, Order
from shared.contracts.orders_received import OrderReceived
from shared.kafka.topics import ORDERS_RECEIVED
from tests.kit.builders import BRAND, NOON, OTHER, STORE, a_connection
from tests.kit.kafka import FakeKafka
from tests.kit.routing_store_suite import (
    FakeDatabase,
    FakeRoutingStore,
    RoutingStoreSuite,
    change_of,
)
from tests.kit.waiting import wait_until


class TestFakeStore(RoutingStoreSuite):
    """The fake is held to what the real store does."""

    @pytest.fixture
    def store(self) -> FakeRoutingStore:
        return FakeRoutingStore()

    @pytest.fixture
    def database(self) -> FakeDatabase:
        return FakeDatabase()


class Routing:
    """A routing process with no engine under it."""

    def __init__(self) -> None:
        self.kafka = FakeKafka()
        self.store = FakeRoutingStore()
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    def sent(self) -> list[tuple[str, str]]:
        """Type and subject of the events."""
        return [(sent.headers["ce_type"], sent.key) for sent in self.store.told]


@pytest.fixture
async def routing(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Routing]:
    process = Routing()
    for name in (
        "lock_connections_of_stores", "connection_versions", "lock_connections",
        "apply_connections", "record_handovers", "lock_orders", "settings_of", "write",
        "moved_and_parked", "park",
    ):  # fmt: skip
        monkeypatch.setattr(store, name, getattr(process.store, name))
    handlers.subscribe(
        process.kafka.router,
        FakeDatabase(),  # type: ignore[arg-type]  # as much of one as handlers use
        process,  # type: ignore[arg-type]  # woken is all that a sweeper is here
        SimpleNamespace(),  # type: ignore[arg-type]  # nothing moves here
        SimpleNamespace(routing_batch_records=500, routing_fetch_max_wait_ms=0),  # type: ignore[arg-type]
        before_orders=(),
    )
    process.kafka.router.subscribe_whole()
    async with TestKafkaBroker(process.kafka.broker):
        yield process


async def publish(routing: Routing, topic: str, *bodies: Any) -> None:
    values = [
        body if isinstance(body, bytes | KafkaPublishMessage) else body.model_dump_json().encode()
        for body in bodies
    ]
    await routing.kafka.broker.publish_batch(*values, topic=topic)


def keyed(body: OrderReceived, value: bytes | None = None) -> KafkaPublishMessage:
    """As it stands on the log, or with another value."""
    return KafkaPublishMessage(value or body.model_dump_json().encode(), key=body.key.encode())


def received(external_id: str = "1001", total: str = "10.00", seconds: int = 0) -> OrderReceived:
    at = NOON.replace(second=seconds)
    line = LineItem(sku="SKU-1", title="Mug", quantity=1, price="10.00")
    order = Order(
        external_id=external_id, created_at=NOON, updated_at=at, currency="EUR", total=total,
        lines=(line,),
    )  # fmt: skip
    return OrderReceived(
        store_id=STORE, brand_id=BRAND, external_id=external_id, action="upsert", updated_at=at,
        received_at=at, order=order,
    )  # fmt: skip


async def test_a_new_order_of_an_active_connection_is_written_with_its_event(
    routing: Routing,
) -> None:
    await publish(routing, "connections.changed", change_of(a_connection()))
    await publish(routing, "orders.received", received())
    (order,) = routing.store.orders.values()
    assert (order.connection_id, order.epoch) == (a_connection().id, a_connection().epoch)
    assert routing.sent() == [("order.created", str(order.id))]
    assert routing.kafka.handled == 1, "the order; what is read whole has no offsets"


async def test_records_of_one_order_in_one_batch_are_decided_one_after_the_other(
    routing: Routing,
) -> None:
    await publish(
        routing,
        "orders.received",
        received(),
        received(total="9.00", seconds=2),
        received(seconds=1),
    )
    (order,) = routing.store.orders.values()
    assert (order.sequence, order.source_updated_at.second) == (2, 2)
    assert [kind for kind, _ in routing.sent()] == ["order.created", "order.updated"]


async def test_an_order_that_waited_is_bound_to_the_settings_of_its_acceptance(
    routing: Routing,
) -> None:
    changed_at = NOON + timedelta(seconds=30)
    newest = a_connection(settings_version=2, effective_at=changed_at)
    before = SettingsVersion(1, "three_pl", "brand", "brand", None, NOON - timedelta(days=1))
    await publish(routing, "connections.changed", change_of(newest, before))
    await publish(routing, "orders.received", received("early"), received("late", seconds=30))
    bound = {key[1]: order.settings_version for key, order in routing.store.orders.items()}
    assert bound == {"early": 1, "late": 2}
    early = orjson.loads(routing.store.told[0].value)["data"]
    assert (early["settings_version"], early["shipping_rules_owner"]) == (1, "three_pl")


async def test_what_nobody_can_read_goes_to_the_dead_letters_and_the_others_are_written(
    routing: Routing,
) -> None:
    nothing = received().model_copy(update={"order": None})
    await publish(routing, "orders.received", b"{", nothing, received("1002"))
    assert [order.external_id for order in routing.store.orders.values()] == ["1002"]
    (unreadable, keyless) = routing.kafka.dead_letters
    assert unreadable[1].startswith("/: Invalid JSON")
    assert keyless[1] == "ValueError: order: missing, and the action is not delete"


async def test_a_record_that_fails_is_parked_with_what_comes_later_about_its_order(
    routing: Routing,
) -> None:
    order = received("1001")
    broken = order.model_copy(update={"order": None})
    await publish(
        routing,
        "orders.received",
        keyed(order),
        keyed(broken),
        keyed(received("1001", "9.00", 5)),
        keyed(received("1002")),
    )
    await publish(routing, "orders.received", keyed(received("1001", "8.00", 9)))
    kept = {order.external_id: order.total for order in routing.store.orders.values()}
    assert kept == {"1001": "10.00", "1002": "10.00"}, "what came before it counts"
    behind = "an earlier record of this order is parked"
    assert [(one.key.external_id, one.reason) for one in routing.store.parked] == [
        ("1001", "order: missing, and the action is not delete"),
        ("1001", behind),
        ("1001", behind),
    ]
    assert routing.kafka.dead_letters == []


async def test_a_decision_that_raises_parks_the_order_and_no_other(
    routing: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = assignment.receive

    def receive(known: Any, incoming: Any, *others: Any) -> Any:
        if incoming.external_id == "1001":
            raise OverflowError("a bug")
        return decide(known, incoming, *others)

    monkeypatch.setattr(assignment, "receive", receive)
    await publish(routing, "orders.received", keyed(received("1001")), keyed(received("1002")))
    assert [one.reason for one in routing.store.parked] == ["OverflowError: a bug"]
    assert [order.external_id for order in routing.store.orders.values()] == ["1002"]


async def test_when_most_of_what_comes_fails_nothing_is_parked_and_reading_stops(
    routing: Routing,
) -> None:
    broken = [
        keyed(order, b'{"a": "newer release"}')
        for n in range(60)
        for store_id in (STORE, OTHER)
        for order in [received(f"{n}").model_copy(update={"store_id": store_id})]
    ]
    brake = routing.kafka.router.brake_of(ORDERS_RECEIVED)
    reading = asyncio.create_task(publish(routing, "orders.received", *broken))
    await wait_until(lambda: brake.is_on)
    reading.cancel()
    assert routing.store.parked == []
    assert routing.kafka.handled == 0


async def test_what_still_carries_the_claims_ids_counts_for_the_brands_store(
    routing: Routing,
) -> None:
    claim = UUID(int=99)
    routing.store.moves[claim] = Move(STORE, BRAND)
    await publish(routing, "connections.changed", change_of(a_connection()))
    late = received().model_copy(update={"store_id": claim, "brand_id": OTHER})
    newer = received(total="9.00", seconds=5)
    await publish(routing, "orders.received", keyed(late), keyed(newer))
    ((key, order),) = routing.store.orders.items()
    assert key == (STORE, "1001")
    assert (order.brand_id, order.connection_id) == (BRAND, a_connection().id)
    assert (order.total, order.sequence) == ("9.00", 2)


async def test_a_record_that_fails_is_parked_under_what_its_order_counts_for(
    routing: Routing,
) -> None:
    claim = UUID(int=99)
    routing.store.moves[claim] = Move(STORE, BRAND)
    broken = received().model_copy(update={"store_id": claim, "order": None})
    await publish(routing, "orders.received", keyed(broken), keyed(received(seconds=5)))
    assert [one.key for one in routing.store.parked] == [(STORE, "1001")] * 2


async def test_a_switch_off_records_the_hand_over_and_wakes_the_sweep(routing: Routing) -> None:
    active, ended = a_connection(), a_connection(state=ConnectionState.INACTIVE, version=4)
    await publish(routing, "connections.changed", change_of(active))
    assert (routing.store.handovers, routing.woken) == ({}, 0)
    await publish(routing, "connections.changed", change_of(ended))
    (pending,) = routing.store.handovers.values()
    assert (pending.connection_id, pending.epoch) == (active.id, active.epoch)
    assert routing.woken == 1
    await publish(routing, "connections.changed", change_of(active), change_of(ended))
    assert routing.store.connections[active.id] == ended
    assert routing.woken == 1, "nothing newer, nothing to do"
