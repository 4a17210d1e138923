"""The order as it travels: always the full current state, never a patch.

This is the reader's view: a field that is not known here is ignored. What the API accepts from a
store is stricter (`services/ingest/order_in.py`).
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.fields import (
    Amount,
    Currency,
    ExternalId,
    LongText,
    Text,
    Timestamp,
    WireContract,
)


class Address(WireContract):
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


class LineItem(WireContract):
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


class ShippingLine(WireContract):
    """The delivery method that the buyer chose."""

    title: Text
    code: Text | None = None
    price: Amount | None = None


class Customer(WireContract):
    """The buyer."""

    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None


class Order(WireContract):
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
