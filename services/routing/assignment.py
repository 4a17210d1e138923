"""Whose order is it? Pure.

A new order goes to the first active connection of its store, bound to the settings that counted
when Relevo accepted it; what later messages change is in `services.routing.updates`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from uuid import UUID

from services.routing import holds, updates
from services.routing.orders import (
    Connection,
    Decision,
    Event,
    Incoming,
    Order,
    Outcome,
    SettingsVersion,
    Why,
)
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import OrderStatus
from shared.contracts.orders_received import CLOCK_TOLERANCE


def assign(connections: Iterable[Connection], accepted_at: datetime) -> Connection | None:
    """The connection that a new order of a store goes to; None means the brand keeps it.

    It was active when Relevo accepted the order, and still is: one that ended meanwhile would give
    the order back. Of several the lowest `priority` wins; equal ones are refused on activation, and
    the id decides should two be seen in the moment between.
    """
    active = [
        found
        for found in connections
        if found.state is ConnectionState.ACTIVE
        and (found.state_since is None or found.state_since <= accepted_at)
    ]
    return min(active, key=lambda found: (found.priority, found.id), default=None)


def bound(
    connection: Connection, versions: Sequence[SettingsVersion], incoming: Incoming
) -> Connection:
    """The connection with the settings that counted when the order was accepted.

    Args:
        connection: with its newest settings.
        versions: what is known of older ones; may be empty when the newest counted already.
        incoming: the order.
    """
    if incoming.received_at >= connection.effective_at or not versions:
        return connection
    counted = [one for one in versions if one.effective_at <= incoming.received_at]
    settings = (
        max(counted, key=lambda one: one.settings_version)
        if counted
        else min(versions, key=lambda one: one.settings_version)
    )
    return replace(connection, **asdict(settings))


def receive(
    known: Order | None, incoming: Incoming, connection: Connection | None, new_id: UUID
) -> Decision:
    """Decide about one message of a store.

    Args:
        known: the order as it is, None when it was never seen.
        incoming: what the store sent.
        connection: who new orders of the store go to, with the settings to bind.
        new_id: the id the order gets if it is new.
    """
    if known is None:
        return _enter(incoming, connection, new_id)
    if known.position and incoming.position and incoming.position.is_before(known.position):
        # It was decided on already, whatever came after it.
        return Decision(Outcome.DUPLICATE, known)
    if known.tombstone:
        return Decision(Outcome.TOMBSTONED, known)
    if incoming.deleted:
        return updates.delete(known, incoming)
    if _is_stale(known, incoming):
        return Decision(Outcome.STALE, known, why={"updated_at": incoming.updated_at.isoformat()})
    if incoming.content_hash == known.content_hash:
        if incoming.updated_at == known.source_updated_at:
            return Decision(Outcome.DUPLICATE, known)
        return Decision(Outcome.UNCHANGED, replace(known, source_updated_at=incoming.updated_at))
    return updates.update(known, incoming)


def _is_stale(known: Order, incoming: Incoming) -> bool:
    """Whether something newer is known; a time that is still to come is no such thing."""
    if known.source_updated_at > incoming.received_at + CLOCK_TOLERANCE:
        return False
    if incoming.updated_at == known.source_updated_at:
        # Sources have one-second clocks: the later one on the log counts, but for what waited in
        # the spool meanwhile.
        overtaken = known.source_received_at or incoming.received_at
        return incoming.spooled and incoming.received_at < overtaken
    return incoming.updated_at < known.source_updated_at


def _enter(incoming: Incoming, connection: Connection | None, new_id: UUID) -> Decision:
    """An order enters, whatever kind of message brought it.

    What is over before it enters (shipped, cancelled or paid back at the store) is nobody's work
    and stays with the brand.
    """
    status, over = _status_on_entry(incoming)
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
        shipping_rules_owner=owner.shipping_rules_owner if owner else None,
        billing_owner=owner.billing_owner if owner else None,
        support_owner=owner.support_owner if owner else None,
        endpoint_id=owner.endpoint_id if owner else None,
        status=status,
        version=1,
        sequence=1,
        source_updated_at=incoming.updated_at,
        content_hash=incoming.content_hash,
        payload=incoming.payload,
        accepted_at=incoming.received_at,
        number=incoming.number,
        total=incoming.total,
        currency=incoming.currency,
        source_created_at=incoming.created_at,
        words=incoming.words,
        tombstone=incoming.deleted,
    )
    if incoming.deleted:
        # Nobody was ever told of it, and nobody is told now: only the tombstone is kept.
        return Decision(Outcome.NEVER_SEEN, replace(order, sequence=0))
    placed = (holds.for_payment(incoming.received_at),) if status is OrderStatus.ON_HOLD else ()
    order = replace(order, holds=placed)
    why = {**_why_owner(owner, over), **updates.clock(incoming)}
    return Decision(Outcome.ENTERED, order, (Event("order.created", order),), why, placed)


def _status_on_entry(incoming: Incoming) -> tuple[OrderStatus, str | None]:
    """The status, and why it is over before it began."""
    if incoming.fulfilled:
        return OrderStatus.SHIPPED, "it was fulfilled before it entered"
    if incoming.cancelled or incoming.deleted:
        return OrderStatus.CANCELLED, "it was cancelled before it entered"
    if incoming.voided:
        return OrderStatus.CANCELLED, "it was paid back before it entered"
    return OrderStatus.ON_HOLD if incoming.unpaid else OrderStatus.OPEN, None


def _why_owner(owner: Connection | None, over: str | None) -> Why:
    if over:
        return {"reason": over}
    if owner is None:
        return {"reason": "the brand has no active connection for this store"}
    return {
        "reason": "the active connection with the lowest priority",
        "connection_id": str(owner.id),
        "epoch": owner.epoch,
        "settings_version": owner.settings_version,
    }
