"""Shipments written with what follows from them: what is told, and what is charged.

One way for events, people and carriers: the order's row is locked, then its shipments; everything
is written with a statement each, whatever the number.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.fulfilment.labels.giving_back import give_back
from services.fulfilment.ledger import charging
from services.fulfilment.ledger.charging import Chargeable
from services.fulfilment.orders.seen import SeenOrder
from services.fulfilment.shipments import store
from services.fulfilment.shipments.following import Shipments, Work, follow
from services.fulfilment.shipments.shipment import CHARGED, Shipment, told
from services.fulfilment.shipping_rules.newest import newest_rules
from shared.contracts.order import OrderStatus
from shared.contracts.shipments_events import ShipmentsChanged
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.message import Message
from shared.kafka.topics import SHIPMENTS_EVENTS
from shared.postgres import outbox
from shared.postgres.database import Session

# What no shipment is made for, or changed by.
_UNWORKED = frozenset({OrderStatus.OPEN, OrderStatus.ON_HOLD})


@dataclass(frozen=True, slots=True)
class Change:
    """The shipments of an order before and after; `version` is that of what was told of them."""

    order_id: UUID
    before: Shipments
    after: Shipments
    version: int


async def follow_events(session: Session, events: Sequence[SeenOrder]) -> list[Change]:
    """What events of orders do to their shipments, to be written when the orders are.

    Args:
        session: in a transaction; the rows of the orders are not yet as the events say.
        events: in the order of the log, of any orders.
    """
    known = await store.lock_orders(session, sorted({event.id for event in events}))
    concerned = {
        event.id
        for event in events
        if event.status not in _UNWORKED
        or (event.id in known and known[event.id].status not in _UNWORKED)
    }
    if not concerned:
        return []
    shipments = await store.lock_shipments(session, sorted(concerned))
    beginning = {one.rules_of for one in events if one.status is OrderStatus.PROCESSING}
    rules = await newest_rules(session, beginning)
    works: dict[UUID, Work] = {}
    for event in events:
        if event.id not in concerned:
            continue
        work = works.get(event.id)
        if work is None:
            row = known.get(event.id)
            of_it = shipments.get(event.id, ())
            work = Work(row.sequence, of_it, row.shipments_version) if row else Work()
        works[event.id] = follow(work, event, rules)
    return [
        Change(order_id, shipments.get(order_id, ()), work.shipments, work.version)
        for order_id, work in works.items()
    ]


async def write(session: Session, changes: Iterable[Change]) -> None:
    """Write what changed, and what follows from it.

    Args:
        session: in a transaction that holds the rows of the orders and of their shipments.
        changes: one for each order at most.
    """
    changed = [change for change in changes if change.before != change.after]
    if not changed:
        return
    versions = {change.order_id: _version_after(change.version) for change in changed}
    news = [change for change in changed if told(change.before) != told(change.after)]
    await store.write(
        session,
        [one for change in changed for one in change.after if one not in change.before],
        {change.order_id: versions[change.order_id] for change in news},
    )
    await _charge(session, changed)
    await outbox.write(session, [_message(one, versions[one.order_id]) for one in news])


async def _charge(session: Session, changed: Iterable[Change]) -> None:
    """What has a label or has left is charged, what never will is not.

    Not before: until then pieces may be split off, and what it costs is not known.
    """
    charged, given_back = [], []
    for change in changed:
        before = {one.id: one.status for one in change.before}
        for one in change.after:
            was = before.get(one.id)
            if one.status in CHARGED and was not in CHARGED:
                charged.append(one)
            elif one.status == "cancelled" and was != "cancelled":
                given_back.append(one.id)
    if charged:
        await charging.pend(session, [chargeable(one) for one in charged])
        await charging.post(session, [one.id for one in charged])
    if given_back:
        await charging.void(session, given_back, "cancelled")
        await give_back(session, given_back)


def chargeable(shipment: Shipment) -> Chargeable:
    """What a shipment is priced by; the prices are those of when its work began."""
    return Chargeable(
        shipment_id=shipment.id,
        order_id=shipment.order_id,
        brand_id=shipment.brand_id,
        three_pl_id=shipment.three_pl_id if shipment.connection_id else None,
        billing_of=shipment.billing_of,
        item_count=shipment.item_count,
        weight_grams=shipment.weight_grams,
        carrier=shipment.shipping.carrier if shipment.shipping else None,
        own_contract=shipment.label == "bought",
        at=shipment.created_at,
    )


def _version_after(version: int) -> int:
    """The time in milliseconds, or one more than the version before: see `ShipmentsChanged`."""
    return max(version + 1, time.time_ns() // 1_000_000)


def _message(change: Change, version: int) -> Message:
    at = datetime.now(UTC)
    value = ShipmentsChanged(
        order_id=change.order_id,
        version=version,
        shipments=tuple(told(change.after)),
        changed_at=at,
    )
    key = str(change.order_id)
    headers = cloud_event_headers(SHIPMENTS_EVENTS.event_type, "/relevo/fulfilment", key)
    return Message(SHIPMENTS_EVENTS.name, key, headers, value.model_dump_json().encode())
