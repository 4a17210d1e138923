"""What a label does to its shipment. Pure."""

from dataclasses import replace

from services.fulfilment.labels.label import Label
from services.fulfilment.shipments.shipment import LabelState, Parcel, Shipment, changed


def with_label(shipment: Shipment, label: Label) -> Shipment:
    """The shipment as its label leaves it; the same object where nothing is new."""
    state = _state(label)
    if state == shipment.label and not (state == "bought" and shipment.status == "ready"):
        return shipment
    after = changed(shipment, label=state)
    if label.outcome == "bought" and shipment.status != "cancelled":
        status = "labelled" if shipment.status == "ready" else shipment.status
        return replace(after, status=status, parcels=_tracked(shipment, label), is_told=True)
    if label.outcome == "cancelled" and shipment.status == "labelled":
        return replace(after, status="ready", parcels=_untracked(shipment))
    return after


def _state(label: Label) -> LabelState | None:
    if label.next_step == "cancel":
        return "cancelling"
    if label.outcome == "cancelled":
        return None
    if label.outcome is not None:
        return label.outcome
    return "unknown" if label.state == "unknown" else "requested"


def _tracked(shipment: Shipment, label: Label) -> tuple[Parcel, ...]:
    parcels = {parcel.number: parcel for parcel in shipment.parcels}
    for bought in label.parcels:
        known = parcels.get(bought.number, Parcel(number=bought.number))
        parcels[bought.number] = known.model_copy(
            update={
                "tracking_number": bought.tracking_number,
                "tracking_url": bought.tracking_url,
            }
        )
    return tuple(parcels[number] for number in sorted(parcels))


def _untracked(shipment: Shipment) -> tuple[Parcel, ...]:
    """The boxes stay packed; their numbers were of the label that is gone."""
    gone = {
        "tracking_number": None,
        "tracking_url": None,
        "tracking_status": None,
        "tracking_status_at": None,
    }
    return tuple(parcel.model_copy(update=gone) for parcel in shipment.parcels)
