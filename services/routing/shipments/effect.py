"""What shipments do to their order: told to its parties; what all left has been shipped. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydantic import TypeAdapter

from services.routing import lifecycle
from services.routing.orders import Decision, Event, Order, Outcome, Why
from shared.contracts import order as contract
from shared.contracts.order import OrderStatus
from shared.contracts.shipments_events import Shipment, ShipmentsChanged

_shipments = TypeAdapter(tuple[Shipment, ...])
_GONE = frozenset({"shipped", "delivered", "returned"})


def told(order: Order, change: ShipmentsChanged) -> Decision | None:
    """The order with what is told of its shipments; None where that is known, or it is erased.

    An event for each status that follows, the first of them with the shipments.
    """
    if change.version <= order.shipments_version or order.erased_at is not None:
        return None
    shipments = as_stored(change.shipments)
    known = replace(order, shipments=shipments, shipments_version=change.version)
    statuses = _statuses(known, change.shipments)
    if shipments == order.shipments and not statuses:
        return None
    changed = replace(known, sequence=order.sequence + 1)
    why: Why = {"shipments": len(change.shipments), "shipments_version": change.version}
    if not statuses:
        event = Event("order.updated", changed, ("shipments",))
        return Decision(Outcome.SHIPMENTS, changed, (event,), why)
    events = []
    for place, status in enumerate(statuses):
        changed = replace(
            changed,
            status=status,
            # What has left waits for nothing any more.
            holds=(),
            version=order.version + place + 1,
            sequence=order.sequence + place + 1,
        )
        fields = ("shipments", "status") if place == 0 else ("status",)
        events.append(Event("order.updated", changed, fields))
    why |= {"from": order.status, "to": changed.status}
    lifted = tuple(hold.id for hold in order.holds)
    return Decision(Outcome.SHIPMENTS, changed, tuple(events), why, lifted=lifted)


def answered(order: Order) -> OrderStatus:
    """Where an order comes to that goes on being worked: meanwhile all of it may have left."""
    statuses = _statuses(replace(order, status=OrderStatus.PROCESSING), read(order.shipments))
    return statuses[-1] if statuses else OrderStatus.PROCESSING


def as_stored(shipments: Sequence[Shipment]) -> str:
    """As a row keeps them, and events have them."""
    return _shipments.dump_json(tuple(shipments)).decode()


def read(stored: str) -> tuple[Shipment, ...]:
    """From a row."""
    return _shipments.validate_json(stored)


def _statuses(order: Order, shipments: Iterable[Shipment]) -> list[OrderStatus]:
    """The statuses that the order goes through by what is told of its shipments.

    Who has it does not matter: what has left has left, as when the store says so.
    """
    live = [one for one in shipments if one.status != "cancelled"]
    if not live or order.payload is None or not _all_left(order.payload, live):
        return []
    found = []
    status = lifecycle.fulfilled_by_store(order.status)
    if status is not order.status:
        found.append(status)
    finished = {one.status for one in live}
    if status is OrderStatus.SHIPPED and finished == {"delivered"}:
        found.append(OrderStatus.DELIVERED)
    elif status is OrderStatus.SHIPPED and finished == {"returned"}:
        found.append(OrderStatus.RETURNED)
    return found


def _all_left(payload: str, live: Iterable[Shipment]) -> bool:
    """Whether every piece that is to be packed is in a shipment that has left."""
    order = contract.Order.model_validate_json(payload)
    left: Counter[str] = Counter()
    for shipment in live:
        if shipment.status in _GONE:
            for line in shipment.lines:
                left[line.id or f"#{line.index}"] += line.quantity
    return any(left.values()) and all(
        left[line.id or f"#{index}"] >= line.to_pack for index, line in enumerate(order.lines)
    )
