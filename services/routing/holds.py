"""Holds: why an open order must not be worked yet, and who may lift that. Pure.

An order is `on_hold` while at least one hold stands.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from services.routing.orders import Hold, Order
from shared.contracts.connections_changed import Party
from shared.contracts.order import OrderStatus


def for_payment(at: datetime) -> Hold:
    """The hold of an order that is not paid yet."""
    return Hold(uuid7(), "payment", None, "brand", None, at)


def of_payment(order: Order) -> tuple[Hold, ...]:
    """Those that the payment lifts."""
    return tuple(hold for hold in order.holds if hold.kind == "payment")


def may_lift(hold: Hold, party: Party, owner: Party) -> bool:
    """Whether the party may: the one it names; the brand a payment's, and all of its own orders.

    What named the 3PL that had the order would stand for ever once it went back.
    """
    if party == hold.release_by:
        return True
    return party == "brand" and (hold.kind == "payment" or owner == "brand")


def placed(order: Order, hold: Hold) -> Order:
    """The order with one hold more; its status follows."""
    return replace(order, holds=(*order.holds, hold), status=OrderStatus.ON_HOLD)


def without(order: Order, lifted: Collection[UUID]) -> Order:
    """The order without those; open again when none is left."""
    left = tuple(hold for hold in order.holds if hold.id not in lifted)
    status = OrderStatus.ON_HOLD if left else OrderStatus.OPEN
    return replace(order, holds=left, status=status)
