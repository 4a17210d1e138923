"""`GET /v1/orders/export`: what a list shows, whole and as a file.

It is read page by page, each in a session of its own: however many orders there are, memory holds
one page, and nothing waits while the client is slow. A client that goes away ends it.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from services.routing.lists import export, store
from services.routing.lists.filter import OrderFilter, Place, Sort, Viewer
from services.routing.lists.http_filter import Sorted, Wanted
from services.routing.lists.shown import OrderDetail, detail_of
from shared.postgres.database import Database
from shared.runtime import Schema
from shared.web.access import DelegableAccount
from shared.web.parameters import only_known_parameters

router = APIRouter(prefix="/v1", dependencies=[only_known_parameters])
# An order may have a megabyte.
_PAGE = 100
_MEDIA = {"csv": "text/csv", "ndjson": "application/x-ndjson"}


@router.get(
    "/orders/export",
    tags=["orders"],
    summary="The orders of a filter as a file",
    response_class=StreamingResponse,
    responses={
        200: {"content": {media: {"schema": {"type": "string"}} for media in _MEDIA.values()}}
    },
)
async def export_orders(
    caller: DelegableAccount,
    database: Schema,
    wanted: Wanted,
    sort: Sorted = "-accepted_at",
    file_format: Annotated[
        Literal["csv", "ndjson"],
        Query(
            alias="format",
            description="`ndjson`: a line for each order, as `GET /v1/orders/{order_id}` shows it. "
            "`csv`: UTF-8, a line for each item with the order's columns each time; a text that a "
            "spreadsheet would take for a formula has `'` before it.",
        ),
    ] = "ndjson",
    bom: Annotated[  # noqa: FBT002  a parameter of the query
        bool, Query(description="Begin the CSV with a byte order mark, for spreadsheets.")
    ] = False,
) -> StreamingResponse:
    """Exactly the orders that a list with this filter shows, in its order.

    An answer that breaks off is not whole: its last chunk (RFC 9112, 7.1) is missing. Orders that
    change meanwhile may be missing or come twice when sorted by `updated_at`.
    """
    pages = _pages(database, Viewer.of(caller), wanted, sort)
    # While it can still be refused.
    first = await anext(pages)
    name = f"orders-{datetime.now(UTC):%Y-%m-%d}.{file_format}"
    return StreamingResponse(
        _lines(first, pages, file_format, bom=bom),
        media_type=_MEDIA[file_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _pages(
    database: Database, viewer: Viewer, wanted: OrderFilter, sort: Sort
) -> AsyncIterator[list[OrderDetail]]:
    place: Place | None = None
    while True:
        async with database.reading() as session:
            rows = await store.list_whole_orders(session, viewer, wanted, sort, place, _PAGE)
        yield [detail_of(row, viewer.account) for row in rows]
        if len(rows) < _PAGE:
            return
        last = rows[-1].summary
        place = Place(last.at(sort), last.id)


async def _lines(
    first: list[OrderDetail],
    following: AsyncIterator[list[OrderDetail]],
    file_format: Literal["csv", "ndjson"],
    *,
    bom: bool,
) -> AsyncIterator[str]:
    lines_of = export.csv_lines if file_format == "csv" else export.ndjson_lines
    if file_format == "csv":
        yield (export.BOM if bom else "") + export.csv_header()
    yield lines_of(first)
    async for page in following:
        yield lines_of(page)
