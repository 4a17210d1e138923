"""The bodies of what is done with shipments, and its answers."""

from collections import Counter
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field, field_validator

from services.fulfilment.shipments.shipment import MOST_PARCELS, Shipment, Status
from shared.contracts.fields import DISPLAYABLE, Count, Timestamp
from shared.contracts.shipments_events import TrackingStatus
from shared.failures import Refused
from shared.rules.shipping_rules import Shipping
from shared.web import problems
from shared.web.parameters import Form

_TrackingNumber = Annotated[str, Field(min_length=1, max_length=100, pattern=DISPLAYABLE)]
# A page that people are sent to: never a script.
_TrackingUrl = Annotated[str, Field(max_length=1_000, pattern=r"^https?://[^\x00-\x20\x7f]+$")]


class Versioned(Form):
    """The version of the shipment that the caller saw (compare-and-set)."""

    version: int = Field(ge=0, le=2**31 - 1)


class ChooseBody(Versioned):
    """By whom it is carried; no rule changes that again."""

    shipping: Shipping


class Box(Form):
    """One box, packed: what it weighs and measures."""

    weight_grams: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    length_mm: Annotated[int, Field(ge=1, le=10_000)] | None = None
    width_mm: Annotated[int, Field(ge=1, le=10_000)] | None = None
    height_mm: Annotated[int, Field(ge=1, le=10_000)] | None = None


class PackBody(Versioned):
    """Its boxes, all of them."""

    parcels: list[Box] = Field(min_length=1, max_length=MOST_PARCELS)


class SplitLine(Form):
    """So many pieces of the line of the order with that place (from 0)."""

    index: Count
    quantity: int = Field(ge=1, le=1_000_000)


class SplitBody(Versioned):
    """What becomes a shipment of its own."""

    lines: list[SplitLine] = Field(min_length=1, max_length=2_000)

    @field_validator("lines")
    @classmethod
    def _once_each(cls, lines: list[SplitLine]) -> list[SplitLine]:
        times = Counter(line.index for line in lines)
        if any(count > 1 for count in times.values()):
            raise ValueError("a line is named once at most")
        return lines


class ParcelSeen(Form):
    """What is known of one parcel, by its number from 1; what is left out stays as it is."""

    number: Annotated[int, Field(ge=1, le=MOST_PARCELS)] = 1
    tracking_number: _TrackingNumber | None = None
    tracking_url: _TrackingUrl | None = None
    status: TrackingStatus | None = None
    at: Timestamp | None = None


class TrackBody(Versioned):
    """Merged with what is known: a parcel goes forward only."""

    parcels: list[ParcelSeen] = Field(min_length=1, max_length=MOST_PARCELS)


class ShipBody(Versioned):
    """It has left the warehouse, in these parcels."""

    parcels: list[ParcelSeen] = Field(default_factory=list, max_length=MOST_PARCELS)


class ShipOne(ShipBody):
    """One of many."""

    shipment_id: UUID


class ShipMany(Form):
    """Up to 500 shipments that have left, each by itself."""

    shipments: list[ShipOne] = Field(min_length=1, max_length=500)

    @field_validator("shipments")
    @classmethod
    def _once_each(cls, shipments: list[ShipOne]) -> list[ShipOne]:
        if len({one.shipment_id for one in shipments}) < len(shipments):
            raise ValueError("a shipment is named once at most")
        return shipments


class ShipmentState(BaseModel):
    """The shipment after a command."""

    id: UUID
    order_id: UUID
    status: Status
    version: int


class ShipDone(BaseModel):
    """It is done."""

    shipment_id: UUID
    ok: Literal[True] = True
    shipment: ShipmentState


class ShipRefused(BaseModel):
    """Nothing was changed about this one; `problem` is what a single command would answer."""

    shipment_id: UUID
    ok: Literal[False] = False
    problem: problems.Problem


class ShipResults(BaseModel):
    """One result for each shipment, in the order of the request."""

    results: list[ShipDone | ShipRefused]


def state_of(result: Shipment | Refused) -> ShipmentState:
    """What a single command answers.

    Raises:
        Refused: it was.
    """
    if isinstance(result, Refused):
        raise result
    return ShipmentState(
        id=result.id, order_id=result.order_id, status=result.status, version=result.version
    )


def outcome_of(
    request: Request, shipment_id: UUID, result: Shipment | Refused
) -> ShipDone | ShipRefused:
    """The same as one of many."""
    if isinstance(result, Refused):
        found = problems.document(request, result)
        return ShipRefused(shipment_id=shipment_id, problem=problems.Problem.model_validate(found))
    return ShipDone(shipment_id=shipment_id, shipment=state_of(result))


class ReapplyBody(Form):
    """`preview`: nothing is changed. `after`: where the answer before this one ended."""

    preview: bool = True
    after: UUID | None = None
