"""Whose order is it? Pure.

A new order goes to the first active connection of its store whose order rules send it, bound to
the settings that counted when Relevo accepted it; what later messages change is in
`services.routing.updates`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.routing import holds, order_rules, updates
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
from shared.contracts import order as contract
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import OrderStatus
from shared.contracts.orders_received import CLOCK_TOLERANCE
from shared.rules.facts import Facts, facts_of
from shared.rules.order_rules import OrderRules, Sending

# By whether somebody has it, and whether order rules had a say.
_REASONS = {
    (True, False): "the active connection with the lowest priority",
    (True, True): "the active connection with the lowest priority whose order rules send it",
    (False, False): "the brand has no active connection for this store",
    (False, True): "no order rules of an active connection send it",
}


# The version of rules that are only tried. Not 0, by which a connection has none.
DRAFT = -1


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a version of a connection's order rules says of an order."""

    connection: Connection
    version: int
    sending: Sending

    def why(self) -> Why:
        """For the history of the order."""
        version = None if self.version == DRAFT else self.version
        return {"version": version, **self.sending.why()}


@dataclass(frozen=True, slots=True)
class Assigned:
    """Whose a new order is: a connection's, or its brand's when `connection` is None.

    `ruled`: by which of its rules, None where it has none. `passed_over`: active connections before
    it whose rules did not send the order.
    """

    connection: Connection | None
    ruled: Ruled | None = None
    passed_over: Sequence[Ruled] = ()


NOBODY = Assigned(None)


def assign(connections: Iterable[Connection], incoming: Incoming) -> Assigned:
    """The connection that a new order of a store goes to; or none, and the brand keeps it.

    Those that were active when Relevo accepted it, and still are: one that ended meanwhile would
    give the order back. By the lowest `priority`, the first whose order rules send the order has
    it; equal priorities are refused on activation, and the id decides should two be seen in the
    moment between.

    Raises:
        Permanent: rules have a condition that this release does not know.
    """
    at = incoming.received_at
    active = [
        found
        for found in connections
        if found.state is ConnectionState.ACTIVE
        and (found.state_since is None or found.state_since <= at)
    ]

    def rules_of(connection: Connection) -> tuple[int, OrderRules]:
        return order_rules.counted(connection.order_rules, at)

    return choose(active, rules_of, incoming.store_id, incoming.sent, at)


def choose(
    active: Iterable[Connection],
    rules_of: Callable[[Connection], tuple[int, OrderRules]],
    store_id: UUID,
    sent: contract.Order | None,
    accepted_at: datetime,
) -> Assigned:
    """By the lowest priority, the first of the connections whose rules send an order.

    Args:
        active: they could have it.
        rules_of: the version and the rules of one; version 0: it has none, and is sent everything.
        store_id: that the order came from.
        sent: the order; what the store only deleted is looked at by no rule.
        accepted_at: when Relevo accepted it.
    """
    passed_over: list[Ruled] = []
    facts: Facts | None = None
    for connection in sorted(active, key=lambda found: (found.priority, found.id)):
        version, rules = rules_of(connection)
        if not version or sent is None:
            return Assigned(connection, None, passed_over)
        facts = facts or facts_of(sent, store_id, accepted_at)
        ruled = Ruled(connection, version, Sending.of(rules, facts))
        if ruled.sending.is_sent:
            return Assigned(connection, ruled, passed_over)
        passed_over.append(ruled)
    return Assigned(None, None, passed_over)


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


def receive(known: Order | None, incoming: Incoming, assigned: Assigned, new_id: UUID) -> Decision:
    """Decide about one message of a store.

    Args:
        known: the order as it is, None when it was never seen.
        incoming: what the store sent.
        assigned: whose it is if it is new, with the settings to bind.
        new_id: the id the order gets if it is new.
    """
    if known is None:
        return _enter(incoming, assigned, new_id)
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


def _enter(incoming: Incoming, assigned: Assigned, new_id: UUID) -> Decision:
    """An order enters, whatever kind of message brought it.

    What is over before it enters (shipped, cancelled or paid back at the store) is nobody's work
    and stays with the brand.
    """
    status, over = _status_on_entry(incoming)
    owner = None if over else assigned.connection
    is_held = status is OrderStatus.ON_HOLD and not incoming.deleted
    placed = (holds.for_payment(incoming.received_at),) if is_held else ()
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
        # Nobody was ever told of one that is deleted, or is told now: the tombstone is kept.
        sequence=0 if incoming.deleted else 1,
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
        holds=placed,
        position=incoming.position,
        source_received_at=incoming.received_at,
    )
    if incoming.deleted:
        return Decision(Outcome.NEVER_SEEN, order)
    why = {**({"reason": over} if over else why_assigned(assigned)), **updates.clock(incoming)}
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


def why_assigned(assigned: Assigned) -> Why:
    """For a history: whose it is, by which rules, and who was passed over by theirs."""
    owner, ruled = assigned.connection, assigned.ruled
    why: dict[str, Any] = {
        "reason": _REASONS[owner is not None, bool(ruled or assigned.passed_over)]
    }
    if owner is not None:
        why["connection_id"] = str(owner.id)
        why["epoch"] = owner.epoch
        why["settings_version"] = owner.settings_version
    if ruled is not None:
        why["order_rules"] = ruled.why()
    if assigned.passed_over:
        # For the brand alone: what it sends to others is none of a 3PL's business.
        why["passed_over"] = [
            {"connection_id": str(one.connection.id), "order_rules": one.why()}
            for one in assigned.passed_over
        ]
    return why
