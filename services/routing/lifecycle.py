"""The life of an order: which command leads where, and what the store's own word does. Pure.

`open ⇄ on_hold`, `open → processing → shipped → delivered | returned`, `processing → open`,
`open | on_hold → cancelled`, `processing → cancellation_requested → cancelled | processing`; the
store says fulfilled: `open | on_hold | processing → shipped`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, assert_never

from shared.contracts.order import OrderStatus

# The Orders tab: not yet being worked. These go back to the brand when a connection ends.
ORDERS_TAB = frozenset({OrderStatus.OPEN, OrderStatus.ON_HOLD})
# Nothing leads out of these.
FINAL = frozenset({OrderStatus.DELIVERED, OrderStatus.RETURNED, OrderStatus.CANCELLED})
Tab = Literal["orders", "processing", "shipped", "finished"]
# Where people look for an order: each status is in one.
TABS: Mapping[Tab, frozenset[OrderStatus]] = {
    "orders": ORDERS_TAB,
    "processing": frozenset({OrderStatus.PROCESSING, OrderStatus.CANCELLATION_REQUESTED}),
    "shipped": frozenset({OrderStatus.SHIPPED}),
    "finished": FINAL,
}
_FULFILLABLE = ORDERS_TAB | {OrderStatus.PROCESSING}
# What has left the warehouse: neither payment nor a cancellation changes it any more.
GONE = frozenset({OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.RETURNED})


class Command(StrEnum):
    """What a party of an order can ask for; the value is the path segment of the API."""

    PROCESS = "process"
    MOVE_BACK = "move-back"
    SHIP = "ship"
    DELIVER = "deliver"
    RETURN = "return"
    HOLD = "hold"
    RELEASE = "release"
    ACCEPT_CANCELLATION = "accept-cancellation"
    REJECT_CANCELLATION = "reject-cancellation"


# Where an order with holds comes to is decided in `services.routing.holds`: several may stand.
_TRANSITIONS: dict[tuple[OrderStatus, Command], OrderStatus] = {
    (OrderStatus.OPEN, Command.PROCESS): OrderStatus.PROCESSING,
    (OrderStatus.OPEN, Command.HOLD): OrderStatus.ON_HOLD,
    (OrderStatus.ON_HOLD, Command.HOLD): OrderStatus.ON_HOLD,
    (OrderStatus.ON_HOLD, Command.RELEASE): OrderStatus.OPEN,
    (OrderStatus.PROCESSING, Command.MOVE_BACK): OrderStatus.OPEN,
    (OrderStatus.PROCESSING, Command.SHIP): OrderStatus.SHIPPED,
    (OrderStatus.SHIPPED, Command.DELIVER): OrderStatus.DELIVERED,
    (OrderStatus.SHIPPED, Command.RETURN): OrderStatus.RETURNED,
    (OrderStatus.CANCELLATION_REQUESTED, Command.ACCEPT_CANCELLATION): OrderStatus.CANCELLED,
    (OrderStatus.CANCELLATION_REQUESTED, Command.REJECT_CANCELLATION): OrderStatus.PROCESSING,
}


def after(status: OrderStatus, command: Command) -> OrderStatus | None:
    """The status that `command` leads to; None when it is not allowed in `status`."""
    return _TRANSITIONS.get((status, command))


def allowed(status: OrderStatus) -> tuple[Command, ...]:
    """The commands that `status` allows."""
    return tuple(command for (at, command) in _TRANSITIONS if at is status)


def fulfilled_by_store(status: OrderStatus) -> OrderStatus:
    """What it does that the store has shipped the order itself."""
    return OrderStatus.SHIPPED if status in _FULFILLABLE else status


def cancelled_by_store(status: OrderStatus) -> tuple[OrderStatus, bool]:
    """What a cancellation at the store does: the new status, and whether it came too late.

    What is not yet worked is cancelled; what is being worked waits for the owner's answer; what
    has left the warehouse stays as it is.
    """
    match status:
        case OrderStatus.OPEN | OrderStatus.ON_HOLD | OrderStatus.CANCELLED:
            return OrderStatus.CANCELLED, False
        case OrderStatus.PROCESSING | OrderStatus.CANCELLATION_REQUESTED:
            return OrderStatus.CANCELLATION_REQUESTED, False
        case OrderStatus.SHIPPED | OrderStatus.DELIVERED | OrderStatus.RETURNED:
            return status, True
        case _:
            assert_never(status)
