"""What a page of a shipment shows, and which buttons it has. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
_OPEN = ("needs_carrier", "ready")
_WAITING = (*_OPEN, "labelled")
_GONE = ("shipped", "delivered", "returned")
# A label is being made, or given back: nothing that it is made of may be changed.
_UNDER_WAY = ("requested", "unknown", "cancelling")
# What a label can be bought after.
_NO_LABEL = (None, "failed")


@dataclass(frozen=True, slots=True)
class Content:
    """What is packed of a line of the order: so many pieces of it."""

    index: int
    title: str
    sku: str
    quantity: int


def contents_of(shipment: Json) -> list[Content]:
    """What is in it; titles are gone with the data of a brand that was erased."""
    pieces = (shipment["consignee"] or {}).get("pieces", ())
    titles = {piece["index"]: piece["title"] for piece in pieces}
    return [
        Content(line["index"], titles.get(line["index"], ""), line["sku"] or "", line["quantity"])
        for line in shipment["lines"]
    ]


def buttons_of(shipment: Json, party: str) -> set[str]:
    """What the account may do with it as it is now; the API decides.

    Args:
        shipment: as the API shows it.
        party: what the account is.
    """
    status, label = shipment["status"], shipment["label"]
    works, chooses = shipment["worked_by"] == party, shipment["rules_of"] == party
    is_fixed = label in _UNDER_WAY
    can_buy = status == "ready" and shipment["shipping"] is not None and label in _NO_LABEL
    found = {
        "choose": chooses and status in _OPEN and not is_fixed,
        "split": works and status in _OPEN and not is_fixed and shipment["item_count"] > 1,
        "pack": works and status in _OPEN and not is_fixed,
        "buy": works and can_buy,
        "give-back": works and status == "labelled" and label == "bought",
        "ship": works and status in _WAITING and not is_fixed,
        "track": works and status in (*_WAITING, *_GONE),
    }
    return {name for name, may in found.items() if may}
