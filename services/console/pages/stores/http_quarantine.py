"""What came from a store and was not understood: to be read again, or dropped."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person
from services.console.http_pages import go_to, page
from services.console.pages.stores.http import store_of
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)


async def _list(
    request: Request,
    me: SignedIn,
    store_id: UUID,
    after: str = "",
    errors: Errors = NONE,
    status: int = 200,
    **values: Any,
) -> Response:
    store = await store_of(me, store_id)
    found = await me.get("ingest", "/v1/quarantine", store=store_id, after=after)
    return page(
        request,
        "stores/quarantine.html",
        status=status,
        errors=errors,
        store=store,
        entries=found["data"],
        next=found["next"],
        after=after,
        **{"replayed": None, **values},
    )


@router.get("/stores/{store_id}/quarantine")
async def show_quarantine(
    request: Request, me: Person, store_id: UUID, after: str = ""
) -> Response:
    """Newest first."""
    return await _list(request, me, store_id, after)


@router.post("/stores/{store_id}/quarantine/replay")
async def replay_all(request: Request, me: Person, store_id: UUID, form: Form) -> Response:
    """The oldest hundred; what is left goes with the next press."""
    call = await me.call(
        "ingest",
        "POST",
        "/v1/quarantine/replay",
        params={"store": store_id, "after": form["after"]},
    )
    return await _list(request, me, store_id, replayed=call.body)


@router.get("/stores/{store_id}/quarantine/{entry}")
async def show_entry(request: Request, me: Person, store_id: UUID, entry: UUID) -> Response:
    """What came, as it came."""
    store = await store_of(me, store_id)
    found = await me.get("ingest", f"/v1/quarantine/{entry}")
    return page(request, "stores/entry.html", store=store, kept=found)


@router.post("/stores/{store_id}/quarantine/{entry}/replay")
async def replay_one(request: Request, me: Person, store_id: UUID, entry: UUID) -> Response:
    """As it would be read today."""
    try:
        await me.send("ingest", "POST", f"/v1/quarantine/{entry}/replay")
    except ApiProblem as problem:
        errors = errors_of(problem)
        return await _list(request, me, store_id, errors=errors, status=problem.status)
    return go_to(request, f"/stores/{store_id}/quarantine", "replayed")


@router.post("/stores/{store_id}/quarantine/{entry}/drop")
async def drop_one(request: Request, me: Person, store_id: UUID, entry: UUID) -> Response:
    """For good."""
    await me.send("ingest", "DELETE", f"/v1/quarantine/{entry}")
    return go_to(request, f"/stores/{store_id}/quarantine", "removed")
