"""One connection: how it stands, and what is next."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Person
from services.console.http_pages import page
from services.console.rendering.errors import NONE, Errors

router = APIRouter(include_in_schema=False)


async def connection_of(me: SignedIn, connection_id: UUID) -> Any:
    """As the API shows it.

    Raises:
        ApiProblem, ApiAway: as the API answers; 404 to who is no party of it.
    """
    return await me.get("connections", f"/v1/connections/{connection_id}")


async def overview(
    request: Request, me: SignedIn, connection_id: UUID, errors: Errors = NONE, status: int = 200
) -> Response:
    """The first of its pages, also when a button did not work."""
    connection, (facets, handovers, health) = await asyncio.gather(
        connection_of(me, connection_id),
        known(
            me.get("routing", "/v1/orders/facets", tab="orders", connection=connection_id),
            _handovers(me, connection_id),
            _health(me, connection_id),
        ),
    )
    return page(
        request,
        "connections/overview.html",
        status=status,
        errors=errors,
        one=connection,
        total=facets and facets["total"],
        handovers=handovers,
        health=health,
    )


async def _handovers(me: SignedIn, connection_id: UUID) -> list[Any]:
    """The newest; who acts in a brand's name is not shown any."""
    if me.acting is not None:
        return []
    found = await me.get("routing", "/v1/handovers", connection=connection_id, limit=3)
    return list(found["data"])


async def _health(me: SignedIn, connection_id: UUID) -> Any:
    """Of its webhook, for its 3PL; None where there is none."""
    if me.is_brand:
        return None
    webhook = (await connection_of(me, connection_id))["settings"]["webhook"]
    if webhook is None:
        return None
    return await me.get("webhooks", f"/v1/endpoints/{webhook['endpoint_id']}/health")


@router.get("/connections/{connection_id}")
async def show_connection(request: Request, me: Person, connection_id: UUID) -> Response:
    """How it stands."""
    return await overview(request, me, connection_id)
