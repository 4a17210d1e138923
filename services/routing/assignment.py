"""Whose order is it, and what does a store's message change? Pure.

The store always sends the full current state, at least once and in any order; `receive` makes of
it what `domain.md` says, case by case.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from services.routing import handover, lifecycle
from services.routing.lifecycle import Command
from services.routing.orders import (
    Connection,
    Decision,
    Incoming,
    Order,
    Outcome,
    Why,
    owner_event,
)
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import OrderEventType
from shared.contracts.orders_received import CLOCK_TOLERANCE
from shared.failures import Refused


def assign(connections: Iterable[Connection]) -> Connection | None:
    """The connection that new orders of a store go to; None means the brand keeps them.

    Of several active ones the lowest `priority` wins; equal ones are refused on activation, and
    the id decides should two be seen in the moment between.
    """
    active = [found for found in connections if found.state is ConnectionState.ACTIVE]
    return min(active, key=lambda found: (found.priority, found.id), default=None)


def receive(
    known: Order | None, incoming: Incoming, connection: Connection | None, new_id: UUID
) -> Decision:
    """Decide about one message of a store.

    Args:
        known: the order as it is, None when it was never seen.
        incoming: what the store sent.
        connection: who new orders of the store go to now.
        new_id: the id the order gets if it is new.
    """
    if known is None:
        return _enter(incoming, connection, new_id)
    if known.tombstone:
        return Decision(Outcome.TOMBSTONED, known)
    if incoming.deleted:
        return _delete(known, incoming)
    if _is_stale(known, incoming):
        return Decision(Outcome.STALE, known, why={"updated_at": incoming.updated_at.isoformat()})
    if incoming.content_hash == known.content_hash:
        if incoming.updated_at == known.source_updated_at:
            return Decision(Outcome.DUPLICATE, known)
        return Decision(Outcome.UNCHANGED, replace(known, source_updated_at=incoming.updated_at))
    return _update(known, incoming)


def _is_stale(known: Order, incoming: Incoming) -> bool:
    """Whether something newer is known; a time that is still to come is no such thing."""
    if known.source_updated_at > incoming.received_at + CLOCK_TOLERANCE:
        return False
    return incoming.updated_at < known.source_updated_at


def _enter(incoming: Incoming, connection: Connection | None, new_id: UUID) -> Decision:
    """An order enters, whatever kind of message brought it; its snapshot is taken here.

    What is cancelled before it enters is nobody's work and stays with the brand.
    """
    over = incoming.cancelled or incoming.deleted
    owner = None if over else connection
    order = Order(
        id=new_id,
        store_id=incoming.store_id,
        external_id=incoming.external_id,
        brand_id=incoming.brand_id,
        three_pl_id=owner.three_pl_id if owner else None,
        connection_id=owner.id if owner else None,
        epoch=owner.epoch if owner else None,
        settings_version=owner.settings_version if owner else None,
        endpoint_id=owner.endpoint_id if owner else None,
        status=OrderStatus.CANCELLED if over else OrderStatus.OPEN,
        version=1,
        sequence=1,
        source_updated_at=incoming.updated_at,
        content_hash=incoming.content_hash,
        payload=incoming.payload,
        tombstone=incoming.deleted,
    )
    why: Why = {"reason": "the brand has no active connection for this store"}
    if over:
        why = {"reason": "it was cancelled before it entered"}
    elif owner:
        why = {
            "reason": "the active connection with the lowest priority",
            "connection_id": str(owner.id),
            "epoch": owner.epoch,
            "settings_version": owner.settings_version,
        }
    return Decision(
        Outcome.ENTERED, order, owner_event(order, "order.created"), {**why, **_clock(incoming)}
    )


def _clock(incoming: Incoming) -> Why:
    """What the history says of a store whose clock is ahead."""
    if incoming.store_clock is None:
        return {}
    return {
        "store_clock": incoming.store_clock.isoformat(),
        "store_clock_note": "ahead of the receipt, which counts instead",
    }


def _update(known: Order, incoming: Incoming) -> Decision:
    fields = changed_fields(known.payload, incoming.payload)
    updated = replace(
        known,
        source_updated_at=incoming.updated_at,
        content_hash=incoming.content_hash,
        payload=incoming.payload,
        sequence=known.sequence + 1,
    )
    if incoming.cancelled and "cancelled_at" in fields:
        return _cancel(updated, fields)
    why: Why = {"changed_fields": ", ".join(fields), "status": known.status, **_clock(incoming)}
    return Decision(Outcome.UPDATED, updated, owner_event(updated, "order.updated", fields), why)


def _cancel(order: Order, fields: tuple[str, ...]) -> Decision:
    """The store cancelled; `order` already carries the new payload and sequence."""
    status, too_late = lifecycle.cancelled_by_store(order.status)
    cancelled = replace(
        order,
        status=status,
        version=order.version + (status is not order.status),
        cancel_too_late=order.cancel_too_late or too_late,
    )
    now_cancelled = status is OrderStatus.CANCELLED
    event = owner_event(cancelled, "order.cancelled" if now_cancelled else "order.updated", fields)
    why: Why = {"reason": "the store cancelled it", "from": order.status, "to": status}
    return Decision(Outcome.CANCELLED, cancelled, event, why)


def _delete(known: Order, incoming: Incoming) -> Decision:
    """Deleted at the store: a cancellation, then a tombstone that ignores later updates."""
    gone = replace(
        known,
        source_updated_at=max(known.source_updated_at, incoming.updated_at),
        sequence=known.sequence + 1,
        tombstone=True,
    )
    return _cancel(gone, ("deleted",))


def changed_fields(before: str | None, after: str | None) -> tuple[str, ...]:
    """The names of the top-level fields that differ; `updated_at` alone is no change."""
    old: dict[str, Any] = orjson.loads(before) if before else {}
    new: dict[str, Any] = orjson.loads(after) if after else {}
    names = sorted(old.keys() | new.keys())
    return tuple(name for name in names if name != "updated_at" and old.get(name) != new.get(name))


def command(
    order: Order, connection: Connection | None, wanted: Command, version: int, account: UUID
) -> Decision:
    """Decide about a command of `account` that saw assignment `version`.

    Args:
        order: as it is.
        connection: the order's owner, locked against change; None when the brand owns it.
        wanted: the command.
        version: what the caller saw (compare-and-set).
        account: who asks.

    Raises:
        Refused: `not_found` for who may not see the order; `not_owner`, `version_conflict`,
            `connection_ended`, `invalid_transition`, each with the state of the order that it met.
    """
    if not order.is_visible_to(account):
        raise Refused("not_found", what="order")
    # The owner before the version: who does not own it has no business with where it stands.
    if account != (order.brand_id if connection is None else connection.three_pl_id):
        raise _refused("not_owner", order)
    if version != order.version:
        raise _refused("version_conflict", order)
    if connection is not None and handover.goes_back(order, connection):
        raise _refused("connection_ended", order)
    status = lifecycle.after(order.status, wanted)
    if status is None:
        raise _refused("invalid_transition", order)
    why: Why = {"command": wanted, "from": order.status, "to": status, "account": str(account)}
    moved = replace(order, status=status, version=order.version + 1, sequence=order.sequence + 1)
    if connection is not None and handover.goes_back(moved, connection):
        # Moved back after the connection ended: there is no Orders tab to return to but the
        # brand's. One change, one event.
        undone = replace(order, status=status)
        back = handover.hand_back(undone, "moved back after the connection had ended")
        return replace(back, why={**back.why, **why})
    event_type: OrderEventType = (
        "order.cancelled" if status is OrderStatus.CANCELLED else "order.updated"
    )
    return Decision(Outcome.COMMAND, moved, owner_event(moved, event_type, ("status",)), why)


def _refused(code: str, order: Order) -> Refused:
    return Refused(
        code,
        what="order",
        state=order.status,
        version=order.version,
        order_status=order.status,
        allowed_commands=list(lifecycle.allowed(order.status)),
    )
