"""Hand-overs of a connection: the one that is running, and what each one returned."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Person
from services.console.http_pages import page
from services.console.pages.connections.http import connection_of
from services.console.pages.connections.progress import progress_of

router = APIRouter(include_in_schema=False)


async def _handovers(me: SignedIn, connection_id: UUID, after: str) -> dict[str, Any]:
    connection = await connection_of(me, connection_id)
    # The list second: were it the older of the two, an end that routing has heard of could be
    # in neither, and the page would stop asking.
    (preview,) = await known(me.get("routing", "/v1/handovers/preview", connection=connection_id))
    (found,) = await known(
        me.get("routing", "/v1/handovers", connection=connection_id, after=after)
    )
    return {
        "one": connection,
        "progress": progress_of(connection, preview, found and found["data"]),
        "handovers": found["data"] if found else None,
        "next": found["next"] if found else None,
        "after": after,
    }


@router.get("/connections/{connection_id}/handovers")
async def show_handovers(
    request: Request, me: Person, connection_id: UUID, after: str = ""
) -> Response:
    """Newest first; what is running counts up by itself."""
    values = await _handovers(me, connection_id, after)
    return page(request, "connections/handovers.html", **values)


@router.get("/connections/{connection_id}/handovers/list")
async def show_handovers_list(request: Request, me: Person, connection_id: UUID) -> Response:
    """The list alone, for the page that is there."""
    values = await _handovers(me, connection_id, "")
    return page(request, "connections/handovers.html", block="list", **values)


@router.get("/connections/{connection_id}/handovers/{handover_id}")
async def show_handover(
    request: Request, me: Person, connection_id: UUID, handover_id: UUID, after: str = ""
) -> Response:
    """The orders that went back."""
    path = f"/v1/handovers/{handover_id}"
    connection = await connection_of(me, connection_id)
    handover = await me.get("routing", path)
    orders = await me.get("routing", f"{path}/orders", after=after)
    return page(
        request,
        "connections/handover.html",
        one=connection,
        handover=handover,
        orders=orders["data"],
        next=orders["next"],
        after=after,
    )
