"""Switching a connection on and off, and ending it: what would happen is shown first."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person
from services.console.http_pages import go_to, local_path, page
from services.console.pages.connections.http import connection_of, overview
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)
_COMMANDS = {"active": "activate", "inactive": "deactivate"}
_SAID = {"active": "switched_on", "inactive": "switched_off"}
_SHOWN_ORDERS = 10


async def _preview_of(me: SignedIn, connection_id: UUID) -> Any:
    (preview,) = await known(me.get("routing", "/v1/handovers/preview", connection=connection_id))
    return preview


async def _going_back(me: SignedIn, connection_id: UUID) -> Any:
    """The newest of them.

    Asked for after they were counted: beside the count, the list could be the older of the two,
    and lack orders that the page says there are.
    """
    (orders,) = await known(
        me.get("routing", "/v1/orders", tab="orders", connection=connection_id, limit=_SHOWN_ORDERS)
    )
    return orders["data"] if orders else []


async def _preview(
    request: Request,
    me: SignedIn,
    connection_id: UUID,
    template: str,
    errors: Errors = NONE,
    status: int = 200,
    confirm: str = "",
) -> Response:
    connection = await connection_of(me, connection_id)
    preview = await _preview_of(me, connection_id)
    orders = await _going_back(me, connection_id) if preview and preview["would_return"] else []
    return page(
        request,
        template,
        status=status,
        errors=errors,
        confirm=confirm,
        one=connection,
        preview=preview,
        orders=orders,
    )


async def _returns_nothing(me: SignedIn, connection_id: UUID) -> bool:
    preview = await _preview_of(me, connection_id)
    return preview is not None and preview["would_return"] == 0


async def _command(me: SignedIn, connection_id: UUID, command: str, version: str) -> Any:
    path = f"/v1/connections/{connection_id}/{command}"
    return await me.send("connections", "POST", path, version=version)


@router.get("/connections/{connection_id}/switch")
async def show_switch(request: Request, me: Person, connection_id: UUID) -> Response:
    """What would go back and what would stay."""
    return await _preview(request, me, connection_id, "connections/switch.html")


@router.post("/connections/{connection_id}/switch")
async def switch(request: Request, me: Person, connection_id: UUID, form: Form) -> Response:
    """At once when nothing goes back; else only for who has seen what does."""
    here = f"/connections/{connection_id}"
    want = form["want"] if form["want"] in _COMMANDS else "inactive"
    if want == "inactive" and not form["sure"] and not await _returns_nothing(me, connection_id):
        return go_to(request, f"{here}/switch")
    try:
        await _command(me, connection_id, _COMMANDS[want], form["version"])
    except ApiProblem as problem:
        return await overview(request, me, connection_id, errors_of(problem), problem.status)
    after = f"{here}/handovers" if form["sure"] and want == "inactive" else here
    return go_to(request, local_path(form["next"], after), _SAID[want])


@router.get("/connections/{connection_id}/disconnect")
async def show_disconnect(request: Request, me: Person, connection_id: UUID) -> Response:
    """What would go back, and that there is no way back."""
    return await _preview(request, me, connection_id, "connections/disconnect.html")


@router.post("/connections/{connection_id}/disconnect")
async def disconnect(request: Request, me: Person, connection_id: UUID, form: Form) -> Response:
    """Only for who writes the store's address."""
    template = "connections/disconnect.html"
    connection = await connection_of(me, connection_id)
    if form["confirm"].lower() != connection["store"]["domain"].lower():
        errors = Errors.at("confirm", "is not what was asked for")
        return await _preview(request, me, connection_id, template, errors, 422, form["confirm"])
    try:
        await _command(me, connection_id, "disconnect", form["version"])
    except ApiProblem as problem:
        return await _preview(
            request, me, connection_id, template, errors_of(problem), problem.status
        )
    return go_to(request, f"/connections/{connection_id}/handovers", "disconnected")
