"""What does a store's later message change? Pure.

The store always sends the full current state. Beside the content it may say three things that move
an order: that it has shipped it itself, that it is cancelled or paid back, and how its payment
stands.
"""

from dataclasses import replace
from typing import Any

import orjson

from services.routing import holds, lifecycle, payment
from services.routing.lifecycle import GONE, ORDERS_TAB
from services.routing.orders import Decision, Event, Incoming, Order, Outcome, Why
from shared.contracts.order import OrderStatus


def update(known: Order, incoming: Incoming) -> Decision:
    """Other content: applied, with what it means for the order's status and holds."""
    fields = changed_fields(known.payload, incoming.payload)
    updated = replace(
        known,
        source_updated_at=incoming.updated_at,
        content_hash=incoming.content_hash,
        payload=incoming.payload,
        number=incoming.number,
        total=incoming.total,
        currency=incoming.currency,
        source_created_at=incoming.created_at,
        words=incoming.words,
    )
    if incoming.fulfilled and "fulfilment_status" in fields:
        updated = replace(updated, status=lifecycle.fulfilled_by_store(updated.status))
    if incoming.cancelled and "cancelled_at" in fields:
        return _cancel(known, updated, fields, "the store cancelled it")
    if incoming.voided and "financial_status" in fields and updated.status not in GONE:
        return _cancel(known, updated, fields, "it was paid back at the store")
    updated = _with_payment(updated, incoming, was_unpaid=_was_unpaid(known))
    why: Why = {
        "changed_fields": ", ".join(fields),
        "status": known.status,
        **_moved(known, updated),
        **clock(incoming),
    }
    return _decision(Outcome.UPDATED, known, updated, fields, why)


def delete(known: Order, incoming: Incoming) -> Decision:
    """Deleted at the store: a cancellation, then a tombstone that ignores later updates."""
    gone = replace(
        known,
        source_updated_at=max(known.source_updated_at, incoming.updated_at),
        tombstone=True,
    )
    return _cancel(known, gone, ("deleted",), "the store deleted it")


def clock(incoming: Incoming) -> Why:
    """What the history says of a store whose clock is ahead."""
    if incoming.store_clock is None:
        return {}
    return {
        "store_clock": incoming.store_clock.isoformat(),
        "store_clock_note": "ahead of the receipt, which counts instead",
    }


def changed_fields(before: str | None, after: str | None) -> tuple[str, ...]:
    """The names of the top-level fields that differ; `updated_at` alone is no change."""
    old: dict[str, Any] = orjson.loads(before) if before else {}
    new: dict[str, Any] = orjson.loads(after) if after else {}
    names = sorted(old.keys() | new.keys())
    return tuple(name for name in names if name != "updated_at" and old.get(name) != new.get(name))


def _cancel(known: Order, updated: Order, fields: tuple[str, ...], reason: str) -> Decision:
    status, too_late = lifecycle.cancelled_by_store(updated.status)
    cancelled = replace(updated, status=status, cancel_too_late=updated.cancel_too_late or too_late)
    why: Why = {"reason": reason, "from": known.status, "to": status}
    return _decision(Outcome.CANCELLED, known, cancelled, fields, why)


def _with_payment(order: Order, incoming: Incoming, *, was_unpaid: bool) -> Order:
    """Waiting for its payment, or no longer; a hold that the brand lifted does not come back."""
    if order.status not in ORDERS_TAB:
        return order
    standing = holds.of_payment(order)
    if standing and not incoming.unpaid:
        return holds.without(order, {hold.id for hold in standing})
    if incoming.unpaid and not standing and not was_unpaid:
        return holds.placed(order, holds.for_payment(incoming.received_at))
    return order


def _was_unpaid(known: Order) -> bool:
    payload: dict[str, Any] = orjson.loads(known.payload) if known.payload else {}
    return payload.get("financial_status") in payment.UNPAID


def _moved(known: Order, order: Order) -> Why:
    if order.status is known.status:
        return {}
    return {"from": known.status, "to": order.status}


def _decision(
    outcome: Outcome, known: Order, changed: Order, fields: tuple[str, ...], why: Why
) -> Decision:
    """One event; a version more if owner, status or holds are not what a command saw."""
    if changed.status is not OrderStatus.ON_HOLD:
        changed = replace(changed, holds=())
    moved = (changed.status, changed.holds) != (known.status, known.holds)
    order = replace(changed, version=known.version + moved, sequence=known.sequence + 1)
    now_cancelled = order.status is OrderStatus.CANCELLED is not known.status
    event = Event("order.cancelled" if now_cancelled else "order.updated", order, fields)
    return Decision(
        outcome,
        order,
        (event,),
        why,
        placed=tuple(hold for hold in order.holds if hold not in known.holds),
        lifted=tuple(hold.id for hold in known.holds if hold not in order.holds),
    )
