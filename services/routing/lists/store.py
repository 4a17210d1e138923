"""What is shown of orders: one function per named query, each given a session."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.routing import search
from services.routing.lists import facets
from services.routing.lists.facets import Counted, Counts
from services.routing.lists.filter import OrderFilter, Place, Sort, Viewer, sorted_names
from services.routing.orders import Hold
from services.routing.store import read_holds
from shared.contracts.connections_changed import Party
from shared.contracts.order import OrderStatus
from shared.postgres.database import Session, load_queries, row_as
from shared.web.auth import Delegation

# Orders that are looked at for the counts of a filter: from an index alone, or each by its words.
_MOST_COUNTED = 200_000
# Orders with the same words from which on a page is looked for in the order of the list.
_MANY = 2_000
_MOST_FOUND = facets.MOST + 1
_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """An order as lists show it."""

    id: UUID
    store_id: UUID
    external_id: str
    number: str | None
    status: OrderStatus
    connection_id: UUID | None
    version: int
    sequence: int
    settings_version: int | None
    total: str | None
    currency: str | None
    created_at: datetime | None
    accepted_at: datetime
    updated_at: datetime
    holds: tuple[Hold, ...]
    erased_at: datetime | None

    def at(self, sort: Sort) -> datetime:
        """The time that it is sorted by."""
        return self.accepted_at if sort.endswith("accepted_at") else self.updated_at


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """One order with the store's full current data, as JSON."""

    summary: OrderSummary
    cancel_too_late: bool
    epoch: int | None
    shipping_rules_owner: Party | None
    billing_owner: Party | None
    support_owner: Party | None
    brand_id: UUID
    payload: str | None
    shipments: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of an order's timeline, and why it is so."""

    id: int
    at: datetime
    kind: str
    event: str | None
    sequence: int
    status: OrderStatus
    connection_id: UUID | None
    why: dict[str, Any]
    times: int


def _summary(row: asyncpg.Record) -> OrderSummary:
    return row_as(
        OrderSummary, row, status=OrderStatus(row["status"]), holds=read_holds(row["holds"])
    )


def _detail(row: asyncpg.Record) -> OrderDetail:
    return row_as(OrderDetail, row, summary=_summary(row))


async def list_orders(
    session: Session,
    viewer: Viewer,
    wanted: OrderFilter,
    sort: Sort,
    after: Place | None,
    limit: int,
) -> list[OrderSummary]:
    """The orders that the viewer may see and asks for, from behind `after` on."""
    rows = await _list(session, viewer, wanted, sort, after, limit, whole=False)
    return [_summary(row) for row in rows]


async def list_whole_orders(
    session: Session,
    viewer: Viewer,
    wanted: OrderFilter,
    sort: Sort,
    after: Place | None,
    limit: int,
) -> list[OrderDetail]:
    """The same, each with what the store said of it."""
    rows = await _list(session, viewer, wanted, sort, after, limit, whole=True)
    return [_detail(row) for row in rows]


async def _list(
    session: Session,
    viewer: Viewer,
    wanted: OrderFilter,
    sort: Sort,
    after: Place | None,
    limit: int,
    *,
    whole: bool,
) -> list[asyncpg.Record]:
    asked = _parameters(viewer, wanted)
    few = wanted.numbers is not None
    if not few and wanted.q is not None:
        found = await _queries.count_found.value(
            session,
            account=viewer.account,
            as_three_pl=viewer.as_three_pl,
            words=asked["words"],
            most=_MANY,
        )
        few = found < _MANY
    return await _queries.list_orders.all(
        session,
        **asked,
        few=few,
        whole=whole,
        sort=sort,
        after_at=after and after.at,
        after_id=after and after.order_id,
        limit=limit,
    )


async def count_orders(session: Session, viewer: Viewer, wanted: OrderFilter) -> Counts:
    """How many orders of which store, owner and status fit, whatever is chosen of these."""
    asked = _parameters(viewer, replace(wanted, statuses=None))
    for chosen in ("store", "connection", "owner"):
        del asked[chosen]
    most = _MOST_FOUND if wanted.is_searched else _MOST_COUNTED
    rows = await _queries.count_orders.all(session, **asked, most=most)
    counted = [row_as(Counted, row, status=OrderStatus(row["status"])) for row in rows]
    return Counts(counted, sum(one.orders for one in counted) == most)


def _parameters(viewer: Viewer, wanted: OrderFilter) -> dict[str, Any]:
    """The filter as every query has it."""
    if viewer.as_three_pl and wanted.owner == "brand":
        # Nothing of that is shown to a 3PL, and it would be looked for among all.
        wanted = replace(wanted, statuses=())
    asked = asdict(wanted)
    del asked["tab"], asked["q"]
    numbers, typed = wanted.numbers, wanted.q
    return {
        **asdict(viewer),
        **asked,
        "statuses": sorted_names(wanted.wanted_statuses()),
        "words": None if typed is None else search.beginning_with(typed, viewer.account),
        "words_of_numbers": None
        if numbers is None
        else search.with_one_of(numbers, viewer.account),
    }


def _within(delegation: Delegation | None) -> dict[str, UUID | None]:
    return {
        "in_store": delegation.store_id if delegation else None,
        "in_connection": delegation.connection_id if delegation else None,
    }


async def get_order(
    session: Session, order_id: UUID, account: UUID, within: Delegation | None = None
) -> OrderDetail | None:
    """One order, if the account is its brand or its owner; in a brand's name, within what it is."""
    row = await _queries.order_of_party.one(
        session, order_id=order_id, account=account, **_within(within)
    )
    if row is None:
        return None
    return _detail(row)


async def list_history(
    session: Session,
    order_id: UUID,
    after: int,
    limit: int,
    within: Delegation | None = None,
) -> list[HistoryLine]:
    """The timeline, oldest first; whoever asks has been shown the order."""
    rows = await _queries.history_of_order.all(
        session,
        order_id=order_id,
        after=after,
        limit=limit,
        in_connection=within.connection_id if within else None,
    )
    return [
        row_as(HistoryLine, row, status=OrderStatus(row["status"]), why=orjson.loads(row["why"]))
        for row in rows
    ]
