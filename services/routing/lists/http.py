"""Routing's lists: orders by tab and filter, one order with its history."""

from uuid import UUID

from fastapi import APIRouter

from services.routing.lists import store
from services.routing.lists.facets import Facets, facets_of
from services.routing.lists.filter import Viewer
from services.routing.lists.http_filter import Sorted, Wanted, decode_place
from services.routing.lists.shown import (
    HistoryEntry,
    OrderDetail,
    OrderSummary,
    detail_of,
    history_entry_of,
    summary_of,
)
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.access import DelegableAccount
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of, row_number
from shared.web.parameters import only_known_parameters

router = APIRouter(prefix="/v1", dependencies=[only_known_parameters])


@router.get("/orders", tags=["orders"], summary="List orders, newest first")
async def list_orders(
    caller: DelegableAccount,
    database: Schema,
    wanted: Wanted,
    sort: Sorted = "-accepted_at",
    limit: Limit = 50,
    after: After = None,
) -> Page[OrderSummary]:
    """The orders the caller owns; a brand sees all orders of its stores."""
    place = decode_place(after, sort)
    async with database.reading() as session:
        rows = await store.list_orders(session, Viewer.of(caller), wanted, sort, place, limit + 1)
    return page_of(
        rows,
        limit,
        summary_of,
        lambda _: sort,
        lambda row: row.at(sort),
        lambda row: row.id,
    )


@router.get("/orders/facets", tags=["orders"], summary="Counts for the filter's menu")
async def count_orders(caller: DelegableAccount, database: Schema, wanted: Wanted) -> Facets:
    """Counts by connected store and by status, for the menu of a filter.

    `connections` counts as if no store, connection or owner were chosen, `statuses` as if no status
    were (the tab counts); `total` is of the whole filter. Exact up to 10,000; `is_capped`: there
    are more.
    """
    async with database.reading() as session:
        counted = await store.count_orders(session, Viewer.of(caller), wanted)
    return facets_of(counted, wanted)


@router.get("/orders/{order_id}", tags=["orders"], summary="One order")
async def get_order(caller: DelegableAccount, database: Schema, order_id: UUID) -> OrderDetail:
    """404 unless the caller is its brand or owns it."""
    async with database.reading() as session:
        found = await store.get_order(session, order_id, caller.account_id, caller.delegation)
    if found is None:
        raise Refused("not_found", what="order")
    return detail_of(found, caller.account_id)


@router.get("/orders/{order_id}/history", tags=["orders"], summary="An order's timeline")
async def get_history(
    caller: DelegableAccount,
    database: Schema,
    order_id: UUID,
    limit: Limit = 50,
    after: After = None,
) -> Page[HistoryEntry]:
    """What happened to it and why, oldest first; in a brand's name without other 3PLs' lines.

    `why` of its entrance says which order rule sent it, by what it saw; for the brand itself also
    why the rules of other connections did not (`passed_over`).
    """
    async with database.reading() as session:
        if await store.get_order(session, order_id, caller.account_id, caller.delegation) is None:
            raise Refused("not_found", what="order")
        rows = await store.list_history(
            session,
            order_id,
            decode_cursor_part(after, row_number) or 0,
            limit + 1,
            caller.delegation,
        )
    as_brand = caller.kind == "brand" and caller.delegation is None
    return page_of(
        rows, limit, lambda row: history_entry_of(row, as_brand=as_brand), lambda row: row.id
    )
