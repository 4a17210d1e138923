"""The first page."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.together import known
from services.console.dependencies import Person
from services.console.http_pages import page
from services.console.pages.home import waiting
from services.console.rendering.plots import plot

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request, me: Person) -> Response:
    """What needs its reader now; a part whose API is away says so."""
    # In a brand's name nothing is listed but the orders of the one store.
    own = me.acting is None
    connections, holds, endpoints, quarantine, notices, daily = await known(
        me.get("connections", "/v1/connections", limit=200),
        me.get("routing", "/v1/orders", tab="orders", status="on_hold", limit=200),
        me.get("webhooks", "/v1/endpoints/health", limit=200),
        me.get("ingest", "/v1/quarantine", limit=200),
        me.get("connections", "/v1/notices", limit=5),
        me.get("routing", "/v1/orders/daily", days=14),
    )
    party = "brand" if me.is_brand else "three_pl"
    days = [(one["day"], one["count"], 0) for one in (daily or {"days": []})["days"]]
    return page(
        request,
        "home/home.html",
        links=waiting.links((connections or {}).get("data"), party),
        holds=waiting.holds(holds and holds["data"], party),
        endpoints=waiting.failing(endpoints and endpoints["data"]),
        quarantine=quarantine and quarantine["data"],
        notices=notices and notices["data"],
        days=plot(days) if daily else None,
        is_new=own and connections is not None and not connections["data"],
    )
