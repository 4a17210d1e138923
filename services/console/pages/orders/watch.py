"""What happened since a page of the list was shown. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import orjson

from services.console.pages.orders.filters import Filter
from services.console.pages.orders.tabs import TABS

# Whether other orders would be on the page cannot be told from an event when these are asked for.
_UNKNOWABLE = ("q", "number", "hold", "accepted_after", "accepted_before", "updated_after")
_NEW = ("order.created", "order.returned")
_UNASSIGNED, _ON_HOLD = "order.unassigned", "on_hold"
Order = Mapping[str, Any]
# What the API's stream says of an event.
Change = Mapping[str, Any]


def digest_of(orders: Sequence[Order]) -> str:
    """What a page shows, in few characters: the same for the same orders at the same events."""
    shown = ",".join(f"{one['id']}:{one['sequence']}" for one in orders)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]


def events_of(sent: bytes) -> tuple[list[Change | None], bytes]:
    """The whole events of what the API's stream has sent, and the beginning of the next.

    None where the stream says that some are left out. Read as bytes: a list may hear of a hundred
    orders a second.
    """
    *blocks, rest = sent.split(b"\n\n")
    found: list[Change | None] = []
    for block in blocks:
        lines = block.split(b"\n")
        if b"event: reset" in lines:
            found.append(None)
        else:
            found += [_change(line[5:]) for line in lines if line.startswith(b"data:")]
    return found, rest


@lru_cache(maxsize=2_000)
def _change(data: bytes) -> Change:
    """Many who look at orders of the same account are sent the same."""
    change: Change = orjson.loads(data)
    return change


def order_of(change: Change) -> dict[str, Any] | None:
    """The order as its row shows it after an event; None when the event does not tell.

    Whether somebody still sees an order that was taken from a 3PL, and what holds one, the API has
    to be asked.
    """
    if change["type"] == _UNASSIGNED or change["status"] in (None, _ON_HOLD):
        return None
    return {"id": change["order_id"], "status": change["status"], "holds": []}


@dataclass(slots=True)
class Watch:
    """A page that somebody looks at, and what came since.

    `is_other`: it shows something else by now, whatever that is.
    """

    shown: Mapping[str, int]
    statuses: frozenset[str]
    hears_of_others: bool
    is_other: bool = False
    new: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, asked: Filter, orders: Sequence[Order], seen: str) -> Self:
        """From the page as it is now.

        Args:
            asked: of the page.
            orders: that are on it now.
            seen: the digest of what the reader sees.
        """
        statuses = asked.every("status") or TABS.get(asked.tab, ("", ()))[1]
        return cls(
            {one["id"]: one["sequence"] for one in orders},
            frozenset(statuses),
            not asked.after and not any(asked.first(name) for name in _UNKNOWABLE),
            is_other=digest_of(orders) != seen,
        )

    def hear(self, change: Change) -> bool:
        """Take an event in; whether it is about an order of the page."""
        order_id = change["order_id"]
        if order_id in self.shown:
            is_later = bool(change["sequence"] > self.shown[order_id])
            if is_later:
                self.changed.add(order_id)
            return is_later
        if self.hears_of_others and (not self.statuses or change["status"] in self.statuses):
            is_new = change["type"] in _NEW
            if is_new:
                self.new.add(order_id)
            elif order_id not in self.new:
                self.changed.add(order_id)
        return False
