"""The wire contracts: what stands on each topic, as frozen models.

Messages are CloudEvents 1.0 in Kafka binary mode: the value is the JSON body alone, the context
attributes are `ce_` headers. Contracts change only by adding; golden files in
`tests/contract/golden` hold one example of each, byte for byte.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, NewType, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

StoreId = NewType("StoreId", UUID)
OrderId = NewType("OrderId", UUID)
ConnectionId = NewType("ConnectionId", UUID)
AccountId = NewType("AccountId", UUID)
EndpointId = NewType("EndpointId", UUID)


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time that UTC cannot hold") from error


# RFC 3339 in UTC with `Z`, whatever offset the source wrote.
Timestamp = Annotated[AwareDatetime, AfterValidator(_to_utc)]
# A decimal string: money is never a float.
Amount = Annotated[str, StringConstraints(pattern=r"^-?\d{1,15}(\.\d{1,6})?$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
# PostgreSQL holds no NUL in a text; ids and names have no use for any control character.
_NO_NUL = r"^[^\x00]*$"
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, StringConstraints(max_length=1_000, pattern=_NO_NUL)]
LongText = Annotated[str, StringConstraints(max_length=20_000, pattern=_NO_NUL)]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=PRINTABLE)]


class Contract(BaseModel):
    """A frozen model that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WireContract(BaseModel):
    """A frozen model read from the log: a newer producer may have added fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


# --- the order ----------------------------------------------------------------------------------


class Address(Contract):
    """A postal address, as the store has it."""

    name: Text | None = None
    company: Text | None = None
    address1: Text | None = None
    address2: Text | None = None
    city: Text | None = None
    province: Text | None = None
    province_code: Text | None = None
    zip: Text | None = None
    country: Text | None = None
    country_code: Text | None = None
    phone: Text | None = None


class LineItem(Contract):
    """One line: `quantity` pieces of `sku` at `price` each, `grams` the weight of one piece."""

    id: Text | None = None
    sku: Text | None = None
    title: Text
    variant_title: Text | None = None
    quantity: Annotated[int, Field(ge=0, le=1_000_000)]
    price: Amount
    grams: Annotated[int, Field(ge=0)] | None = None
    requires_shipping: bool = True
    properties: dict[Text, LongText] = Field(default_factory=dict)


class ShippingLine(Contract):
    """The delivery method that the buyer chose."""

    title: Text
    code: Text | None = None
    price: Amount | None = None


class Customer(Contract):
    """The buyer."""

    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None


class Order(Contract):
    """One order of one store: always the full current state, never a patch.

    `external_id` is the store's own id, as text: platform ids exceed 2^53.
    """

    external_id: ExternalId
    number: Text | None = None
    created_at: Timestamp
    updated_at: Timestamp
    cancelled_at: Timestamp | None = None
    currency: Currency
    total: Amount
    email: Text | None = None
    phone: Text | None = None
    customer: Customer | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    lines: Annotated[tuple[LineItem, ...], Field(max_length=2_000)] = ()
    shipping_lines: Annotated[tuple[ShippingLine, ...], Field(max_length=100)] = ()
    discount_codes: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    tags: Annotated[tuple[Text, ...], Field(max_length=500)] = ()
    note: LongText | None = None
    attributes: dict[Text, LongText] = Field(default_factory=dict)
    financial_status: Text | None = None
    weight_grams: Annotated[int, Field(ge=0)] | None = None
    test: bool = False


class OrderStatus(StrEnum):
    """Where an order is in its life; the transitions stand in `services.routing.lifecycle`."""

    OPEN = "open"
    ON_HOLD = "on_hold"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    CANCELLATION_REQUESTED = "cancellation_requested"


# --- orders.received ----------------------------------------------------------------------------


class OrderReceived(WireContract):
    """`orders.received`, key `{store_id}:{external_id}`: a store told us the state of an order.

    `order` is None only for `delete`, where platforms send the id alone.
    `updated_at` is the source's own clock (one-second resolution at most platforms).
    `brand_id` is the store's account, so that routing knows whose order it is without asking.
    """

    store_id: UUID
    brand_id: UUID
    external_id: ExternalId
    action: Literal["upsert", "delete"]
    updated_at: Timestamp
    received_at: Timestamp
    order: Order | None = None

    @property
    def key(self) -> str:
        """The order key: what must stay in order shares a partition."""
        return f"{self.store_id}:{self.external_id}"


# --- connections.changed and stores.changed -----------------------------------------------------


class ConnectionState(StrEnum):
    """`pending → inactive ⇄ active → disconnected`; `disconnected` and `expired` are final."""

    PENDING = "pending"
    INACTIVE = "inactive"
    ACTIVE = "active"
    DISCONNECTED = "disconnected"
    EXPIRED = "expired"


Party = Literal["brand", "three_pl"]


class ConnectionSettings(WireContract):
    """One settings version of a connection; bound whole to an order when it enters."""

    version: int
    shipping_rules_owner: Party = "brand"
    billing_owner: Party = "brand"
    support_owner: Party = "brand"
    endpoint_id: UUID | None = None


class ConnectionEndpoint(WireContract):
    """A webhook endpoint that the connection has or had.

    `sealed_secrets`: `whsec_…` signing secrets, newest first, sealed by `shared.sealing`.
    """

    id: UUID
    url: str
    sealed_secrets: tuple[str, ...]


class ConnectionChanged(WireContract):
    """`connections.changed`, key `connection_id`, compacted: the full state of a connection.

    `version` grows by one with every change, `epoch` with every activation. Every endpoint the
    connection ever had is listed, so that the newest message alone rebuilds a projection.
    """

    connection_id: UUID
    store_id: UUID
    brand_id: UUID
    three_pl_id: UUID
    state: ConnectionState
    version: int
    epoch: int
    priority: int
    settings: ConnectionSettings
    endpoints: tuple[ConnectionEndpoint, ...] = ()
    changed_at: Timestamp


class StoreCredential(WireContract):
    """A way a store proves itself: an API key by its hash, a platform secret sealed.

    `api_key`: `digest` is the hex SHA-256 of the key. `shopify`: `sealed_secret` is the app's
    client secret, sealed by `shared.sealing`.
    """

    id: UUID
    kind: Literal["api_key", "shopify", "woocommerce", "standard_webhooks"]
    digest: str | None = None
    sealed_secret: str | None = None


class StoreChanged(WireContract):
    """`stores.changed`, key `store_id`, compacted: a store with the credentials valid now."""

    store_id: UUID
    brand_id: UUID
    platform: str
    domain: str
    version: int
    credentials: tuple[StoreCredential, ...] = ()
    changed_at: Timestamp


# --- orders.events ------------------------------------------------------------------------------

OrderEventType = Literal["order.created", "order.updated", "order.unassigned", "order.cancelled"]


class OrderEventData(WireContract):
    """The `data` of an order event: the full order, and where it stands.

    `sequence` counts the events of this order, gap-free from 1. `version` is the assignment
    version that the next command has to name. `connection_id` is whose event this is; None when
    the brand holds the order itself.
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
    order: Order | None


class OrderEvent(WireContract):
    """The value on `orders.events`, and the very bytes of the webhook body."""

    type: OrderEventType
    timestamp: Timestamp
    data: OrderEventData


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
        )


# --- topics -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and how it keeps its records. `<name>.dlq` holds its dead letters."""

    name: str
    event_type: str
    compacted: bool = False

    @property
    def dead_letters(self) -> str:
        """The name of its dead-letter topic."""
        return f"{self.name}.dlq"


ORDERS_RECEIVED = Topic("orders.received", "order.received")
ORDERS_EVENTS = Topic("orders.events", "order.*")
CONNECTIONS_CHANGED = Topic("connections.changed", "connection.changed", compacted=True)
STORES_CHANGED = Topic("stores.changed", "store.changed", compacted=True)
TOPICS = (ORDERS_RECEIVED, ORDERS_EVENTS, CONNECTIONS_CHANGED, STORES_CHANGED)
