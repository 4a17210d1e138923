"""What an event on the log says of an order, and which of it the database does not know. Pure.

An event is the order as it was then: the newest one wins, and its sequence says which that is.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.routing.orders import Decision, Event, Hold, LogPosition, Order, OrderKey, Outcome
from services.routing.search import words_of
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import ORDER_STATE, OrderEventAttributes, OrderState

# An event of before says less: what it did is its type's.
_OUTCOMES = {
    "order.created": Outcome.ENTERED,
    "order.cancelled": Outcome.CANCELLED,
    "order.unassigned": Outcome.RETURNED,
    "order.returned": Outcome.RETURNED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event: the order as it left it, and the line of the history.

    `is_whole`: it says what the store said. An `order.unassigned` does not, and nobody is told of
    holds in it.
    """

    decision: Decision
    is_whole: bool

    @property
    def order(self) -> Order:
        """As the event left it."""
        return self.decision.order


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What to write; and the orders that another one has the place of, by its key."""

    decisions: list[Decision]
    displaced: list[Order]


def read_told(headers: Mapping[str, str], value: bytes) -> Told:
    """One record of `orders.events`.

    Raises:
        KeyError, ValueError: an attribute or a field is missing or malformed.
    """
    attributes = OrderEventAttributes.parse(headers)
    body = orjson.loads(value)
    data = body["data"]
    state = _state(headers, data)
    source = data["order"] or {}
    at = datetime.fromisoformat(body["timestamp"])
    order = Order(
        id=attributes.order_id,
        store_id=attributes.store_id,
        external_id=data["external_id"],
        brand_id=attributes.brand_id,
        three_pl_id=state.three_pl_id or attributes.three_pl_id,
        connection_id=attributes.connection_id,
        epoch=data["epoch"],
        settings_version=data["settings_version"],
        endpoint_id=attributes.endpoint_id,
        status=OrderStatus(data["status"]),
        version=data["version"],
        sequence=attributes.sequence,
        source_updated_at=state.source_updated_at,
        content_hash=bytes.fromhex(state.content_hash),
        payload=orjson.dumps(source).decode() if source else None,
        accepted_at=state.accepted_at,
        number=data["number"],
        total=source.get("total"),
        currency=source.get("currency"),
        source_created_at=_time(source.get("created_at")),
        words=words_of(data["external_id"], source) if source else None,
        shipping_rules_owner=data["shipping_rules_owner"],
        billing_owner=data["billing_owner"],
        support_owner=data["support_owner"],
        cancel_too_late=data["cancel_too_late"],
        tombstone=state.tombstone,
        holds=tuple(_hold(hold, state.placed_by) for hold in data["holds"]),
        position=LogPosition(*state.log_position) if state.log_position else None,
        source_received_at=state.source_received_at,
        shipments=orjson.dumps(data.get("shipments", ())).decode(),
        shipments_version=state.shipments_version,
    )
    event = Event(body["type"], order, tuple(data["changed_fields"]), data["reason"])
    decision = Decision(Outcome(state.outcome), order, (event,), dict(state.why), at=at)
    return Told(decision, is_whole=bool(source))


def _state(headers: Mapping[str, str], data: Mapping[str, Any]) -> OrderState:
    """What the header says; of an event of before the best that the body tells."""
    if ORDER_STATE in headers:
        return OrderState.model_validate_json(headers[ORDER_STATE])
    source = data["order"] or {}
    content = {name: value for name, value in source.items() if name != "updated_at"}
    return OrderState(
        outcome=_OUTCOMES.get(headers["ce_type"], Outcome.UPDATED),
        accepted_at=headers["ce_time"],
        source_updated_at=source.get("updated_at") or headers["ce_time"],
        content_hash=hashlib.blake2b(orjson.dumps(content), digest_size=16).hexdigest(),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _hold(hold: Mapping[str, Any], placed_by: Mapping[UUID, UUID]) -> Hold:
    hold_id = UUID(hold["id"])
    return Hold(
        id=hold_id,
        kind=hold["kind"],
        note=hold["note"],
        release_by=hold["release_by"],
        placed_by=placed_by.get(hold_id),
        placed_at=datetime.fromisoformat(hold["placed_at"]),
    )


def newer(told: Iterable[Told], known: Iterable[Order]) -> TakeOver:
    """Of events in the order of the log those that the database does not know.

    Args:
        told: the events.
        known: the orders that have their ids or their keys.
    """
    current: dict[UUID, Order] = {}
    ids: dict[OrderKey, UUID] = {}
    for order in known:
        current[order.id] = order
        ids[OrderKey(order.store_id, order.external_id)] = order.id
    found = TakeOver([], [])
    for one in told:
        before, key = current.get(one.order.id), OrderKey(one.order.store_id, one.order.external_id)
        if before is not None and one.order.sequence <= before.sequence:
            continue
        if before is None and key in ids:
            found.displaced.append(one.order)
            continue
        decision = _after(before, one)
        current[decision.order.id] = decision.order
        ids.setdefault(key, decision.order.id)
        found.decisions.append(decision)
    return found


def _after(before: Order | None, told: Told) -> Decision:
    """The decision of an event; what it does not say stays as it was."""
    order = told.order
    if before is not None:
        # A claim's store moves without an event: where an order is known, it stands already.
        order = replace(order, store_id=before.store_id, brand_id=before.brand_id)
        if not told.is_whole:
            order = replace(
                order,
                payload=before.payload,
                total=before.total,
                currency=before.currency,
                source_created_at=before.source_created_at,
                words=before.words,
                holds=before.holds,
                shipments=before.shipments,
            )
    had = {hold.id for hold in before.holds} if before is not None else set()
    has = {hold.id for hold in order.holds}
    return replace(
        told.decision,
        order=order,
        events=tuple(replace(event, order=order) for event in told.decision.events),
        placed=tuple(hold for hold in order.holds if hold.id not in had),
        lifted=tuple(had - has),
    )
