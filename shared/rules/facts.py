"""What rules look at of an order. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from shared.contracts.order import LineItem, Order

CustomerType = Literal["business", "consumer"]


@dataclass(frozen=True, slots=True)
class Facts:
    """One order as conditions see it; None: the store does not say.

    `weight_grams` is of what is to be packed, as `item_count` is. Words that stores write by hand
    (tags, methods, SKUs, regions) are folded, so that case and surrounding blanks do not matter.
    """

    store_id: UUID
    entered_at: datetime
    country: str | None = None
    region: str | None = None
    postcode: str | None = None
    weight_grams: int | None = None
    total: Decimal | None = None
    currency: str | None = None
    item_count: int = 0
    skus: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    shipping_methods: frozenset[str] | None = None
    customer_type: CustomerType | None = None
    payment_methods: frozenset[str] | None = None


def facts_of(order: Order, store_id: UUID, entered_at: datetime) -> Facts:
    """The facts of an order as its store sent it.

    Args:
        order: its full state.
        store_id: that it came from.
        entered_at: when Relevo accepted it; has a time zone.
    """
    address = order.shipping_address
    lines = [(line, pieces) for line in order.lines if (pieces := line.to_pack)]
    methods = [words for line in order.shipping_lines for words in (line.title, line.code) if words]
    return Facts(
        store_id=store_id,
        entered_at=entered_at,
        country=_upper(address.country_code) if address else None,
        region=_upper(address.province_code or address.province) if address else None,
        postcode=tidy_postcode(address.zip) if address and address.zip else None,
        weight_grams=_weight(order, lines),
        total=Decimal(order.total),
        currency=order.currency,
        item_count=sum(pieces for _, pieces in lines),
        skus=frozenset(folded(line.sku for line, _ in lines if line.sku)),
        tags=frozenset(folded(order.tags)),
        shipping_methods=frozenset(folded(methods)) or None,
        customer_type=_customer_type(order),
        payment_methods=frozenset(folded(order.payment_methods)) or None,
    )


def folded(words: Iterable[str]) -> Iterable[str]:
    """Words as they are compared."""
    return (word.strip().casefold() for word in words)


def tidy_postcode(postcode: str) -> str:
    """A postcode as it is compared: `sw1a 1aa` and `SW1A1AA` are the same."""
    return "".join(letter for letter in postcode.upper() if letter.isalnum())


def _upper(code: str | None) -> str | None:
    return (code.strip().upper() or None) if code else None


def _weight(order: Order, lines: list[tuple[LineItem, int]]) -> int | None:
    """What is to be packed weighs so much; the store's own sum where a line does not say."""
    if lines and all(line.grams is not None for line, _ in lines):
        return sum((line.grams or 0) * pieces for line, pieces in lines)
    return order.weight_grams


def _customer_type(order: Order) -> CustomerType | None:
    """A company in either address makes it a business; without an address nobody can say."""
    addresses = [one for one in (order.shipping_address, order.billing_address) if one]
    if not addresses:
        return None
    return "business" if any((one.company or "").strip() for one in addresses) else "consumer"
