"""What is to be packed of an order, and what is not. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """A line: how many pieces are to be packed, and what was ordered.

    `packed_by` is who else packs it; `is_shipped` is False for what is never sent (a download).
    """

    to_pack: int
    ordered: int
    title: str
    variant: str
    sku: str
    price: str
    packed_by: str
    is_shipped: bool

    @property
    def is_ours(self) -> bool:
        """Whether its packing is the order's owner's."""
        return self.is_shipped and not self.packed_by


def items_of(order: Mapping[str, Any]) -> Sequence[Item]:
    """The lines of an order, what is to be packed first, in the store's order."""
    return sorted(
        (_item(line) for line in order["lines"]),
        key=lambda item: (not item.is_ours, not item.to_pack),
    )


def _item(line: Mapping[str, Any]) -> Item:
    ordered = line["quantity"]
    left = ordered if line.get("current_quantity") is None else line["current_quantity"]
    to_pack = left if line.get("to_fulfil_quantity") is None else line["to_fulfil_quantity"]
    packed_by = line.get("fulfilled_by") or ""
    is_shipped = line.get("requires_shipping", True)
    return Item(
        to_pack=to_pack if is_shipped and not packed_by else 0,
        ordered=ordered,
        title=line["title"],
        variant=line.get("variant_title") or "",
        sku=line.get("sku") or "",
        price=line["price"],
        packed_by=packed_by,
        is_shipped=is_shipped,
    )
