"""The query string that every view of orders takes: list, counts and export."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from services.routing.lists.filter import AnyTab, OrderFilter, Place, Sort
from shared.contracts.connections_changed import Party
from shared.contracts.fields import ExternalId, Timestamp
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import HoldKind
from shared.web.pagination import decode_cursor, moment
from shared.web.parameters import SearchText

_MOST_NUMBERS = 200


async def _order_filter(
    tab: Annotated[
        AnyTab,
        Query(
            description="`orders`: not yet being worked (open, on_hold). `processing`: being "
            "worked (processing, cancellation_requested). `shipped`: on its way. `finished`: "
            "delivered, returned, cancelled."
        ),
    ] = "all",
    status: Annotated[
        list[OrderStatus] | None, Query(description="One of these; within the tab.")
    ] = None,
    store: Annotated[UUID | None, Query(description="One store.")] = None,
    connection: Annotated[UUID | None, Query(description="One connected store.")] = None,
    owner: Annotated[
        Party | None,
        Query(description="For brands: the orders that are their own, or with 3PLs."),
    ] = None,
    hold: Annotated[
        HoldKind | None, Query(description="On hold, with a hold of this kind standing.")
    ] = None,
    accepted_after: Annotated[Timestamp | None, Query(description="Then or later.")] = None,
    accepted_before: Annotated[Timestamp | None, Query(description="Before that.")] = None,
    updated_after: Annotated[Timestamp | None, Query(description="Changed since then.")] = None,
    number: Annotated[
        list[ExternalId] | None,
        Query(
            max_length=_MOST_NUMBERS,
            description="One of these: the store's number or external id of an order, exactly.",
        ),
    ] = None,
    q: SearchText = None,
) -> OrderFilter:
    return OrderFilter(
        tab=tab,
        statuses=tuple(status) if status else None,
        store=store,
        connection=connection,
        owner=owner,
        hold=hold,
        accepted_after=accepted_after,
        accepted_before=accepted_before,
        updated_after=updated_after,
        numbers=tuple(number) if number else None,
        q=q,
    )


Wanted = Annotated[OrderFilter, Depends(_order_filter)]
Sorted = Annotated[Sort, Query(description="By which time; with `-` the newest first.")]


def decode_place(after: str | None, sort: Sort) -> Place | None:
    """Where a page begins.

    Raises:
        Refused: `invalid_cursor`, also for that of another sort.
    """

    def same_sort(text: str) -> Sort:
        if text != sort:
            raise ValueError("a cursor of another sort")
        return sort

    found = decode_cursor(after, same_sort, moment, UUID)
    return None if found is None else Place(*found[1:])
