"""`shipments.events`: fulfilment says by what and how an order is shipped."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.fields import Count, Text, Timestamp, WireContract
from shared.contracts.order import Quantity

ShipmentStatus = Literal["ready", "labelled", "shipped", "delivered", "returned", "cancelled"]
TrackingStatus = Literal[
    "pre_transit",
    "in_transit",
    "out_for_delivery",
    "failed_attempt",
    "ready_for_pickup",
    "delivered",
    "return_to_sender",
]


class ShipmentLine(WireContract):
    """Pieces of one line of the order: by the store's own id of it, else by its place (from 0)."""

    id: Text | None = None
    index: Count
    sku: Text | None = None
    quantity: Quantity


class Parcel(WireContract):
    """One box and what its carrier says of it; numbers count from 1 within a shipment."""

    number: Count
    tracking_number: Text | None = None
    tracking_url: Text | None = None
    tracking_status: TrackingStatus | None = None
    tracking_status_at: Timestamp | None = None
    weight_grams: Count | None = None


class Shipment(WireContract):
    """Some of an order's pieces, sent together: both parties of the order are told the same.

    `carrier`, `service` and `warehouse` were chosen by shipping rules or by a person; all None
    where the order is shipped by a system of the owner's own.
    """

    id: UUID
    status: ShipmentStatus
    carrier: Text | None = None
    service: Text | None = None
    warehouse: Text | None = None
    lines: Annotated[tuple[ShipmentLine, ...], Field(max_length=2_000)] = ()
    parcels: Annotated[tuple[Parcel, ...], Field(max_length=100)] = ()
    created_at: Timestamp
    shipped_at: Timestamp | None = None
    delivered_at: Timestamp | None = None
    cancelled_at: Timestamp | None = None


class ShipmentsChanged(WireContract):
    """`shipments.events`, key `order_id`: all that there is to tell of an order's shipments.

    Always the full state, never a patch. `version` rises: it is the time in milliseconds, or one
    more than the one before, so that it does so whatever a database has lost. What waits for a
    carrier, or for an owner's own system, is not told of.
    """

    order_id: UUID
    version: Count
    shipments: Annotated[tuple[Shipment, ...], Field(max_length=100)] = ()
    changed_at: Timestamp
