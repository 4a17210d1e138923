"""What happened since a page of the list was shown. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from services.console.pages.orders.filters import Filter
from services.console.pages.orders.tabs import TABS

# Whether other orders would be on the page cannot be told from an event when these are asked for.
_UNKNOWABLE = ("q", "number", "hold", "accepted_after", "accepted_before", "updated_after")
_NEW = ("order.created", "order.returned")
Order = Mapping[str, Any]


def digest_of(orders: Sequence[Order]) -> str:
    """What a page shows, in few characters: the same for the same orders at the same events."""
    shown = ",".join(f"{one['id']}:{one['sequence']}" for one in orders)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]


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

    def hear(self, change: Mapping[str, Any]) -> bool:
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
