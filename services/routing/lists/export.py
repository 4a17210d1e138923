"""Orders as files: CSV with a line for each item, or NDJSON with one for each order."""

from collections.abc import Iterable, Iterator
from typing import Any

from services.routing.lists.shown import OrderDetail
from shared import spreadsheets
from shared.contracts.order import Address, Customer, LineItem

BOM = "\ufeff"
ORDER_COLUMNS = (
    "order_id", "store_id", "connection_id", "external_id", "number", "status", "owner", "holds",
    "created_at", "accepted_at", "updated_at", "currency", "total", "financial_status", "email",
    "customer_name", "ship_to_name", "ship_to_company", "ship_to_address1", "ship_to_address2",
    "ship_to_city", "ship_to_province", "ship_to_zip", "ship_to_country", "ship_to_country_code",
    "ship_to_phone", "shipping_method", "tags", "note", "test",
)  # fmt: skip
ITEM_COLUMNS = (
    "item_id", "item_sku", "item_title", "item_variant", "item_quantity", "item_to_fulfil_quantity",
    "item_price", "item_grams",
)  # fmt: skip
Cell = str | None


def csv_header() -> str:
    """The first line."""
    return spreadsheets.csv_lines([[*ORDER_COLUMNS, *ITEM_COLUMNS]])


def csv_lines(orders: Iterable[OrderDetail]) -> str:
    """A line for each item, with the order's columns each time; one for an order without items."""
    return spreadsheets.csv_lines(
        (*_of_order(order), *item) for order in orders for item in _items(order)
    )


def ndjson_lines(orders: Iterable[OrderDetail]) -> str:
    """A line for each order."""
    return "".join(f"{order.model_dump_json()}\n" for order in orders)


def _of_order(order: OrderDetail) -> Iterator[Cell]:
    source = order.order
    shown = order.model_dump(mode="json", include=_OWN)
    yield from (shown[name] and str(shown[name]) for name in _OWN_FIRST)
    yield " ".join(hold.kind for hold in order.holds)
    yield from (shown[name] for name in _OWN_LAST)
    if source is None:
        yield from [None] * (len(ORDER_COLUMNS) - len(_OWN) - 1)
        return
    yield source.financial_status
    customer = source.customer or Customer()
    yield source.email or customer.email
    yield customer.name
    yield from _address(source.shipping_address or Address())
    yield ", ".join(line.title for line in source.shipping_lines)
    yield ", ".join(source.tags)
    yield source.note
    yield "true" if source.test else "false"


_OWN_FIRST = ("id", "store_id", "connection_id", "external_id", "number", "status", "owner")
_OWN_LAST = ("created_at", "accepted_at", "updated_at", "currency", "total")
_OWN: Any = {*_OWN_FIRST, *_OWN_LAST}


def _address(to: Address) -> Iterator[Cell]:
    yield from (
        to.name,
        to.company,
        to.address1,
        to.address2,
        to.city,
        to.province or to.province_code,
    )
    yield from (to.zip, to.country, to.country_code, to.phone)


def _items(order: OrderDetail) -> Iterator[list[Cell]]:
    lines = order.order.lines if order.order else ()
    yield from (_item(line) for line in lines)
    if not lines:
        yield [None] * len(ITEM_COLUMNS)


def _item(line: LineItem) -> list[Cell]:
    current = line.quantity if line.current_quantity is None else line.current_quantity
    to_fulfil = current if line.to_fulfil_quantity is None else line.to_fulfil_quantity
    return [
        line.id,
        line.sku,
        line.title,
        line.variant_title,
        str(line.quantity),
        str(to_fulfil),
        line.price,
        None if line.grams is None else str(line.grams),
    ]
