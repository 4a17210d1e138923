"""The bytes of an order event: made once, here, and never serialised again.

The value on `orders.events` is the body of the webhook (`shared.contracts.orders_events`); what
the delivery side needs to know of it stands in the headers.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import orjson
from uuid_utils.compat import uuid7

from services.routing.orders import Decision
from shared.contracts.orders_events import OrderEventAttributes
from shared.kafka.message import Message
from shared.kafka.topics import ORDERS_EVENTS


def messages(decisions: Iterable[tuple[Decision, str | None]]) -> list[Message]:
    """One outbox message for each decision that has an event.

    Args:
        decisions: each with the `traceparent` of what caused it, if known.
    """
    timestamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [
        _message(decision, traceparent, timestamp)
        for decision, traceparent in decisions
        if decision.event is not None
    ]


def _message(decision: Decision, traceparent: str | None, timestamp: str) -> Message:
    order, event = decision.order, decision.event
    if event is None:
        raise ValueError("a decision without an event has no message")
    body = {
        "type": event.type,
        "timestamp": timestamp,
        "data": {
            "id": str(order.id),
            "store_id": str(order.store_id),
            "external_id": order.external_id,
            "status": order.status,
            "sequence": order.sequence,
            "version": order.version,
            "connection_id": str(event.connection_id) if event.connection_id else None,
            "settings_version": order.settings_version,
            "changed_fields": event.changed_fields,
            "cancel_too_late": order.cancel_too_late,
            # The payload is JSON already: spliced in, not parsed.
            "order": orjson.Fragment(order.payload) if order.payload else None,
        },
    }
    attributes = OrderEventAttributes(
        id=uuid7(),
        type=event.type,
        order_id=order.id,
        sequence=order.sequence,
        store_id=order.store_id,
        brand_id=order.brand_id,
        three_pl_id=event.three_pl_id,
        connection_id=event.connection_id,
        endpoint_id=event.endpoint_id,
    )
    headers = attributes.headers()
    headers["ce_time"] = timestamp
    headers["content-type"] = "application/json"
    if traceparent:
        headers["traceparent"] = traceparent
    return Message(ORDERS_EVENTS.name, str(order.id), headers, orjson.dumps(body))
