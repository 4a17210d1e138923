"""Routing's handlers without engines: FastStream's test broker, a store in memory."""

from collections.abc import AsyncIterator, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from faststream.kafka import TestKafkaBroker

from services.routing import handlers, store
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import LineItem, Order
from shared.contracts.orders_received import OrderReceived
from shared.kafka.message import Message
from shared.postgres import outbox
from tests.kit.builders import BRAND, NOON, STORE, a_connection
from tests.kit.kafka import FakeKafka
from tests.kit.routing_store_suite import (
    FakeDatabase,
    FakeRoutingStore,
    RoutingStoreSuite,
    change_of,
)


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
        self.messages: list[Message] = []
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    async def write_outbox(self, _: Any, messages: Iterable[Message]) -> None:
        self.messages += messages

    def sent(self) -> list[tuple[str, str]]:
        """Type and subject of the events."""
        return [(sent.headers["ce_type"], sent.key) for sent in self.messages]


@pytest.fixture
async def routing(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Routing]:
    process = Routing()
    for name in (
        "lock_connections_of_stores", "lock_connections", "apply_connections", "record_handovers",
        "lock_orders", "write",
    ):  # fmt: skip
        monkeypatch.setattr(store, name, getattr(process.store, name))
    monkeypatch.setattr(outbox, "write", process.write_outbox)
    handlers.subscribe(
        process.kafka.router,
        FakeDatabase(),  # type: ignore[arg-type]  # as much of one as handlers use
        process,  # type: ignore[arg-type]  # woken is all that a sweeper is here
        SimpleNamespace(routing_batch_records=500, routing_fetch_max_wait_ms=0),  # type: ignore[arg-type]
    )
    async with TestKafkaBroker(process.kafka.broker):
        yield process


async def publish(routing: Routing, topic: str, *bodies: Any) -> None:
    values = [
        body if isinstance(body, bytes) else body.model_dump_json().encode() for body in bodies
    ]
    await routing.kafka.broker.publish_batch(*values, topic=topic)


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
    assert routing.kafka.handled == 2


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


async def test_a_record_that_is_no_order_goes_to_the_dead_letters_and_the_others_are_written(
    routing: Routing,
) -> None:
    nothing = received().model_copy(update={"order": None})
    await publish(routing, "orders.received", b"{", nothing, received("1002"))
    assert [order.external_id for order in routing.store.orders.values()] == ["1002"]
    (unreadable, missing) = routing.kafka.dead_letters
    assert unreadable[1].startswith("/: Invalid JSON")
    assert missing == (
        "orders.received",
        "ValueError: order: missing, and the action is not delete",
    )


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
