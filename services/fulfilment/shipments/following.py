"""What the events of an order do to its shipments. Pure.

Event by event, so that it does not matter how a log is cut into batches, and each event once: what
an older one says is known.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, get_args
from uuid import UUID

from services.fulfilment.orders.seen import SeenOrder
from services.fulfilment.shipments.shipment import (
    GONE,
    UNDER_WAY,
    WAITING,
    ChosenBy,
    Parcel,
    Rule,
    Shipment,
    ToShip,
    cancelled,
    changed,
    live,
)
from services.fulfilment.shipping_rules.version import Version
from shared.contracts import shipments_events as contract
from shared.contracts.order import OrderStatus
from shared.contracts.shipments_events import ShipmentLine
from shared.ids import shipment_id
from shared.rules.facts import Facts
from shared.rules.shipping_rules import Chosen, Shipping

Shipments = tuple[Shipment, ...]


class Work(NamedTuple):
    """Where an order stands here.

    `sequence` is that of the last event that was followed, `shipments` are all that it has,
    cancelled ones too, `version` is that of what was told of them.
    """

    sequence: int = 0
    shipments: Shipments = ()
    version: int = 0


_NOT_WORKED = frozenset({OrderStatus.OPEN, OrderStatus.ON_HOLD, OrderStatus.CANCELLED})


def follow(work: Work, event: SeenOrder, rules: Mapping[UUID, Version]) -> Work:
    """The shipments of an order after one of its events.

    Args:
        work: as it is.
        event: the next one.
        rules: the newest version of each account's rules that may be asked.
    """
    if event.sequence <= work.sequence:
        return work
    shipments, version = work.shipments, work.version
    if event.told_version > version:
        shipments, version = _recalled(shipments, event), event.told_version
    return Work(event.sequence, _after(shipments, event, rules), version)


def _after(shipments: Shipments, event: SeenOrder, rules: Mapping[UUID, Version]) -> Shipments:
    if event.status is OrderStatus.PROCESSING:
        if live(shipments):
            return tuple(_edited(one, event, shipments) for one in shipments)
        return (*shipments, *_begun(event, rules))
    if event.status in _NOT_WORKED:
        because = "cancelled" if event.status is OrderStatus.CANCELLED else "moved_back"
        return tuple(
            cancelled(one, event.at, because) if one.status in WAITING else one for one in shipments
        )
    return tuple(_finished(one, event.status, event.at) for one in shipments)


def choose(shipment: Shipment, facts: Facts, version: Version) -> Shipment:
    """By whom it is carried, as the rules say."""
    chosen = Chosen.of(version.rules, facts)
    by: ChosenBy = chosen.outcome
    why = chosen.why()
    return replace(
        shipment,
        status="needs_carrier" if by == "needs_carrier" else "ready",
        chosen_by=by,
        rules_version=version.number or None,
        rule=Rule(why["number"], why["name"]) if why else None,
        shipping=chosen.shipping,
        is_told=shipment.is_told or chosen.shipping is not None,
    )


# How far a shipment is: nothing leads back.
_FURTHER: tuple[str, ...] = get_args(contract.ShipmentStatus)


def _recalled(shipments: Shipments, event: SeenOrder) -> Shipments:
    """With what the log knows and a database has lost: what its parties were told once is so."""
    known = {one.id: one for one in shipments}
    found = dict(known)
    for told in event.told:
        one = known.get(told.id)
        if one is None:
            found[told.id] = _adopted(told, event)
        elif one.status != "needs_carrier" and (
            _FURTHER.index(told.status) > _FURTHER.index(one.status)
        ):
            found[told.id] = _as_told(one, told)
    return tuple(found.values())


def _as_told(shipment: Shipment, told: contract.Shipment) -> Shipment:
    return changed(
        shipment,
        status=told.status,
        parcels=tuple(Parcel(**parcel.model_dump()) for parcel in told.parcels),
        shipped_at=told.shipped_at,
        delivered_at=told.delivered_at,
        cancelled_at=told.cancelled_at,
        is_told=True,
    )


def _adopted(told: contract.Shipment, event: SeenOrder) -> Shipment:
    way = (
        Shipping(carrier=told.carrier, service=told.service, warehouse=told.warehouse)
        if (told.carrier)
        else None
    )
    shipment = replace(
        _of(event, told.id, told.lines, told.created_at),
        version=0,
        chosen_by="person",
        shipping=way,
    )
    return _as_told(shipment, told)


def _begun(event: SeenOrder, rules: Mapping[UUID, Version]) -> Shipments:
    """The shipment that the beginning of the work makes; none of an order with nothing to pack."""
    if event.to_ship is None or event.facts is None or not event.to_ship.lines:
        return ()
    id_ = shipment_id(event.id, event.sequence)
    shipment = _of(event, id_, event.to_ship.lines, event.at)
    return (choose(shipment, event.facts, rules[event.rules_of]),)


def _of(
    event: SeenOrder, id_: UUID, lines: tuple[ShipmentLine, ...], created_at: datetime
) -> Shipment:
    """A shipment of an order as an event tells of it; nobody has chosen its carrier yet."""
    return Shipment(
        id=id_,
        order_id=event.id,
        sequence=event.sequence,
        part=0,
        version=1,
        brand_id=event.brand_id,
        three_pl_id=event.three_pl_id,
        connection_id=event.connection_id,
        rules_of=event.rules_of,
        billing_of=event.billing_of,
        status="ready",
        chosen_by="no_rules",
        rules_version=None,
        rule=None,
        shipping=None,
        lines=lines,
        parcels=(),
        consignee=event.to_ship.consignee if event.to_ship else None,
        created_at=created_at,
    )


def _edited(shipment: Shipment, event: SeenOrder, all_of_it: Shipments) -> Shipment:
    """What the store changed while the order is worked.

    It counts for what nobody has fixed yet; of the rest it is said that the order is another now.
    """
    wanted = event.to_ship
    if wanted is None or shipment.status not in WAITING or not _differs(shipment, wanted):
        return shipment
    has_label = shipment.status == "labelled" or shipment.label in UNDER_WAY
    is_fixed = has_label or len(live(all_of_it)) > 1
    if is_fixed:
        return shipment if shipment.is_outdated else changed(shipment, is_outdated=True)
    return changed(shipment, lines=wanted.lines, consignee=wanted.consignee)


def _differs(shipment: Shipment, wanted: ToShip) -> bool:
    if shipment.consignee is None:
        return False
    of_lines = {line.index for line in shipment.lines}
    pieces = [piece for piece in wanted.consignee.pieces if piece.index in of_lines]
    had = [piece for piece in shipment.consignee.pieces if piece.index in of_lines]
    return (
        pieces != had
        or wanted.consignee.address != shipment.consignee.address
        or len(wanted.consignee.pieces) != len(shipment.consignee.pieces)
    )


def _finished(shipment: Shipment, status: OrderStatus, at: datetime) -> Shipment:
    """What the order's own word does: all that is left of it goes along."""
    if status is OrderStatus.SHIPPED and shipment.status in WAITING:
        return changed(shipment, status="shipped", shipped_at=at)
    on_its_way = shipment.status in WAITING or shipment.status == "shipped"
    if status is OrderStatus.DELIVERED and on_its_way:
        left = shipment.shipped_at or at
        return changed(shipment, status="delivered", shipped_at=left, delivered_at=at)
    if status is OrderStatus.RETURNED and (on_its_way or shipment.status in GONE - {"returned"}):
        return changed(shipment, status="returned", shipped_at=shipment.shipped_at or at)
    return shipment
