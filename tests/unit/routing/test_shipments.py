"""What shipments do to their order."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from services.routing.commands import Asked, command
from services.routing.lifecycle import Command
from services.routing.orders import Order
from services.routing.shipments.effect import as_stored, told
from services.routing.shipments.handlers import decide
from shared.contracts.order import OrderStatus
from shared.contracts.shipments_events import (
    Shipment,
    ShipmentLine,
    ShipmentsChanged,
    ShipmentStatus,
)
from tests.kit.builders import NOON, ORDER, THREE_PL, a_connection, a_hold, an_order, the_brands

LINES = [
    {"id": "1", "title": "Mug", "quantity": 2, "price": "1.00"},
    {"title": "Tea", "quantity": 3, "to_fulfil_quantity": 1, "price": "1.00"},
    {"title": "Gift card", "quantity": 1, "price": "1.00", "requires_shipping": False},
]
PAYLOAD = orjson.dumps(
    {
        "external_id": "1001", "created_at": NOON, "updated_at": NOON, "currency": "EUR",
        "total": "5.00", "lines": LINES,
    }
).decode()  # fmt: skip


def a_shipment(
    status: ShipmentStatus = "shipped", mugs: int = 2, teas: int = 1, number: int = 1
) -> Shipment:
    lines = (ShipmentLine(id="1", index=0, quantity=mugs), ShipmentLine(index=1, quantity=teas))
    return Shipment(id=UUID(int=number), status=status, lines=lines, created_at=NOON)


def a_change(*shipments: Shipment, version: int = 1) -> ShipmentsChanged:
    return ShipmentsChanged(order_id=ORDER, version=version, shipments=shipments, changed_at=NOON)


def worked(**changes: Any) -> Order:
    return an_order(**{"status": OrderStatus.PROCESSING, "payload": PAYLOAD, **changes})


def statuses(order: Order, *shipments: Shipment) -> list[str]:
    decision = told(order, a_change(*shipments))
    return [event.order.status.value for event in decision.events] if decision else []


def test_a_shipment_is_told_of_and_the_order_stays_where_it_is() -> None:
    decision = told(worked(), a_change(a_shipment("ready")))
    assert decision is not None
    (event,) = decision.events
    assert (event.type, event.changed_fields) == ("order.updated", ("shipments",))
    assert event.order == worked(
        sequence=2, shipments=as_stored([a_shipment("ready")]), shipments_version=1
    )


@pytest.mark.parametrize(
    "shipments",
    [
        [a_shipment(mugs=1)],
        [a_shipment(teas=0)],
        [a_shipment(mugs=1), a_shipment("ready", mugs=1, number=2)],
        [a_shipment("cancelled")],
        [],
    ],
)
def test_an_order_is_not_shipped_while_a_piece_is_left(shipments: list[Shipment]) -> None:
    assert set(statuses(worked(), *shipments)) <= {"processing"}


def test_an_order_is_shipped_when_all_to_fulfil_has_left_in_one_or_several() -> None:
    assert statuses(worked(), a_shipment()) == ["shipped"]
    parts = [a_shipment(mugs=1, teas=0), a_shipment("delivered", mugs=1, number=2)]
    assert statuses(worked(), *parts) == ["shipped"]


def test_delivered_when_all_are_each_status_an_event_with_versions_and_sequences() -> None:
    decision = told(worked(version=4, sequence=7), a_change(a_shipment("delivered")))
    assert decision is not None
    assert [
        (one.order.status.value, one.order.version, one.order.sequence, one.changed_fields)
        for one in decision.events
    ] == [("shipped", 5, 8, ("shipments", "status")), ("delivered", 6, 9, ("status",))]
    assert decision.order == decision.events[-1].order
    shipped = worked(status=OrderStatus.SHIPPED)
    assert statuses(shipped, a_shipment("delivered")) == ["delivered"]
    assert statuses(shipped, a_shipment("returned")) == ["returned"]
    assert statuses(shipped, a_shipment("delivered"), a_shipment("returned")) == ["shipped"]


@pytest.mark.parametrize("status", ["open", "on_hold"])
def test_what_has_left_has_left_whoever_has_the_order_now(status: str) -> None:
    """It was moved back, or is the brand's again, while the parcel left: none ships it twice."""
    held = (a_hold(),) if status == "on_hold" else ()
    order = the_brands(status=OrderStatus(status), payload=PAYLOAD, holds=held)
    decision = told(order, a_change(a_shipment()))
    assert decision is not None
    assert (decision.order.status, decision.order.holds) == (OrderStatus.SHIPPED, ())
    assert decision.lifted == tuple(hold.id for hold in held)


@pytest.mark.parametrize("status", ["cancelled", "cancellation_requested", "delivered"])
def test_other_states_are_kept_and_told(status: str) -> None:
    assert statuses(worked(status=OrderStatus(status)), a_shipment()) == [status]


def test_a_cancellation_that_is_rejected_after_all_has_left_leads_to_shipped() -> None:
    decision = told(worked(status=OrderStatus.CANCELLATION_REQUESTED), a_change(a_shipment()))
    assert decision is not None
    order = decision.order
    asked = Asked(Command.REJECT_CANCELLATION, order.version, THREE_PL)
    assert command(order, a_connection(), asked).order.status is OrderStatus.SHIPPED
    asked = Asked(Command.REJECT_CANCELLATION, 1, THREE_PL)
    waiting = worked(status=OrderStatus.CANCELLATION_REQUESTED)
    assert command(waiting, a_connection(), asked).order.status is OrderStatus.PROCESSING


def test_older_and_equal_versions_and_erased_orders_change_nothing() -> None:
    known = worked(shipments_version=2)
    assert told(known, a_change(a_shipment(), version=2)) is None
    assert told(worked(erased_at=NOON, payload=None), a_change(a_shipment())) is None
    twice = [a_change(a_shipment("ready")), a_change(a_shipment("ready")), a_change(a_shipment())]
    assert [one.order.status for one in decide({ORDER: worked()}, twice)] == ["processing"]
    newer = [*twice[:2], a_change(a_shipment(), version=2)]
    made = decide({ORDER: worked()}, newer)
    assert [one.order.sequence for one in made] == [2, 3]
    assert decide({}, newer) == []
