"""The bytes of an order event: made once, here, and never serialised again.

The value on `orders.events` is the body of the webhook (`shared.contracts.orders_events`); what
the delivery side needs to know of it stands in the headers.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from services.routing.orders import Decision, Event, Hold, Order
from shared.contracts.orders_events import ORDER_STATE, OrderEventAttributes
from shared.ids import event_id
from shared.kafka.message import Message
from shared.kafka.topics import ORDERS_EVENTS


def messages(decisions: Iterable[tuple[Decision, str | None]]) -> list[Message]:
    """One outbox message for each event of the decisions, in order.

    Args:
        decisions: each with the `traceparent` of what caused it, if known.
    """
    timestamp = _rfc3339(datetime.now(UTC))
    return [
        _message(event, decision, traceparent, timestamp)
        for decision, traceparent in decisions
        for event in decision.events
    ]


def _message(event: Event, decision: Decision, traceparent: str | None, timestamp: str) -> Message:
    order = event.order
    belongs_to_three_pl = order.connection_id is not None
    attributes = OrderEventAttributes(
        id=event_id(order.id, order.sequence),
        type=event.type,
        order_id=order.id,
        sequence=order.sequence,
        store_id=order.store_id,
        brand_id=order.brand_id,
        three_pl_id=order.three_pl_id if belongs_to_three_pl else None,
        connection_id=order.connection_id,
        endpoint_id=order.endpoint_id,
        status=order.status,
    )
    headers = attributes.headers()
    headers["ce_time"] = timestamp
    headers["content-type"] = "application/json"
    headers[ORDER_STATE] = _state(event.order, decision)
    if traceparent:
        headers["traceparent"] = traceparent
    body = {"type": event.type, "timestamp": timestamp, "data": _data(event)}
    return Message(ORDERS_EVENTS.name, str(order.id), headers, orjson.dumps(body))


def _state(order: Order, decision: Decision) -> str:
    """See `OrderState`. What people wrote stands in the body alone, where erasure knows of it."""
    state = {
        "outcome": decision.outcome,
        "why": {
            name: value
            for name, value in decision.why.items()
            # Rules have words of the brand's, and what they saw of the order.
            if name not in ("note", "order_rules", "passed_over")
        },
        # As text: the driver's own kind of UUID is not what orjson knows.
        "three_pl_id": str(order.three_pl_id) if order.three_pl_id else None,
        "accepted_at": order.accepted_at,
        "source_updated_at": order.source_updated_at,
        "source_received_at": order.source_received_at,
        "content_hash": order.content_hash.hex(),
        "log_position": tuple(order.position) if order.position else None,
        "tombstone": order.tombstone,
        "placed_by": {str(hold.id): str(hold.placed_by) for hold in order.holds if hold.placed_by},
        "shipments_version": order.shipments_version,
    }
    return orjson.dumps(state).decode()


def _data(event: Event) -> dict[str, Any]:
    order = event.order
    belongs_to_three_pl = order.connection_id is not None
    # Who has to stop needs to know which order, and why: nothing of the buyer.
    is_whole = event.type != "order.unassigned" and order.payload is not None
    return {
        "id": str(order.id),
        "store_id": str(order.store_id),
        "external_id": order.external_id,
        "status": order.status,
        "sequence": order.sequence,
        "version": order.version,
        "connection_id": str(order.connection_id) if belongs_to_three_pl else None,
        "settings_version": order.settings_version,
        "changed_fields": event.changed_fields,
        "cancel_too_late": order.cancel_too_late,
        "number": order.number,
        "holds": [_hold(hold) for hold in order.holds] if is_whole else (),
        "epoch": order.epoch,
        "shipping_rules_owner": order.shipping_rules_owner,
        "billing_owner": order.billing_owner,
        "support_owner": order.support_owner,
        "reason": event.reason,
        "shipments": orjson.Fragment(order.shipments) if is_whole else (),
        # The payload is JSON already: spliced in, not parsed.
        "order": orjson.Fragment(order.payload) if is_whole and order.payload else None,
    }


def _hold(hold: Hold) -> dict[str, Any]:
    return {
        "id": str(hold.id),
        "kind": hold.kind,
        "note": hold.note,
        "release_by": hold.release_by,
        "placed_at": _rfc3339(hold.placed_at),
    }


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
