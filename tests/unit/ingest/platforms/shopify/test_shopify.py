"""Shopify's order as ours, and its signature."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError

from services.ingest.platforms import PlatformOrder
from services.ingest.platforms.shopify import PLATFORM, signature
from shared.contracts.order import Address, Customer, LineItem, Order, ShippingLine

BODY = (Path(__file__).parent / "order.json").read_bytes()
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ADDRESS = Address(
    name="Ana Ruiz", address1="Hafenstr. 4", city="Hamburg", province="Hamburg",
    province_code="HH", zip="20457", country="Germany", country_code="DE",
)  # fmt: skip


def parse(body: bytes, topic: str) -> PlatformOrder:
    return PLATFORM.parse(body, {"x-shopify-topic": topic}, NOW)


def test_the_documented_order_becomes_ours_whole() -> None:
    parsed = parse(BODY, "orders/create")
    assert parsed.action == "upsert"
    assert parsed.external_id == "9007199254740993"
    assert parsed.updated_at == datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
    assert parsed.order == Order(
        external_id="9007199254740993",
        number="#1042",
        created_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        updated_at=datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC),
        currency="EUR",
        total="63.90",
        email="ana@example.com",
        customer=Customer(name="Ana Ruiz", email="ana@example.com", phone="+49401234"),
        shipping_address=ADDRESS.model_copy(update={"address2": "3rd floor"}),
        billing_address=ADDRESS,
        lines=(
            LineItem(
                id="14800000000001", sku="MUG-B", title="Mug", variant_title="Blue",
                quantity=2, price="29.00", grams=410, properties={"engraving": "Ana"},
            ),
        ),
        shipping_lines=(ShippingLine(title="DHL Parcel", code="DHL", price="5.90"),),
        discount_codes=("SPRING",),
        tags=("vip", "fragile"),
        note="Ring twice",
        attributes={"gift": "yes", "floor": "3"},
        financial_status="paid",
        weight_grams=820,
    )  # fmt: skip


def test_a_deletion_carries_the_id_alone() -> None:
    parsed = parse(b'{"id": 9007199254740993}', "orders/delete")
    assert parsed == PlatformOrder("delete", "9007199254740993", NOW, None)


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"id": 1.5}', b"\xff"])
def test_what_is_no_order_is_refused(body: bytes) -> None:
    with pytest.raises(ValidationError):
        parse(body, "orders/create")


@pytest.mark.parametrize("order_id", ["", "1\n2", "9" * 129])
@pytest.mark.parametrize("topic", ["orders/create", "orders/delete"])
def test_an_id_that_could_not_be_kept_is_refused_before_it_is_accepted(
    topic: str, order_id: str
) -> None:
    body = orjson.dumps({**orjson.loads(BODY), "id": order_id})
    with pytest.raises(ValidationError):
        parse(body, topic)


def test_nul_which_postgres_cannot_hold_is_left_out_and_what_only_looks_like_it_stays() -> None:
    note = "a\0\0b\\u0000c\\\0d"
    body = orjson.dumps({**orjson.loads(BODY), "note": note})
    order = parse(body, "orders/create").order
    assert order is not None
    assert order.note == note.replace("\0", "")


@pytest.mark.parametrize("missing", ["id", "created_at", "updated_at", "currency", "total_price"])
def test_what_cannot_be_done_without_is_named(missing: str) -> None:
    source = orjson.loads(BODY)
    del source[missing]
    with pytest.raises(ValidationError, match=missing):
        parse(orjson.dumps(source), "orders/updated")


def test_only_the_right_secret_and_body_make_the_signature() -> None:
    signed = base64.b64encode(hmac.new(b"s3cret", BODY, hashlib.sha256).digest()).decode()
    assert signature.is_valid([b"s3cret"], BODY, signed)
    assert signature.is_valid([b"new", b"s3cret"], BODY, signed), "while secrets rotate"
    assert not signature.is_valid([b"other"], BODY, signed)
    assert not signature.is_valid([], BODY, signed)
    assert not signature.is_valid([b"s3cret"], BODY + b" ", signed)
    assert not signature.is_valid([b"s3cret"], BODY, "")
    assert not signature.is_valid([b"s3cret"], BODY, "nön-ascii")
