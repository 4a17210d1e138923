"""The rule that the product exists for: the Orders tab goes back. Pure.

When a connection ends (it is switched off or disconnected, or a new epoch began), the orders that
are not yet being worked go back to the brand; all others stay with the 3PL to the end. After an
erasure of the 3PL all that are unfinished go back: nobody is there to work them.
"""

from dataclasses import replace
from uuid import UUID

from services.routing.lifecycle import FINAL, ORDERS_TAB
from services.routing.orders import Connection, Decision, Event, Order, Outcome, Why
from shared.contracts.connections_changed import ConnectionState


def has_ended(order: Order, connection: Connection) -> bool:
    """Whether the order's time with the connection is over: it ended, or a new epoch began."""
    return connection.state is not ConnectionState.ACTIVE or order.epoch != connection.epoch


def goes_back(order: Order, connection: Connection, *, three_pl_erased: bool = False) -> bool:
    """The rule: an order in the Orders tab goes back to the brand when the connection has ended.

    After an erasure of the 3PL every unfinished one does.
    """
    if three_pl_erased:
        return order.status not in FINAL
    return order.status in ORDERS_TAB and has_ended(order, connection)


def hand_back(order: Order, reason: str, handover_id: UUID | None = None) -> Decision:
    """The order is the brand's again; two events: the 3PL has to stop, the brand has it whole.

    Args:
        order: as it is.
        reason: why, for both parties.
        handover_id: the hand-over that it is part of.
    """
    taken = replace(order, version=order.version + 1, sequence=order.sequence + 1)
    returned = replace(
        taken,
        connection_id=None,
        epoch=None,
        settings_version=None,
        shipping_rules_owner=None,
        billing_owner=None,
        support_owner=None,
        endpoint_id=None,
        sequence=taken.sequence + 1,
    )
    why: Why = {
        "reason": reason,
        "connection_id": str(order.connection_id),
        "epoch": order.epoch,
        "settings_version": order.settings_version,
    }
    if handover_id is not None:
        why["handover_id"] = str(handover_id)
    told = (
        Event("order.unassigned", taken, reason=reason),
        Event("order.returned", returned, reason=reason),
    )
    return Decision(Outcome.RETURNED, returned, told, why)


def sweep_through(known: Connection | None, changed: Connection) -> int | None:
    """Up to which epoch a changed connection's orders have to be swept; None for no sweep.

    Needs no version in between: an epoch that was never seen ended all the same.
    """
    if changed.epoch == 0:
        return None
    if changed.state is not ConnectionState.ACTIVE:
        already_ended = (
            known is not None
            and known.epoch == changed.epoch
            and known.state is not ConnectionState.ACTIVE
        )
        return None if already_ended else changed.epoch
    if known is not None and 0 < known.epoch < changed.epoch:
        return changed.epoch - 1
    return None
