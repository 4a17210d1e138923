"""Orders as lines of a file."""

import csv
import io
from typing import Any
from uuid import UUID

from services.routing.lists.export import csv_header, csv_lines, ndjson_lines
from services.routing.lists.shown import OrderDetail
from shared.contracts.order import Address, LineItem, Order
from shared.contracts.orders_events import Hold
from tests.kit.builders import CONNECTION, NOON, ORDER, STORE


def an_order(*lines: LineItem, **fields: Any) -> OrderDetail:
    order = Order(
        external_id="1", created_at=NOON, updated_at=NOON, currency="EUR", total="-5.00",
        lines=lines, **fields,
    )  # fmt: skip
    return OrderDetail(
        id=ORDER, store_id=STORE, external_id="1", number="#1", status="on_hold",
        owner="three_pl", connection_id=CONNECTION, version=1, sequence=1, settings_version=1,
        total="-5.00", currency="EUR",
        holds=[Hold(id=UUID(int=1), kind="stock", note=None, release_by="brand", placed_at=NOON)],
        created_at=NOON, accepted_at=NOON, updated_at=NOON, cancel_too_late=False, epoch=1,
        shipping_rules_owner=None, billing_owner=None, support_owner=None, allowed_commands=[],
        shipments=[], order=order,
    )  # fmt: skip


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_header() + text, newline="")))


def test_each_item_has_a_line_with_the_orders_columns() -> None:
    mug = LineItem(sku="MUG", title='A "mug", blue', quantity=3, current_quantity=2, price="1.00")
    cup = LineItem(title="Cup", quantity=2, to_fulfil_quantity=0, price="2.00", grams=300)
    rows = read(csv_lines([an_order(mug, cup, shipping_address=Address(city="Köln")), an_order()]))
    assert [row["order_id"] for row in rows] == [str(ORDER)] * 3
    assert [row["ship_to_city"] for row in rows] == ["Köln", "Köln", ""]
    assert [row["item_sku"] for row in rows] == ["MUG", "", ""]
    assert [row["item_title"] for row in rows] == ['A "mug", blue', "Cup", ""]
    assert [row["item_to_fulfil_quantity"] for row in rows] == ["2", "0", ""]
    assert {row["holds"] for row in rows} == {"stock"}
    assert {row["accepted_at"] for row in rows} == {"2026-03-01T12:00:00Z"}
    assert {row["test"] for row in rows} == {"false"}
    assert None not in rows[0]


def test_what_a_spreadsheet_would_compute_is_text_and_numbers_stay_numbers() -> None:
    evil = ["=1+1", "+49 1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"]
    lines = [LineItem(sku=text, title="x", quantity=1, price="-1.50") for text in evil]
    rows = read(csv_lines([an_order(*lines)]))
    assert [row["item_sku"] for row in rows] == [f"'{text}" for text in evil]
    assert {row["item_price"] for row in rows} == {"-1.50"}
    assert {row["total"] for row in rows} == {"-5.00"}


def test_ndjson_is_the_order_as_the_api_shows_it() -> None:
    order = an_order(LineItem(title="x\ny", quantity=1, price="1"))
    (line,) = ndjson_lines([order]).splitlines()
    assert OrderDetail.model_validate_json(line) == order
