"""`orders.events`: routing says what became of an order; the value is the body of the webhook."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from shared.contracts.connections_changed import Party
from shared.contracts.fields import Timestamp, WireContract
from shared.contracts.order import Order, OrderStatus
from shared.contracts.shipments_events import Shipment

OrderEventType = Literal[
    "order.created", "order.updated", "order.unassigned", "order.cancelled", "order.returned"
]
# A header of `orders.events`; see `OrderState`.
ORDER_STATE = "ce_orderstate"
HoldKind = Literal["payment", "address", "stock", "fraud", "customer", "other"]


class Hold(WireContract):
    """Why an open order must not be worked yet, and who may lift that."""

    id: UUID
    kind: HoldKind
    note: str | None = None
    release_by: Party
    placed_at: Timestamp


class OrderEventData(WireContract):
    """The `data` of an order event: the full order, and where it stands.

    `sequence` counts the events of this order, gap-free from 1. `version` is the assignment
    version that the next command has to name. `connection_id` is whose event this is; None when
    the brand owns the order itself. `epoch`, `settings_version` and the three owners are the
    snapshot of that connection. In `order.unassigned` the `order` is None, and `reason` says why it
    was taken back: who must stop needs no buyer's data. `shipments` are those that there is
    anything to tell of, the same for every reader.
    """

    id: UUID
    store_id: UUID
    external_id: str
    status: OrderStatus
    sequence: int
    version: int
    connection_id: UUID | None
    settings_version: int | None = None
    changed_fields: tuple[str, ...] = ()
    cancel_too_late: bool = False
    number: str | None = None
    holds: tuple[Hold, ...] = ()
    epoch: int | None = None
    shipping_rules_owner: Party | None = None
    billing_owner: Party | None = None
    support_owner: Party | None = None
    reason: str | None = None
    shipments: tuple[Shipment, ...] = ()
    order: Order | None


class OrderEvent(WireContract):
    """The value on `orders.events`, and the very bytes of the webhook body."""

    type: OrderEventType
    timestamp: Timestamp
    data: OrderEventData


class OrderState(WireContract):
    """What routing knows of an order besides the event, in the header `ce_orderstate`.

    For routing alone, which takes over from its own log what its database has lost; nobody is sent
    it. `outcome` and `why` are the line of the history. `three_pl_id` has the order or had it last.
    `content_hash` is in hex, `log_position` is generation, partition and offset of the newest
    message of the store that counted, which was accepted at `source_received_at`. `placed_by` says
    which account placed a hold.
    """

    outcome: str
    why: dict[str, str | int | None] = Field(default_factory=dict)
    three_pl_id: UUID | None = None
    accepted_at: Timestamp
    source_updated_at: Timestamp
    source_received_at: Timestamp | None = None
    content_hash: str
    log_position: tuple[int, int, int] | None = None
    tombstone: bool = False
    placed_by: dict[UUID, UUID] = Field(default_factory=dict)
    shipments_version: int = 0


@dataclass(frozen=True, slots=True)
class OrderEventAttributes:
    """What the delivery side needs to know of an event, without opening its body.

    CloudEvents context attributes (1.0, section 3; `sequence` and `partitionkey` as in its
    extensions), in `ce_` headers on `orders.events`, key `order_id`.
    """

    id: UUID
    type: str
    order_id: UUID
    sequence: int
    store_id: UUID
    brand_id: UUID
    three_pl_id: UUID | None
    connection_id: UUID | None
    endpoint_id: UUID | None
    status: OrderStatus | None = None

    def headers(self) -> dict[str, str]:
        """As `ce_` headers; absent attributes are left out, as CloudEvents asks."""
        named = {
            "ce_specversion": "1.0",
            "ce_id": str(self.id),
            "ce_type": self.type,
            "ce_source": "/relevo/routing",
            "ce_subject": str(self.order_id),
            "ce_sequence": str(self.sequence),
            "ce_storeid": str(self.store_id),
            "ce_brandid": str(self.brand_id),
        }
        for name, value in (
            ("ce_threeplid", self.three_pl_id),
            ("ce_connectionid", self.connection_id),
            ("ce_endpointid", self.endpoint_id),
            ("ce_orderstatus", self.status),
        ):
            if value is not None:
                named[name] = str(value)
        return named

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> Self:
        """The attributes of one record.

        Raises:
            KeyError: a required attribute is missing (the key names the header).
            ValueError: an id or the sequence is malformed.
        """

        def optional(name: str) -> UUID | None:
            value = headers.get(name)
            return UUID(value) if value else None

        return cls(
            id=UUID(headers["ce_id"]),
            type=headers["ce_type"],
            order_id=UUID(headers["ce_subject"]),
            sequence=int(headers["ce_sequence"]),
            store_id=UUID(headers["ce_storeid"]),
            brand_id=UUID(headers["ce_brandid"]),
            three_pl_id=optional("ce_threeplid"),
            connection_id=optional("ce_connectionid"),
            endpoint_id=optional("ce_endpointid"),
            status=OrderStatus(headers["ce_orderstatus"]) if "ce_orderstatus" in headers else None,
        )
