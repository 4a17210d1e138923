"""Shopify: the order resource of its REST Admin API as the webhook body. Pure.

`README.md` beside this file says which field becomes which. Fields that we do not carry are
ignored; what does not fit goes into quarantine.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, FailFast, TypeAdapter
from typing_extensions import TypeAliasType

from services.ingest.platforms import Headers, PlatformOrder
from shared.contracts import fields
from shared.contracts import order as contract

TOPIC_HEADER = "x-shopify-topic"
_DELETED = "orders/delete"
# Those whose body is the whole order (https://shopify.dev/docs/api/webhooks); `orders/edited` has
# another one, and an `orders/updated` comes with it.
_ORDER_TOPICS = frozenset(
    {
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/fulfilled",
        "orders/partially_fulfilled",
    }
)
_OURS = frozenset({"manual", ""})
_TITLE_CHARACTERS, _NOTE_CHARACTERS = 1_000, 20_000
_LARGEST_EXACT = 10**15


def _as_text(value: Any) -> Any:
    """Ids and amounts come as numbers or as strings; ours are text, every digit of them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and abs(value) < _LARGEST_EXACT:
        # The shortest text that is this number; JSON's 29.90 is 29.9.
        return f"{Decimal(repr(value)):f}"
    return value


def _as_id(value: Any) -> Any:
    """An id is a whole number or text: `true` and 100.0 would be another order's."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("an id is a whole number or text")  # noqa: TRY004  pydantic's way
    return str(value)


def _as_whole(value: Any) -> Any:
    """Grams, also where a JSON writer made 410 a 410.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Of an order, as its contract has it; not checked yet.
Part = dict[str, Any]
Id = Annotated[str, BeforeValidator(_as_id)]
Text = Annotated[str, BeforeValidator(_as_text)]
Whole = Annotated[int, BeforeValidator(_as_whole)]


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Named(_Lenient):
    name: str
    value: Any = None


class _Line(_Lenient):
    id: Id | None = None
    sku: str | None = None
    title: str
    variant_title: str | None = None
    variant_id: Id | None = None
    product_id: Id | None = None
    quantity: int
    current_quantity: int | None = None
    fulfillable_quantity: int | None = None
    fulfillment_service: str | None = None
    price: Text
    grams: Whole | None = None
    requires_shipping: bool | None = True
    properties: list[_Named] | None = None


# The first wrong one ends it: naming thousands would take as many seconds.
_Lines = TypeAliasType("_Lines", Annotated[list[_Line], FailFast()])


class _ShippingLine(_Lenient):
    title: str | None = None
    code: str | None = None
    price: Text | None = None


class _Discount(_Lenient):
    code: str


class _Address(_Lenient):
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
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

    id: Id
    name: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    cancelled_at: AwareDatetime | None = None
    currency: str
    total_price: Text
    current_total_price: Text | None = None
    email: str | None = None
    phone: Text | None = None
    customer: _Customer | None = None
    shipping_address: _Address | None = None
    billing_address: _Address | None = None
    line_items: _Lines | None = None
    shipping_lines: list[_ShippingLine] | None = None
    discount_codes: list[_Discount] | None = None
    tags: str | None = None
    note: str | None = None
    note_attributes: list[_Named] | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    payment_gateway_names: list[str] | None = None
    total_weight: Whole | None = None
    test: bool | None = None


class _Deleted(_Lenient):
    id: Id


_ORDER = TypeAdapter(ShopifyOrder)
_DELETE = TypeAdapter(_Deleted)
_ID = TypeAdapter(fields.ExternalId)
# An escaped NUL, with the escaped backslashes before it. No buyer meant it, PostgreSQL holds none,
# and their order is not to wait in quarantine for it.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def parse(body: bytes, headers: Headers, now: datetime) -> PlatformOrder | None:
    """What a webhook says; None for a topic that is about no order.

    Args:
        body: the raw webhook body.
        headers: with `X-Shopify-Topic`.
        now: a deletion carries no time of its own; this is taken.

    Raises:
        ValidationError: the body is not such an order.
    """
    topic = headers.get(TOPIC_HEADER, "")
    if topic not in _ORDER_TOPICS and topic != _DELETED:
        return None
    if b"\\u0000" in body:
        body = _NUL.sub(rb"\1", body)
    if topic == _DELETED:
        external_id = _ID.validate_python(_DELETE.validate_json(body).id)
        return PlatformOrder("delete", external_id, now, None)
    order = _order(_ORDER.validate_json(body))
    return PlatformOrder("upsert", order.external_id, order.updated_at, order)


