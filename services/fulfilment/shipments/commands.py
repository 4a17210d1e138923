"""What people do with a shipment, and who may. Pure.

Whoever has the order works its shipments; whose shipping rules count chooses the carrier.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.fulfilment.shipments.following import Shipments, choose
from services.fulfilment.shipments.shipment import (
    MOST_PARCELS,
    MOST_SHIPMENTS,
    UNDER_WAY,
    WAITING,
    Parcel,
    Shipment,
    Status,
    changed,
)
from services.fulfilment.shipments.tracking import Sighting, seen
from services.fulfilment.shipping_rules.version import Version
from shared.contracts.shipments_events import ShipmentLine
from shared.failures import Refused
from shared.ids import shipment_id
from shared.rules.facts import Facts
from shared.rules.shipping_rules import Shipping

# What nobody has fixed by a label yet.
_OPEN: frozenset[Status] = frozenset({"needs_carrier", "ready"})


def require(
    shipment: Shipment, version: int, states: frozenset[Status], *, is_owner: bool = True
) -> None:
    """Whether a command may be done.

    Args:
        shipment: as it is.
        version: that the caller saw.
        states: in which it can be done.
        is_owner: whether the caller is who this belongs to.

    Raises:
        Refused: `not_owner`, `version_conflict`, `label_under_way`, `invalid_transition`.
    """
    if not is_owner:
        raise Refused("not_owner", what="shipment", state=shipment.status)
    if shipment.version != version:
        raise Refused(
            "version_conflict", what="shipment", state=shipment.status, version=shipment.version
        )
    if shipment.label in UNDER_WAY and states <= WAITING:
        raise Refused("label_under_way", label=shipment.label, version=shipment.version)
    if shipment.status not in states:
        raise Refused(
            "invalid_transition", what="shipment", state=shipment.status, version=shipment.version
        )


def carried_by(shipment: Shipment, shipping: Shipping) -> Shipment:
    """A person chooses: from now on no rule does.

    The same as a rule chose counts as chosen by the person, too.
    """
    return changed(
        shipment, status="ready", chosen_by="person", shipping=shipping, rules_version=None,
        rule=None, is_told=True,
    )  # fmt: skip


def chosen_again(shipment: Shipment, facts: Facts, version: Version) -> Shipment:
    """By the newest rules; the same object where these choose the same, or a person has chosen."""
    if shipment.chosen_by == "person" or shipment.status not in _OPEN:
        return shipment
    again = choose(shipment, facts, version)
    same = (again.shipping, again.status, again.chosen_by) == (
        shipment.shipping, shipment.status, shipment.chosen_by,
    )  # fmt: skip
    return shipment if same else changed(again)


def packed(shipment: Shipment, parcels: Sequence[Parcel]) -> Shipment:
    """In these boxes, numbered from 1; what is known of the tracking of a box stays with it."""
    known = {parcel.number: parcel for parcel in shipment.parcels}
    boxes = tuple(
        parcel.model_copy(
            update={
                "number": number,
                **_tracking(known.get(number)),
            }
        )
        for number, parcel in enumerate(parcels, start=1)
    )
    return changed(shipment, parcels=boxes)


def _tracking(parcel: Parcel | None) -> dict[str, object]:
    if parcel is None:
        return {}
    names = ("tracking_number", "tracking_url", "tracking_status", "tracking_status_at")
    return {name: getattr(parcel, name) for name in names}


def split(shipments: Shipments, shipment: Shipment, pieces: Mapping[int, int]) -> Shipments:
    """Some pieces of a shipment become one of their own, shipped the same way.

    Args:
        shipments: all of the order.
        shipment: one of them.
        pieces: how many, by the place of the line in the order.

    Raises:
        Refused: `validation_failed` where there are not so many, or nothing would be left;
            `too_many_shipments`.
    """
    left = Counter({line.index: line.quantity for line in shipment.lines})
    for index, quantity in pieces.items():
        if quantity > left[index]:
            message = f"of line {index} this shipment has {left[index]}"
            raise Refused("validation_failed", errors=[{"pointer": "/lines", "message": message}])
    taken = _lines(shipment.lines, pieces)
    rest = {index: quantity - pieces.get(index, 0) for index, quantity in left.items()}
    kept = _lines(shipment.lines, rest)
    if not kept:
        raise Refused(
            "validation_failed",
            errors=[{"pointer": "/lines", "message": "nothing would be left of this shipment"}],
        )
    if len(shipments) >= MOST_SHIPMENTS:
        raise Refused("too_many_shipments", most=MOST_SHIPMENTS)
    part = 1 + max(one.part for one in shipments if one.sequence == shipment.sequence)
    new = replace(
        shipment,
        id=shipment_id(shipment.order_id, shipment.sequence, part),
        part=part,
        version=1,
        lines=taken,
        parcels=(),
    )
    return (*replaced(shipments, changed(shipment, lines=kept)), new)


def _lines(lines: Sequence[ShipmentLine], pieces: Mapping[int, int]) -> tuple[ShipmentLine, ...]:
    return tuple(
        line.model_copy(update={"quantity": pieces[line.index]})
        for line in lines
        if pieces.get(line.index)
    )


def tracked(shipment: Shipment, sightings: Sequence[Sighting], now: datetime) -> Shipment:
    """With what a person says of its parcels.

    Raises:
        Refused: `validation_failed`: a parcel number is out of range.
    """
    for place, one in enumerate(sightings):
        if not 1 <= one.number <= MOST_PARCELS:
            pointer = f"/parcels/{place}/number"
            message = f"1 to {MOST_PARCELS}"
            raise Refused("validation_failed", errors=[{"pointer": pointer, "message": message}])
    return seen(shipment, sightings, now)


def shipped(shipment: Shipment, sightings: Sequence[Sighting], now: datetime) -> Shipment:
    """It has left the warehouse."""
    told = tracked(shipment, sightings, now)
    if told.status not in WAITING:
        return told
    one = told if told is not shipment else changed(told)
    return replace(one, status="shipped", shipped_at=now, is_told=True)


def replaced(shipments: Shipments, one: Shipment) -> Shipments:
    """The shipments of an order with one of them as it is now."""
    return tuple(one if known.id == one.id else known for known in shipments)
