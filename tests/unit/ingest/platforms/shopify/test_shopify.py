"""Shopify's order as ours, and its signature."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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


def parse(body: bytes, topic: str = "orders/updated") -> PlatformOrder:
    parsed = PLATFORM.parse(body, {"x-shopify-topic": topic}, NOW)
    assert parsed is not None
    return parsed


def order_with(**changes: Any) -> Order:
    """The sample order with other fields, as it is carried."""
    order = parse(orjson.dumps({**orjson.loads(BODY), **changes})).order
    assert order is not None
    return order


def line_with(**changes: Any) -> LineItem:
    """Its line with other fields."""
    (line,) = orjson.loads(BODY)["line_items"]
    return order_with(line_items=[{**line, **changes}]).lines[0]


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
        original_total="63.90",
        email="ana@example.com",
        customer=Customer(name="Ana Ruiz", email="ana@example.com", phone="+49401234"),
        shipping_address=ADDRESS.model_copy(update={"address2": "3rd floor"}),
        billing_address=ADDRESS,
        lines=(
            LineItem(
                id="14800000000001", sku="MUG-B", title="Mug", variant_title="Blue",
                variant_id="4", product_id="9",
                quantity=2, current_quantity=2, to_fulfil_quantity=2,
                price="29.00", grams=410, properties={"engraving": "Ana"},
            ),
        ),
        shipping_lines=(ShippingLine(title="DHL Parcel", code="DHL", price="5.90"),),
        discount_codes=("SPRING",),
        tags=("vip", "fragile"),
        note="Ring twice",
        attributes={"gift": "yes", "floor": "3"},
        financial_status="paid",
        payment_methods=("card",),
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


# --- what there is to pack --------------------------------------------------------------------


def test_ordered_current_and_to_fulfil_are_three_quantities() -> None:
    line = line_with(quantity=4, current_quantity=1, fulfillable_quantity=0)
    assert (line.quantity, line.current_quantity, line.to_fulfil_quantity) == (4, 1, 0)
    assert line.fulfilled_by is None


@pytest.mark.parametrize("service", ["manual", "", None])
def test_a_line_that_the_shop_packs_itself_is_to_be_packed_by_whoever_has_the_order(
    service: str | None,
) -> None:
    line = line_with(quantity=2, fulfillable_quantity=2, fulfillment_service=service)
    assert (line.to_fulfil_quantity, line.fulfilled_by) == (2, None)


def test_a_line_of_another_fulfilment_service_is_marked_and_not_to_be_packed() -> None:
    line = line_with(quantity=2, fulfillable_quantity=2, fulfillment_service="gift-cards-inc")
    assert (line.to_fulfil_quantity, line.fulfilled_by) == (0, "gift-cards-inc")


def test_the_total_is_the_current_one_and_the_original_is_kept() -> None:
    order = order_with(total_price="4283.11", current_total_price="1628.29")
    assert (order.total, order.original_total) == ("1628.29", "4283.11")


def test_a_line_is_known_by_its_variant_and_product_when_it_has_no_sku() -> None:
    line = line_with(sku=None, variant_id=9007199254740995, product_id="91")
    assert (line.sku, line.variant_id, line.product_id) == (None, "9007199254740995", "91")


def test_payment_and_fulfilment_of_the_store_are_carried() -> None:
    order = order_with(
        financial_status="pending", fulfillment_status="partial", payment_gateway_names=["COD"]
    )
    assert order.financial_status == "pending"
    assert order.fulfilment_status == "partial"
    assert order.payment_methods == ("COD",)


# --- topics, ids, odd shapes ------------------------------------------------------------------


@pytest.mark.parametrize(
    "topic",
    [
        "", "draft_orders/create", "checkouts/update", "carts/create", "order_transactions/create",
        "fulfillments/create", "returns/approve", "products/update", "orders/edited",
        "orders/novel",
    ],
)  # fmt: skip
def test_what_is_about_no_order_is_no_order_however_much_it_looks_like_one(topic: str) -> None:
    assert PLATFORM.parse(BODY, {"x-shopify-topic": topic}, NOW) is None


def test_without_a_topic_nothing_is_read() -> None:
    assert PLATFORM.parse(BODY, {}, NOW) is None


@pytest.mark.parametrize("order_id", [True, False, 100.0, 1e3, None, [], {}])
@pytest.mark.parametrize("topic", ["orders/create", "orders/delete"])
def test_what_is_no_id_does_not_become_another_orders(topic: str, order_id: object) -> None:
    body = orjson.dumps({**orjson.loads(BODY), "id": order_id})
    with pytest.raises(ValidationError, match="id"):
        parse(body, topic)


@pytest.mark.parametrize(
    "field",
    [
        "test", "note_attributes", "discount_codes", "shipping_lines", "tags", "note", "customer",
        "shipping_address", "payment_gateway_names", "total_weight",
    ],
)  # fmt: skip
def test_a_null_is_no_obstacle(field: str) -> None:
    assert order_with(**{field: None}).external_id == "9007199254740993"


@pytest.mark.parametrize(
    ("number", "text"), [(29.9, "29.9"), (29, "29"), (0.1, "0.1"), (1e-06, "0.000001")]
)
def test_money_as_a_json_number_keeps_its_digits(number: float, text: str) -> None:
    assert line_with(price=number).price == text


def test_grams_as_a_json_number_with_a_point_are_whole() -> None:
    assert line_with(grams=410.0).grams == 410
    assert order_with(total_weight=820.0).weight_grams == 820


@pytest.mark.parametrize("weight", [2**53, -1, 1.5])
def test_a_number_that_no_reader_could_keep_is_refused(weight: float) -> None:
    with pytest.raises(ValidationError):
        order_with(total_weight=weight)


def test_a_number_of_hundreds_of_digits_is_refused_like_any_other() -> None:
    body = json.dumps({**orjson.loads(BODY), "total_weight": 10**309}).encode()
    with pytest.raises(ValidationError):
        parse(body)


def test_values_that_are_no_text_are_kept_as_the_json_that_they_were() -> None:
    properties = [
        {"name": "a", "value": {"b": [1, True, None]}},
        {"name": "n", "value": 3},
        {"name": "none", "value": None},
    ]
    assert line_with(properties=properties).properties == {
        "a": '{"b":[1,true,null]}', "n": "3", "none": "",
    }  # fmt: skip


def test_of_properties_with_one_name_every_one_is_kept() -> None:
    properties = [{"name": "Coffees", "value": kind} for kind in ("Lima", "Kenia", "Java")]
    assert line_with(properties=properties).properties == {
        "Coffees": "Lima", "Coffees (2)": "Kenia", "Coffees (3)": "Java",
    }  # fmt: skip


def test_a_text_that_is_too_long_is_cut_and_the_goods_go_out() -> None:
    line = line_with(title="t" * 1_001, properties=[{"name": "p", "value": "v" * 20_001}])
    assert line.title == "t" * 999 + "…"
    assert line.properties["p"] == "v" * 19_999 + "…"


def test_an_address_without_a_name_has_first_and_last_name() -> None:
    address = orjson.loads(BODY)["shipping_address"]
    named = {**address, "name": None, "first_name": "Ana", "last_name": "Ruiz"}
    found = order_with(shipping_address=named).shipping_address
    assert found is not None
    assert found.name == "Ana Ruiz"


def test_digits_of_other_scripts_are_no_amount() -> None:
    with pytest.raises(ValidationError):
        order_with(current_total_price="١٢.00")


def test_thousands_of_wrong_lines_are_refused_by_the_first() -> None:
    body = orjson.dumps({**orjson.loads(BODY), "line_items": [{}] * 100_000})
    with pytest.raises(ValidationError) as refused:
        parse(body)
    assert refused.value.error_count() < 10
