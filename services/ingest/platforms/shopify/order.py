"""Shopify: the order resource of its REST Admin API as the webhook body. Pure.

`README.md` beside this file says which field becomes which. Fields that we do not carry are
ignored; what does not fit goes into quarantine.
"""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from services.ingest.platforms import Headers, PlatformOrder
from shared.contracts import fields
from shared.contracts import order as contract

TOPIC_HEADER = "x-shopify-topic"
_DELETED = "orders/delete"


def _as_text(value: Any) -> Any:
    """Ids and amounts come as numbers or as strings; ours are text. A float would lose digits."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_as_text)]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Named(_Lenient):
    name: str
    value: Any = None


class _Line(_Lenient):
    id: Text | None = None
    sku: str | None = None
    title: str
    variant_title: str | None = None
    quantity: int
    price: Text
    grams: int | None = None
    requires_shipping: bool | None = True
    properties: list[_Named] | None = None


class _ShippingLine(_Lenient):
    title: str | None = None
    code: str | None = None
    price: Text | None = None


class _Discount(_Lenient):
    code: str


class _Address(_Lenient):
    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: Text | None = None
    country: str | None = None
    country_code: str | None = None
    phone: Text | None = None


class _Customer(_Lenient):
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: Text | None = None


class ShopifyOrder(_Lenient):
    """What of Shopify's order we carry."""

    id: int | str
    name: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    cancelled_at: AwareDatetime | None = None
    currency: str
    total_price: Text
    email: str | None = None
    phone: Text | None = None
    customer: _Customer | None = None
    shipping_address: _Address | None = None
    billing_address: _Address | None = None
    line_items: list[_Line] = Field(default_factory=list)
    shipping_lines: list[_ShippingLine] = Field(default_factory=list)
    discount_codes: list[_Discount] = Field(default_factory=list)
    tags: str | None = None
    note: str | None = None
    note_attributes: list[_Named] = Field(default_factory=list)
    financial_status: str | None = None
    total_weight: int | None = None
    test: bool = False


class _Deleted(_Lenient):
    id: int | str


_ORDER = TypeAdapter(ShopifyOrder)
_DELETE = TypeAdapter(_Deleted)
_ID = TypeAdapter(fields.ExternalId)
# An escaped NUL, with the escaped backslashes before it. No buyer meant it, PostgreSQL holds none,
# and their order is not to wait in quarantine for it.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def parse(body: bytes, headers: Headers, now: datetime) -> PlatformOrder:
    """What a webhook says.

    Args:
        body: the raw webhook body.
        headers: with `X-Shopify-Topic`; everything but `orders/delete` carries the full order.
        now: a deletion carries no time of its own; this is taken.

    Raises:
        ValidationError: the body is not such an order.
    """
    if b"\\u0000" in body:
        body = _NUL.sub(rb"\1", body)
    if headers.get(TOPIC_HEADER) == _DELETED:
        external_id = _ID.validate_python(str(_DELETE.validate_json(body).id))
        return PlatformOrder("delete", external_id, now, None)
    order = _order(_ORDER.validate_json(body))
    return PlatformOrder("upsert", order.external_id, order.updated_at, order)


def _order(source: ShopifyOrder) -> contract.Order:
    return contract.Order(
        external_id=str(source.id),
        number=source.name,
        created_at=source.created_at,
        updated_at=source.updated_at,
        cancelled_at=source.cancelled_at,
        currency=source.currency,
        total=source.total_price,
        email=source.email,
        phone=source.phone,
        customer=_customer(source.customer),
        shipping_address=_address(source.shipping_address),
        billing_address=_address(source.billing_address),
        lines=tuple(_line(line) for line in source.line_items),
        shipping_lines=tuple(
            contract.ShippingLine(title=line.title or "", code=line.code, price=line.price)
            for line in source.shipping_lines
        ),
        discount_codes=tuple(discount.code for discount in source.discount_codes),
        tags=tuple(tag.strip() for tag in (source.tags or "").split(",") if tag.strip()),
        note=source.note,
        attributes=_named(source.note_attributes),
        financial_status=source.financial_status,
        weight_grams=source.total_weight,
        test=source.test,
    )


def _customer(source: _Customer | None) -> contract.Customer | None:
    if source is None:
        return None
    name = " ".join(part for part in (source.first_name, source.last_name) if part)
    return contract.Customer(name=name or None, email=source.email, phone=source.phone)


def _address(source: _Address | None) -> contract.Address | None:
    return contract.Address(**dict(source)) if source else None


def _line(source: _Line) -> contract.LineItem:
    return contract.LineItem(
        id=source.id,
        sku=source.sku,
        title=source.title,
        variant_title=source.variant_title,
        quantity=source.quantity,
        price=source.price,
        grams=source.grams,
        requires_shipping=source.requires_shipping is not False,
        properties=_named(source.properties or ()),
    )


def _named(pairs: Any) -> dict[str, str]:
    return {pair.name: "" if pair.value is None else str(pair.value) for pair in pairs}
