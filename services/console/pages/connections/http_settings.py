"""The settings of a connection: who manages what, and what the brand keeps to itself."""

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.lists import every
from services.console.api.problem import ApiProblem
from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person
from services.console.http_pages import go_to, page
from services.console.pages.connections import settings_form
from services.console.pages.connections.http import connection_of
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)
_ACCEPTED = ("inactive", "active")


async def settings_page(
    request: Request,
    me: SignedIn,
    connection_id: UUID,
    errors: Errors = NONE,
    status: int = 200,
    **values: Any,
) -> Response:
    """The page, with what a form said or was answered.

    Args:
        request: who asks.
        me: they.
        connection_id: whose settings.
        errors: of the form.
        status: of HTTP.
        values: `typed` as it was sent, `secret` to be shown once, `tested` what a ping came to,
            `url` that was typed, `like` the connection that was copied from.
    """
    connection = await connection_of(me, connection_id)
    (others,) = await known(every(me, "connections", "/v1/connections", state=_ACCEPTED))
    shown = {
        "typed": settings_form.typed_of(connection),
        "secret": "",
        "tested": None,
        "url": "",
        "like": None,
        **values,
    }
    return page(
        request,
        "connections/settings.html",
        status=status,
        errors=errors,
        one=connection,
        key=str(uuid4()),
        others=[one for one in others or () if one["id"] != connection["id"]],
        **shown,
    )


@router.get("/connections/{connection_id}/settings")
async def show_settings(
    request: Request, me: Person, connection_id: UUID, like: UUID | None = None
) -> Response:
    """As they are, or filled in as another client's; nothing is saved by that."""
    if like is None:
        return await settings_page(request, me, connection_id)
    other = await connection_of(me, like)
    connection = await connection_of(me, connection_id)
    typed = settings_form.typed_of(connection, other)
    return await settings_page(request, me, connection_id, typed=typed, like=other)


async def change(me: SignedIn, connection_id: UUID, form: Any, body: Any) -> Any:
    """Change settings at the version that the form was made for."""
    path = f"/v1/connections/{connection_id}/settings"
    version, key = form["version"], form["key"]
    return await me.send("connections", "PATCH", path, body, version=version, key=key)


@router.post("/connections/{connection_id}/settings")
async def change_owners(request: Request, me: Person, connection_id: UUID, form: Form) -> Response:
    """Who manages what, for orders that enter from now on."""
    body = settings_form.owners_of(form)
    try:
        await change(me, connection_id, form, body)
    except ApiProblem as problem:
        typed = settings_form.typed_of(await connection_of(me, connection_id)) | body
        return await settings_page(
            request, me, connection_id, errors_of(problem), problem.status, typed=typed
        )
    return go_to(request, f"/connections/{connection_id}/settings", "settings_saved")


@router.post("/connections/{connection_id}/settings/brand")
async def change_brands(request: Request, me: Person, connection_id: UUID, form: Form) -> Response:
    """What the brand alone sets."""
    body = settings_form.brands_of(form, form.every("locked_settings"))
    try:
        await change(me, connection_id, form, body)
    except ApiProblem as problem:
        typed = settings_form.typed_of(await connection_of(me, connection_id)) | body
        return await settings_page(
            request, me, connection_id, errors_of(problem), problem.status, typed=typed
        )
    return go_to(request, f"/connections/{connection_id}/settings", "saved")
