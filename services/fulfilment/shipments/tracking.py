"""What carriers and people say of parcels, merged: a parcel goes forward only. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.fulfilment.shipments.shipment import Parcel, Shipment, changed
from shared.contracts.shipments_events import TrackingStatus

# How far a parcel is. What is equally far may follow one another, the later of them counts:
# a second attempt comes after a failed one.
_FAR: Mapping[TrackingStatus, int] = {
    "pre_transit": 0,
    "in_transit": 1,
    "failed_attempt": 2,
    "out_for_delivery": 2,
    "ready_for_pickup": 3,
    "delivered": 4,
    "return_to_sender": 5,
}


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is said of one parcel of a shipment, by its number from 1; None: nothing is said."""

    number: int
    tracking_number: str | None = None
    tracking_url: str | None = None
    status: TrackingStatus | None = None
    at: datetime | None = None


def seen(shipment: Shipment, sightings: Sequence[Sighting], now: datetime) -> Shipment:
    """The shipment with what is said of its parcels; the same object if that is nothing new.

    A parcel that was not there is one more. When the first has left the shipment is shipped, when
    all have arrived it is delivered, when all come back returned.
    """
    parcels = {parcel.number: parcel for parcel in shipment.parcels}
    for one in sightings:
        parcels[one.number] = _merged(parcels.get(one.number, Parcel(number=one.number)), one, now)
    merged = tuple(parcels[number] for number in sorted(parcels))
    if merged == shipment.parcels:
        return shipment
    return _as_far(changed(shipment, parcels=merged, is_told=True), now)


def _merged(parcel: Parcel, one: Sighting, now: datetime) -> Parcel:
    said: dict[str, object] = {
        name: value
        for name, value in (
            ("tracking_number", one.tracking_number), ("tracking_url", one.tracking_url),
        )
        if value is not None
    }  # fmt: skip
    at = one.at or now
    if one.status is not None and _is_further(parcel, one.status, at):
        said |= {"tracking_status": one.status, "tracking_status_at": at}
    return parcel.model_copy(update=said)


def _is_further(parcel: Parcel, status: TrackingStatus, at: datetime) -> bool:
    known = parcel.tracking_status
    if known is None:
        return True
    if _FAR[status] != _FAR[known]:
        return _FAR[status] > _FAR[known]
    known_at = parcel.tracking_status_at
    return status != known and (known_at is None or at > known_at)


def _as_far(shipment: Shipment, now: datetime) -> Shipment:
    """As its parcels say; a shipment goes forward only as well."""
    far = [parcel.tracking_status for parcel in shipment.parcels]
    left = any(status is not None and status != "pre_transit" for status in far)
    if shipment.status in ("cancelled", "returned") or not left:
        return shipment
    shipped_at = shipment.shipped_at or _latest(shipment, now)
    if all(status == "return_to_sender" for status in far):
        return replace(shipment, status="returned", shipped_at=shipped_at)
    if shipment.status == "delivered":
        return shipment
    if all(status == "delivered" for status in far):
        at = _latest(shipment, now)
        return replace(shipment, status="delivered", shipped_at=shipped_at, delivered_at=at)
    return replace(shipment, status="shipped", shipped_at=shipped_at)


def _latest(shipment: Shipment, now: datetime) -> datetime:
    times = [one.tracking_status_at for one in shipment.parcels if one.tracking_status_at]
    return max(times, default=now)
