"""The tabs of the list, the menu of its stores and the states in a tab, with their counts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.console.pages.orders.filters import Filter
from services.console.words.marks import N_

TABS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "orders": (N_("Orders"), ("open", "on_hold")),
    "processing": (N_("Processing"), ("processing", "cancellation_requested")),
    "shipped": (N_("Shipped"), ("shipped",)),
    "finished": (N_("Finished"), ("delivered", "returned", "cancelled")),
    "all": (N_("All"), ()),
}
_EVERY = tuple(status for _, statuses in TABS.values() for status in statuses)
# What can be done with many orders at once, by tab.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "orders": ("process", "hold"),
    "processing": ("ship", "move-back"),
    "shipped": ("deliver", "return"),
    "finished": (),
    "all": ("process", "ship", "move-back"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: where it leads, what it is called, how many orders it shows.

    `name` is an id or a word of the API; `count` is None when it is not known now, `is_capped` when
    there are at least so many.
    """

    name: str
    query: str
    is_chosen: bool
    count: int | None = None
    is_capped: bool = False


def tabs_of(asked: Filter, facets: Mapping[str, Any] | None) -> list[Choice]:
    """The tabs; `facets` are those of all of them."""
    counts = {one["status"]: one for one in facets["statuses"]} if facets else None
    return [
        _summed(name, asked.but(tab=name, status=""), asked.tab == name, statuses, counts)
        for name, (_, statuses) in TABS.items()
    ]


def _summed(
    name: str,
    query: str,
    is_chosen: bool,  # noqa: FBT001  a fact as the others
    statuses: Sequence[str],
    counts: Mapping[str, Mapping[str, Any]] | None,
) -> Choice:
    if counts is None:
        return Choice(name, query, is_chosen)
    found = [one for status, one in counts.items() if not statuses or status in statuses]
    return Choice(
        name,
        query,
        is_chosen,
        sum(one["count"] for one in found),
        any(one["is_capped"] for one in found),
    )


def statuses_of(asked: Filter, facets: Mapping[str, Any] | None) -> list[Choice]:
    """The states in a tab that has several; `facets` are those of the tab, None when not known."""
    of_tab = TABS.get(asked.tab, ("", ()))[1] or _EVERY
    if len(of_tab) == 1:
        return []
    counted = {one["status"]: one for one in facets["statuses"]} if facets else None
    chosen = asked.every("status")

    def query(status: str) -> str:
        return asked.but(status="" if chosen == [status] else status)

    return [_summed(one, query(one), one in chosen, (one,), counted) for one in of_tab]


def stores_of(
    asked: Filter, facets: Mapping[str, Any] | None, live: Iterable[str], *, is_brand: bool
) -> list[Choice]:
    """Where orders of the tab are, by connected store; an empty name: what the brand has itself.

    Args:
        asked: what is shown.
        facets: of the tab; None when they are not known now.
        live: connections that are shown even with nothing in the tab.
        is_brand: who has orders itself.
    """
    counted = {one["connection_id"] or "": one for one in facets["connections"]} if facets else {}
    without = 0 if facets else None
    possible = ["", *live] if is_brand else live
    names = [*counted, *(name for name in possible if name not in counted)]
    return [
        Choice(name, _at(asked, name), _is_at(asked, name), one["count"], one["is_capped"])
        if (one := counted.get(name))
        else Choice(name, _at(asked, name), _is_at(asked, name), without)
        for name in names
    ]


def _at(asked: Filter, connection: str) -> str:
    owner = "" if connection else "brand"
    return asked.but(connection=connection, owner=owner, store="")


def _is_at(asked: Filter, connection: str) -> bool:
    if connection:
        return asked.first("connection") == connection
    return asked.first("owner") == "brand"
