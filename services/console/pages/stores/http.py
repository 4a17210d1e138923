"""A brand's stores: adding one, and whether orders arrive."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Dependencies, Form, Person, Process
from services.console.http_pages import go_to, page
from services.console.pages.connections.http import connection_of
from services.console.pages.integrations.brand_form import PLATFORMS
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)
_SHOWN = 20


async def store_of(me: SignedIn, store_id: UUID) -> Any:
    """As the API shows it.

    Raises:
        ApiProblem, ApiAway: as the API answers; 404 to who has nothing to do with it.
    """
    return await me.get("connections", f"/v1/stores/{store_id}")


async def store_page(
    request: Request,
    process: Dependencies,
    me: SignedIn,
    store_id: UUID,
    errors: Errors = NONE,
    status: int = 200,
    **values: Any,
) -> Response:
    """The first page of a store, with what a form was answered.

    Args:
        request: who asks.
        process: knows where stores send orders.
        me: they.
        store_id: which one.
        errors: of a form.
        status: of HTTP.
        values: `made`, a key that is shown once.
    """
    store, (arriving,) = await asyncio.gather(
        store_of(me, store_id), known(me.get("ingest", f"/v1/stores/{store_id}/arrivals"))
    )
    settings = process.settings
    shown = {"made": None, **values}
    return page(
        request,
        "stores/store.html",
        status=status,
        errors=errors,
        store=store,
        arriving=arriving,
        ingest=(settings.console_ingest_public_url or settings.console_ingest_url).rstrip("/"),
        key=str(uuid4()),
        **shown,
    )


@router.get("/stores")
async def show_stores(request: Request, me: Person, after: str = "") -> Response:
    """All of them, with their newest order."""
    if not me.is_brand:
        return go_to(request, "/integrations")
    if me.acting is not None:
        connection = await connection_of(me, me.acting.connection_id)
        found: Any = {"data": [connection["store"]], "next": None}
    else:
        found = await me.get("connections", "/v1/stores", limit=_SHOWN, after=after)
    arriving = await known(
        *(me.get("ingest", f"/v1/stores/{one['id']}/arrivals") for one in found["data"])
    )
    rows = list(zip(found["data"], arriving, strict=True))
    return page(request, "stores/stores.html", rows=rows, next=found["next"], after=after)


def _form(request: Request, typed: Any, errors: Errors = NONE, status: int = 200) -> Response:
    return page(
        request,
        "stores/add.html",
        status=status,
        errors=errors,
        typed=typed,
        key=str(uuid4()),
        platforms=PLATFORMS,
    )


@router.get("/stores/add")
async def show_add(request: Request, me: Person) -> Response:
    """An empty form."""
    return _form(request, {"store_url": "", "platform": "shopify"})


@router.post("/stores/add")
async def add_store(request: Request, me: Person, form: Form) -> Response:
    """One that is there already is found."""
    body = {name: form[name] for name in ("store_url", "platform")}
    try:
        made = await me.send("connections", "POST", "/v1/stores", body, key=form["key"])
    except ApiProblem as problem:
        return _form(request, body, errors_of(problem), problem.status)
    return go_to(request, f"/stores/{made['id']}", "store_added")


@router.get("/stores/{store_id}")
async def show_store(request: Request, process: Process, me: Person, store_id: UUID) -> Response:
    """Whether its orders arrive, and how to make them."""
    return await store_page(request, process, me, store_id)


@router.post("/stores/{store_id}/test-order")
async def send_test_order(
    request: Request, process: Process, me: Person, store_id: UUID
) -> Response:
    """It goes where an order would go now, marked as a test, and is cancelled within the hour."""
    try:
        await me.send("ingest", "POST", f"/v1/stores/{store_id}/test-order")
    except ApiProblem as problem:
        return await store_page(request, process, me, store_id, errors_of(problem), problem.status)
    return go_to(request, f"/stores/{store_id}", "test_order_sent")
