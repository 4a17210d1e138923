"""Which orders are shown, and in which order: one filter for lists, counts and exports. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Self
from uuid import UUID

from services.routing.lifecycle import TABS, Tab
from shared.contracts.connections_changed import Party
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import HoldKind
from shared.web.auth import Principal

Sort = Literal["-accepted_at", "accepted_at", "-updated_at", "updated_at"]
AnyTab = Tab | Literal["all"]


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What is asked for; None leaves a field open.

    `numbers` are the store's numbers or external ids, as they are; `q` is what somebody typed.
    """

    tab: AnyTab = "all"
    statuses: tuple[OrderStatus, ...] | None = None
    store: UUID | None = None
    connection: UUID | None = None
    owner: Party | None = None
    hold: HoldKind | None = None
    accepted_after: datetime | None = None
    accepted_before: datetime | None = None
    updated_after: datetime | None = None
    numbers: tuple[str, ...] | None = None
    q: str | None = None

    @property
    def is_searched(self) -> bool:
        """Whether orders are to be found by their words."""
        return self.q is not None or self.numbers is not None

    def wanted_statuses(self) -> frozenset[OrderStatus] | None:
        """Of the tab, those that are asked for; None for all."""
        of_tab = None if self.tab == "all" else TABS[self.tab]
        if self.statuses is None:
            return of_tab
        named = frozenset(self.statuses)
        return named if of_tab is None else named & of_tab


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: a brand at all orders of its stores, a 3PL at those that it owns.

    In the brand's name its 3PL sees one store, and of other 3PLs' orders nothing.
    """

    account: UUID
    as_three_pl: bool
    in_store: UUID | None = None
    in_connection: UUID | None = None

    @classmethod
    def of(cls, caller: Principal) -> Self:
        """Whoever the token names."""
        within = caller.delegation
        return cls(
            caller.account_id,
            caller.kind == "three_pl",
            within.store_id if within else None,
            within.connection_id if within else None,
        )


class Place(NamedTuple):
    """The last entry of a page: the next one begins behind it."""

    at: datetime
    order_id: UUID


def sorted_names(statuses: Collection[OrderStatus] | None) -> list[str] | None:
    """As a query has them."""
    return None if statuses is None else sorted(status.value for status in statuses)
