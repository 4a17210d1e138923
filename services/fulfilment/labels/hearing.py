"""What a carrier says of parcels, merged into their shipments."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.fulfilment.carriers.port import BoughtParcel, ParcelWord
from services.fulfilment.labels import store
from services.fulfilment.shipments import applying
from services.fulfilment.shipments.applying import Change
from services.fulfilment.shipments.commands import replaced
from services.fulfilment.shipments.tracking import Sighting, seen
from services.fulfilment.shipments.working import lock_with_order
from shared.postgres.database import Session


async def hear(
    session: Session, account_id: UUID, words: Sequence[ParcelWord], now: datetime
) -> int:
    """How many of the parcels are ours; late and repeated words change nothing.

    Args:
        session: in a transaction.
        account_id: the carrier account that the carrier proved itself for.
        words: what it says.
        now: of what has no time of its own; a time to come is now.
    """
    names = {name for word in words for name in (word.carrier_id, word.tracking_number) if name}
    labels = await store.of_parcels(session, account_id, names)
    known = 0
    # Orders in the order of their ids, as everybody locks them.
    for label in sorted(labels, key=lambda one: one.order_id):
        sightings = [
            Sighting(parcel.number, status=word.status, at=_time(word, now))
            for word in words
            for parcel in label.parcels
            if _is(parcel, word)
        ]
        locked = await lock_with_order(session, label.order_id)
        if locked is None or not sightings:
            continue
        known += len(sightings)
        order, before = locked
        after = before
        for one in before:
            if one.id == label.shipment_id:
                after = replaced(after, seen(one, sightings, now))
        change = Change(order.id, before, after, order.shipments_version)
        await applying.write(session, [change])
    return known


def _is(parcel: BoughtParcel, word: ParcelWord) -> bool:
    by_id = word.carrier_id is not None and word.carrier_id == parcel.carrier_id
    by_number = word.tracking_number is not None and word.tracking_number == parcel.tracking_number
    return by_id or by_number


def _time(word: ParcelWord, now: datetime) -> datetime:
    if word.at_seconds is None:
        return now
    try:
        return min(now, datetime.fromtimestamp(word.at_seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return now
