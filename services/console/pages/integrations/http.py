"""Every connection of the account: its state, who has to act, and whether orders flow."""

import asyncio
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.lists import every
from services.console.api.problem import ApiProblem
from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Person
from services.console.http_pages import page
from services.console.pages.integrations.rows import STATES, rows_of
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)


@router.get("/integrations")
async def show_integrations(
    request: Request,
    me: Person,
    q: str = "",
    state: str = "",
    sort: str = "waiting",
    after: str = "",
) -> Response:
    """Those that somebody waits for come first."""
    chosen = {"q": q.strip()[:100], "state": state, "sort": sort}
    (found, errors, status), (facets, health) = await asyncio.gather(
        _connections(me, chosen, after),
        known(me.get("routing", "/v1/orders/facets", tab="orders"), _health(me)),
    )
    rest = {name: value for name, value in chosen.items() if value}
    return page(
        request,
        "integrations/integrations.html",
        status=status,
        errors=errors,
        rows=rows_of(found["data"], facets, health),
        next=found["next"],
        chosen=chosen,
        rest=urlencode(rest),
        after=after,
        is_filtered=bool(chosen["q"] or state),
    )


async def _connections(
    me: SignedIn, chosen: dict[str, str], after: str
) -> tuple[dict[str, Any], Errors, int]:
    if me.acting is not None:
        path = f"/v1/connections/{me.acting.connection_id}"
        return {"data": [await me.get("connections", path)], "next": None}, NONE, 200
    states = STATES.get(chosen["state"], STATES[""])
    sort = "created" if chosen["sort"] == "created" else "waiting"
    asked = {"state": states, "q": chosen["q"], "sort": sort, "after": after}
    try:
        return await me.get("connections", "/v1/connections", **asked), NONE, 200
    except ApiProblem as problem:
        return {"data": [], "next": None}, errors_of(problem), problem.status


async def _health(me: SignedIn) -> list[Any]:
    """Of the 3PL's webhooks: what a brand has are no connection's."""
    return [] if me.is_brand else await every(me, "webhooks", "/v1/endpoints/health")
