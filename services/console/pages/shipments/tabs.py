"""The tabs of the list of shipments, and what its address asks for. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from services.console.words.marks import N_

# Each with the states in it and what can be done with many of them at once.
TABS: Mapping[str, tuple[str, Sequence[str], Sequence[str]]] = {
    "needs_carrier": (N_("Needs a carrier"), ("needs_carrier",), ()),
    "ready": (N_("To pack"), ("ready",), ("buy", "ship")),
    "labelled": (N_("Labelled"), ("labelled",), ("print", "ship")),
    "shipped": (N_("Shipped"), ("shipped", "delivered", "returned"), ("print",)),
    "all": (N_("All"), (), ("buy", "print", "ship")),
}
# What a packer opens the list for.
FIRST = "ready"
COMMANDS: Mapping[str, str] = {
    "buy": N_("Buy labels"),
    "print": N_("Print labels"),
    "ship": N_("They have left"),
}
_FILTERS = ("label", "rules", "order_id")


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the tabs: where it leads, and how many there are where the API says so."""

    words: str
    query: str
    is_chosen: bool
    count: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked for."""

    tab: str
    filters: Mapping[str, str]

    @property
    def query(self) -> str:
        """As it stands in addresses."""
        return urlencode({"tab": self.tab, **self.filters})

    @property
    def params(self) -> dict[str, Any]:
        """For a call of the API."""
        return {"status": list(TABS[self.tab][1]), **self.filters}

    @property
    def commands(self) -> Sequence[str]:
        """What can be done with many."""
        return TABS[self.tab][2]

    def first(self, name: str) -> str:
        """The value of a filter, empty without one."""
        return self.filters.get(name, "")

    def tabs(self, waiting: Mapping[str, int] | None) -> list[Tab]:
        """All tabs, which keep the filters.

        Args:
            waiting: how many wait, by state; None when it is not known now.
        """
        return [
            Tab(
                words,
                Asked(name, self.filters).query,
                name == self.tab,
                waiting.get(name) if waiting else None,
            )
            for name, (words, _, _) in TABS.items()
        ]


def read(query: Mapping[str, str]) -> Asked:
    """What an address asks for; what there is not is as good as nothing."""
    tab = query.get("tab", FIRST)
    filters = {name: query[name].strip() for name in _FILTERS if query.get(name, "").strip()}
    return Asked(tab if tab in TABS else FIRST, filters)
