"""A shipment as fulfilment knows it, and what the parties of its order are told of it. Pure.

`needs_carrier → ready → labelled → shipped → delivered | returned`; until it has left, `cancelled`.
It needs a carrier where no shipping rule fits; without any rules its owner ships by a system of its
own, and it is ready at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts import shipments_events as contract
from shared.contracts.fields import Amount, Count, Currency, LongText, Text, WireContract
from shared.contracts.order import Address, Order, Quantity
from shared.contracts.shipments_events import ShipmentLine
from shared.rules.shipping_rules import Shipping

Status = Literal[
    "needs_carrier", "ready", "labelled", "shipped", "delivered", "returned", "cancelled"
]
# How its carrier was chosen; `person`: nothing but a person changes it again.
ChosenBy = Literal["rule", "fallback", "person", "needs_carrier", "no_rules"]
WAITING: frozenset[Status] = frozenset({"needs_carrier", "ready", "labelled"})
# What has left the warehouse.
GONE: frozenset[Status] = frozenset({"shipped", "delivered", "returned"})
# `requested`, `unknown` (it may exist at the carrier) and `bought` are the purchase; `cancelling`:
# the carrier was asked to take it back.
LabelState = Literal["requested", "unknown", "bought", "failed", "cancelling"]
# Nobody may change what a label is being made of.
UNDER_WAY: frozenset[LabelState | None] = frozenset({"requested", "unknown", "cancelling"})
# What costs its fees.
CHARGED: frozenset[Status] = GONE | {"labelled"}
MOST_PARCELS = 100
MOST_SHIPMENTS = 50


class Parcel(contract.Parcel):
    """One box; its measures are for the carrier alone."""

    length_mm: Annotated[int, Field(ge=1, le=10_000)] | None = None
    width_mm: Annotated[int, Field(ge=1, le=10_000)] | None = None
    height_mm: Annotated[int, Field(ge=1, le=10_000)] | None = None


class Piece(WireContract):
    """What is packed of a line, for a carrier and for the packer: `price` and `grams` of one."""

    index: Count
    sku: Text | None = None
    title: Text
    quantity: Quantity
    price: Amount
    grams: Count | None = None


class Consignee(WireContract):
    """Where it goes, whom the carrier tells, and what is in it; erased with the brand's data."""

    address: Address | None
    email: Text | None = None
    phone: Text | None = None
    currency: Currency
    note: LongText | None = None
    pieces: tuple[Piece, ...] = ()


class Rule(NamedTuple):
    """The shipping rule that chose: by its place (from 1) and name."""

    number: int
    name: str


class ToShip(BaseModel):
    """What an order says of what is to be shipped."""

    model_config = ConfigDict(frozen=True)

    lines: tuple[ShipmentLine, ...]
    consignee: Consignee


@dataclass(frozen=True, slots=True)
class Shipment:
    """Some of an order's pieces, sent together.

    `sequence` is that of the event that began the work, `part` counts what was split off it.
    `rules_of` and `billing_of` are the accounts that the order's snapshot names, `three_pl_id` and
    `connection_id` whoever works it, None for the brand itself. `is_told`: its carrier is chosen or
    somebody did something about it, and the parties of the order know of it. `is_outdated`: the
    store changed the order after that was fixed.
    """

    id: UUID
    order_id: UUID
    sequence: int
    part: int
    version: int
    brand_id: UUID
    three_pl_id: UUID | None
    connection_id: UUID | None
    rules_of: UUID
    billing_of: UUID
    status: Status
    chosen_by: ChosenBy
    rules_version: int | None
    rule: Rule | None
    shipping: Shipping | None
    lines: tuple[ShipmentLine, ...]
    parcels: tuple[Parcel, ...]
    consignee: Consignee | None
    created_at: datetime
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_because: str | None = None
    is_told: bool = False
    is_outdated: bool = False
    label: LabelState | None = None

    @property
    def item_count(self) -> int:
        """Pieces in it."""
        return sum(line.quantity for line in self.lines)

    @property
    def weight_grams(self) -> int | None:
        """What its parcels weigh; else what its pieces do, where each line says so."""
        weighed = [parcel.weight_grams for parcel in self.parcels]
        if weighed and None not in weighed:
            return sum(grams or 0 for grams in weighed)
        if self.consignee is None:
            return None
        grams_of = {piece.index: piece.grams for piece in self.consignee.pieces}
        total = 0
        for line in self.lines:
            grams = grams_of.get(line.index)
            if grams is None:
                return None
            total += grams * line.quantity
        return total


def to_ship(order: Order) -> ToShip:
    """What is to be packed of an order, and where it goes."""
    packed = [(index, line) for index, line in enumerate(order.lines) if line.to_pack]
    return ToShip(
        lines=tuple(
            ShipmentLine(id=line.id, index=index, sku=line.sku, quantity=line.to_pack)
            for index, line in packed
        ),
        consignee=Consignee(
            address=order.shipping_address,
            email=order.email or (order.customer.email if order.customer else None),
            phone=order.phone or (order.customer.phone if order.customer else None),
            currency=order.currency,
            note=order.note,
            pieces=tuple(
                Piece(
                    index=index,
                    sku=line.sku,
                    title=line.title,
                    quantity=line.to_pack,
                    price=line.price,
                    grams=line.grams,
                )
                for index, line in packed
            ),
        ),
    )


def told(shipments: Iterable[Shipment]) -> list[contract.Shipment]:
    """What both parties are told: nothing of whose carrier contract it is, or of the buyer."""
    return [
        contract.Shipment(
            id=one.id,
            status=one.status,
            carrier=one.shipping.carrier if one.shipping else None,
            service=one.shipping.service if one.shipping else None,
            warehouse=one.shipping.warehouse if one.shipping else None,
            lines=one.lines,
            parcels=tuple(_told_parcel(parcel) for parcel in one.parcels),
            created_at=one.created_at,
            shipped_at=one.shipped_at,
            delivered_at=one.delivered_at,
            cancelled_at=one.cancelled_at,
        )
        for one in sorted(shipments, key=lambda one: (one.created_at, one.sequence, one.part))
        if one.is_told and one.status != "needs_carrier"
    ]


def _told_parcel(parcel: Parcel) -> contract.Parcel:
    return contract.Parcel(**{name: getattr(parcel, name) for name in contract.Parcel.model_fields})


def changed(shipment: Shipment, **fields: Any) -> Shipment:
    """The shipment after a change that somebody or something made: a version more."""
    return replace(shipment, version=shipment.version + 1, **fields)


def cancelled(shipment: Shipment, at: datetime, because: str) -> Shipment:
    """It will not leave; its label, if there is one, is given back."""
    return changed(shipment, status="cancelled", cancelled_at=at, cancelled_because=because)


def live(shipments: Iterable[Shipment]) -> Sequence[Shipment]:
    """Those that count."""
    return [one for one in shipments if one.status != "cancelled"]