def _order(source: ShopifyOrder) -> contract.Order:
    # All of it checked at once: a model for each part takes twice as long.
    return contract.Order.model_validate(
        {
            "external_id": source.id,
            "number": source.name,
            "created_at": source.created_at,
            "updated_at": source.updated_at,
            "cancelled_at": source.cancelled_at,
            "currency": source.currency,
            # After edits and refunds; the original one is not what there is to be packed.
            "total": source.current_total_price or source.total_price,
            "original_total": source.total_price,
            "email": source.email,
            "phone": source.phone,
            "customer": _customer(source.customer),
            "shipping_address": _address(source.shipping_address),
            "billing_address": _address(source.billing_address),
            "lines": [_line(line) for line in source.line_items or ()],
            "shipping_lines": [
                {
                    "title": _cut(line.title, _TITLE_CHARACTERS) or "",
                    "code": line.code,
                    "price": line.price,
                }
                for line in source.shipping_lines or ()
            ],
            "discount_codes": [discount.code for discount in source.discount_codes or ()],
            "tags": [tag.strip() for tag in (source.tags or "").split(",") if tag.strip()],
            "note": _cut(source.note, _NOTE_CHARACTERS),
            "attributes": _named(source.note_attributes or ()),
            "financial_status": source.financial_status,
            "payment_methods": source.payment_gateway_names or (),
            "fulfilment_status": source.fulfillment_status,
            "weight_grams": source.total_weight,
            "test": bool(source.test),
        }
    )


def _cut(text: str | None, most: int) -> str | None:
    """No more than we carry: goods are not to wait for the end of a long text."""
    return text if text is None or len(text) <= most else f"{text[: most - 1]}…"


def _full_name(first: str | None, last: str | None) -> str | None:
    return " ".join(part for part in (first, last) if part) or None


def _customer(source: _Customer | None) -> Part | None:
    if source is None:
        return None
    name = _full_name(source.first_name, source.last_name)
    return {"name": name, "email": source.email, "phone": source.phone}


def _address(source: _Address | None) -> Part | None:
    if source is None:
        return None
    parts = dict(source)
    name = _full_name(parts.pop("first_name"), parts.pop("last_name"))
    return {**parts, "name": source.name or name}


def _line(source: _Line) -> Part:
    service = source.fulfillment_service or ""
    others = None if service in _OURS else service
    return {
        "id": source.id,
        "sku": source.sku,
        "title": _cut(source.title, _TITLE_CHARACTERS) or "",
        "variant_title": _cut(source.variant_title, _TITLE_CHARACTERS),
        "variant_id": source.variant_id,
        "product_id": source.product_id,
        "quantity": source.quantity,
        "current_quantity": source.current_quantity,
        "to_fulfil_quantity": 0 if others else source.fulfillable_quantity,
        "fulfilled_by": others,
        "price": source.price,
        "grams": source.grams,
        "requires_shipping": source.requires_shipping is not False,
        "properties": _named(source.properties or ()),
    }


def _named(pairs: Iterable[_Named]) -> dict[str, str]:
    """Name → value; of several with one name each is kept, numbered."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, number = _cut(pair.name, _TITLE_CHARACTERS - 10) or "", 1
        while (unique := name if number == 1 else f"{name} ({number})") in found:
            number += 1
        found[unique] = _cut(_value(pair.value), _NOTE_CHARACTERS) or ""
    return found


def _value(value: Any) -> str:
    """A value as text; what is none, as the JSON that it was."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
