"""The list of orders, what was handed back, and one order."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Dependencies, Fields, Person, Process
from services.console.http_pages import go_to, page
from services.console.pages.orders import filters, items, statuses, tabs, timeline, watch
from services.console.pages.orders.filters import Filter
from services.console.pages.orders.names import Names
from services.console.pages.orders.naming import names_of
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False, prefix="/orders")
ON_A_PAGE = 100
_ENTRIES = 200
# The newest of an order's deliveries.
_DELIVERIES = 20


@router.get("")
async def list_orders(request: Request, me: Person, process: Process) -> Response:
    """The address is the filter."""
    asked, is_untidy = filters.read(request.query_params.multi_items())
    if is_untidy:
        return go_to(request, f"/orders?{asked.query}")
    return await show_list(request, me, process, asked)


async def show_list(
    request: Request,
    me: SignedIn,
    process: Dependencies,
    asked: Filter,
    errors: Errors = NONE,
    status: int = 200,
    *,
    is_nothing_picked: bool = False,
    typed_name: str = "",
    typed: Fields | None = None,
) -> Response:
    """A page of the list; names that are not known now are left out, counts come after it."""
    (found, refused, refusal), views, (names,) = await asyncio.gather(
        _orders(me, asked), process.views.of(me), known(names_of(me))
    )
    return page(
        request,
        "orders/list.html",
        status=refusal if refused else status,
        errors=refused or errors,
        is_nothing_picked=is_nothing_picked,
        orders=found["data"],
        next=found["next"],
        views=views,
        typed_name=typed_name,
        typed=typed or Fields([]),
        seen=watch.digest_of(found["data"]),
        **_choices(me, asked, names),
        commands=tabs.COMMANDS.get(asked.tab, ()) if me.may_write else (),
        words=statuses,
        days=(
            filters.day_of(asked.first("accepted_after")),
            filters.day_of(asked.first("accepted_before"), is_last=True),
        ),
        api=f"{process.settings.api_public_url}/v1/orders?{asked.query}",
    )


def _choices(
    me: SignedIn, asked: Filter, names: Names | None, of_tab: Any = None, of_all: Any = None
) -> dict[str, Any]:
    """What a list lets one choose, with the counts that are known."""
    names = names or Names()
    return {
        "asked": asked,
        "names": names,
        "texts": tabs.TABS,
        "tabs": tabs.tabs_of(asked, of_all),
        "stores": tabs.stores_of(asked, of_tab, names.live, is_brand=me.is_brand),
        "states": tabs.statuses_of(asked, of_tab),
    }


@router.get("/counts")
async def count_orders(request: Request, me: Person) -> Response:
    """The counts for a page that is there: of very many orders they take longer than it does."""
    asked, _ = filters.read(request.query_params.multi_items())
    of_tab, of_all, names = await known(
        _facets(me, asked.params("sort")),
        _facets(me, asked.params("sort", "status", tab="all")),
        names_of(me),
    )
    values = _choices(me, asked, names, of_tab, of_all)
    return page(request, "orders/counts.html", block="counts", words=statuses, **values)


async def _facets(me: SignedIn, params: dict[str, object]) -> Any:
    return await me.get("routing", "/v1/orders/facets", **params)


async def _orders(me: SignedIn, asked: Filter) -> tuple[dict[str, Any], Errors, int]:
    try:
        params = asked.params(limit=ON_A_PAGE, after=asked.after)
        return await me.get("routing", "/v1/orders", **params), NONE, 200
    except ApiProblem as problem:
        return {"data": [], "next": None}, _as_typed(errors_of(problem)), problem.status


def _as_typed(errors: Errors) -> Errors:
    """Numbers are pasted into one field."""
    fields = {
        filters.PASTED if name == "number" else name: said for name, said in errors.fields.items()
    }
    return replace(errors, fields=fields)


@router.get("/handed-back")
async def list_handed_back(
    request: Request, me: Person, connection: str = "", after: str = ""
) -> Response:
    """What a 3PL had and has no more, and why."""
    found: dict[str, Any]
    found, (names,) = await asyncio.gather(
        me.get("routing", "/v1/orders/handed-back", connection=connection, after=after),
        known(names_of(me)),
    )
    return page(
        request,
        "orders/handed_back.html",
        orders=found["data"],
        next=found["next"],
        after=after,
        connection=connection,
        rest=urlencode({"connection": connection}) if connection else "",
        **_choices(me, Filter((("tab", "handed-back"),)), names),
        reason_of=timeline.reason_of,
    )


@router.get("/{order_id}")
async def show_order(
    request: Request, me: Person, order_id: UUID, entries_after: str = ""
) -> Response:
    """One order, and everything that is known about it."""
    return await show_one(request, me, order_id, entries_after=entries_after)


async def show_one(
    request: Request,
    me: SignedIn,
    order_id: UUID,
    errors: Errors = NONE,
    status: int = 200,
    typed: Fields | None = None,
    entries_after: str = "",
) -> Response:
    """The order as it is now, and what was typed."""
    path = f"/v1/orders/{order_id}"
    order, (history, deliveries, names, shipments) = await asyncio.gather(
        me.get("routing", path),
        known(
            me.get("routing", f"{path}/history", limit=_ENTRIES, after=entries_after),
            me.get("webhooks", "/v1/deliveries", order=str(order_id), limit=_DELIVERIES),
            names_of(me),
            _shipments(me, order_id),
        ),
    )
    names = names or Names()
    return page(
        request,
        "orders/order.html",
        status=status,
        errors=errors,
        typed=typed or Fields([]),
        order=order,
        source=order["order"],
        items=items.items_of(order["order"]) if order["order"] else [],
        lines=timeline.lines_of(history["data"], names) if history else None,
        more=history["next"] if history else None,
        deliveries=deliveries["data"] if deliveries else None,
        shipments=shipments,
        names=names,
        words=statuses,
        key=str(uuid4()),
    )


async def _shipments(me: SignedIn, order_id: UUID) -> list[Any]:
    """Those of an order; in a brand's name nobody sees them."""
    if me.acting:
        return []
    found = await me.get("fulfilment", "/v1/shipments", order_id=str(order_id))
    shipments: list[Any] = found["data"]
    return shipments
