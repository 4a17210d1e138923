"""The generic API's order: the wire order, but a field that is not known is refused. Pure.

A misspelt field would be lost in silence, and goods shipped without it; on the log the same field
may be a newer producer's, so there it is ignored (`shared/contracts/order.py`).
"""

from typing import Annotated

from pydantic import ConfigDict, FailFast, Field, TypeAdapter, ValidationError

from shared.contracts import order as wire
from shared.contracts.order import Order

_STRICT = ConfigDict(extra="forbid")


class Address(wire.Address):
    """A postal address, as the store has it."""

    model_config = _STRICT


class LineItem(wire.LineItem):
    """One line: `quantity` pieces of `sku` at `price` each, `grams` the weight of one piece."""

    model_config = _STRICT


class ShippingLine(wire.ShippingLine):
    """The delivery method that the buyer chose."""

    model_config = _STRICT


class Customer(wire.Customer):
    """The buyer."""

    model_config = _STRICT


class OrderIn(wire.Order):
    """One order of one store: always the full current state, never a patch.

    `external_id` is the store's own id, as text: platform ids exceed 2^53. `total` is what it comes
    to now, `original_total` what it came to when it was placed.
    """

    model_config = ConfigDict(extra="forbid", title="Order")

    customer: Customer | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    # The first wrong one ends it: naming thousands would take as many seconds.
    lines: Annotated[tuple[LineItem, ...], Field(max_length=2_000), FailFast()] = ()
    shipping_lines: Annotated[tuple[ShippingLine, ...], Field(max_length=100), FailFast()] = ()


_ONE = TypeAdapter(OrderIn)
# The first wrong order ends it too.
_MANY = TypeAdapter(Annotated[list[OrderIn], FailFast()])


def parse(body: bytes, content_type: str) -> list[Order]:
    """The orders in a body: one object, a JSON array, or NDJSON (`application/x-ndjson`).

    Raises:
        ValidationError: malformed JSON (`json_invalid`) or the wrong fields of the first order that
            has any; locations start with the index of the order when there are several.
    """
    if content_type.startswith("application/x-ndjson"):
        lines = [line for line in body.splitlines() if line.strip()]
        return list(_MANY.validate_json(b"[" + b",".join(lines) + b"]"))
    if body.lstrip()[:1] == b"[":
        return list(_MANY.validate_json(body))
    return [_ONE.validate_json(body)]


def is_malformed(error: ValidationError) -> bool:
    """Whether the body is no JSON at all, as opposed to JSON with wrong fields."""
    return any(flaw["type"] == "json_invalid" for flaw in error.errors(include_input=False))
