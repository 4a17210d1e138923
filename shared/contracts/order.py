"""The order as it travels: always the full current state, never a patch.

This is the reader's view: a field that is not known here is ignored. What the API accepts from a
store is stricter (`services/ingest/order_in.py`).
"""

from enum import StrEnum
from typing import Annotated

from pydantic import FailFast, Field

from shared.contracts.fields import (
    Amount,
    Count,
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


Quantity = Annotated[int, Field(ge=0, le=1_000_000)]


class LineItem(WireContract):
    """One line: `quantity` pieces of `sku` at `price` each, `grams` the weight of one piece.

    `quantity` is what was ordered, `current_quantity` what is left of it after edits and refunds,
    `to_fulfil_quantity` what is left to pack; None means: as the one before. `fulfilled_by` names
    another service that packs the line; it is not to be packed by the order's owner then.
    """

    id: Text | None = None
    sku: Text | None = None
    title: Text
    variant_title: Text | None = None
    variant_id: Text | None = None
    product_id: Text | None = None
    quantity: Quantity
    current_quantity: Quantity | None = None
    to_fulfil_quantity: Quantity | None = None
    fulfilled_by: Text | None = None
    price: Amount
    grams: Count | None = None
    requires_shipping: bool = True
    properties: dict[Text, LongText] = Field(default_factory=dict)

    @property
    def to_pack(self) -> int:
        """Pieces that whoever has the order packs; what another service packs is none of theirs."""
        if self.fulfilled_by or not self.requires_shipping:
            return 0
        left = self.current_quantity if self.current_quantity is not None else self.quantity
        return self.to_fulfil_quantity if self.to_fulfil_quantity is not None else left


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

    `external_id` is the store's own id, as text: platform ids exceed 2^53. `total` is what it comes
    to now, `original_total` what it came to when it was placed. `financial_status` is the
    platform's word for its payment, `fulfilment_status` its word for what it has shipped itself.
    """

    external_id: ExternalId
    number: Text | None = None
    created_at: Timestamp
    updated_at: Timestamp
    cancelled_at: Timestamp | None = None
    currency: Currency
    total: Amount
    original_total: Amount | None = None
    email: Text | None = None
    phone: Text | None = None
    customer: Customer | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    lines: Annotated[tuple[LineItem, ...], Field(max_length=2_000), FailFast()] = ()
    shipping_lines: Annotated[tuple[ShippingLine, ...], Field(max_length=100)] = ()
    discount_codes: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    tags: Annotated[tuple[Text, ...], Field(max_length=500)] = ()
    note: LongText | None = None
    attributes: dict[Text, LongText] = Field(default_factory=dict)
    financial_status: Text | None = None
    payment_methods: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    fulfilment_status: Text | None = None
    weight_grams: Count | None = None
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
