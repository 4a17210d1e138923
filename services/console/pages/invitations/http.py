"""A brand invites 3PLs, and blocks those that it wants nothing of."""

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.lists import every
from services.console.api.problem import ApiProblem
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person, language_for
from services.console.http_pages import go_to, page
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)
_FIELDS = ("email", "store_id", "own_words", "language")
_HERE = "/invitations"


async def _invitations(
    request: Request,
    me: SignedIn,
    typed: dict[str, str] | None = None,
    errors: Errors = NONE,
    status: int = 200,
    after: str = "",
) -> Response:
    found = await me.get("connections", "/v1/invitations", after=after)
    stores = await every(me, "connections", "/v1/stores")
    blocks = await every(me, "connections", "/v1/blocks")
    blank: dict[str, Any] = dict.fromkeys(_FIELDS, "") | {"language": language_for(request)}
    return page(
        request,
        "invitations/invitations.html",
        status=status,
        errors=errors,
        invitations=found["data"],
        next=found["next"],
        after=after,
        stores=stores,
        domains={one["id"]: one["domain"] for one in stores},
        blocks=blocks,
        key=str(uuid4()),
        typed=typed or blank,
    )


@router.get("/invitations")
async def show_invitations(request: Request, me: Person, after: str = "") -> Response:
    """How each stands."""
    if not me.is_brand:
        return go_to(request, "/integrations")
    return await _invitations(request, me, after=after)


@router.post("/invitations")
async def invite(request: Request, me: Person, form: Form) -> Response:
    """The mail is on its way."""
    typed = {name: form[name] for name in _FIELDS}
    try:
        await me.send("connections", "POST", "/v1/invitations", typed, key=form["key"])
    except ApiProblem as problem:
        return await _invitations(request, me, typed, errors_of(problem), problem.status)
    return go_to(request, _HERE, "sent")


@router.post("/invitations/{invitation_id}/resend")
async def resend(request: Request, me: Person, invitation_id: UUID) -> Response:
    """A new link; the old one dies."""
    try:
        await me.send("connections", "POST", f"/v1/invitations/{invitation_id}/resend")
    except ApiProblem as problem:
        return await _invitations(request, me, None, errors_of(problem), problem.status)
    return go_to(request, _HERE, "sent")


@router.post("/invitations/{invitation_id}/withdraw")
async def withdraw(request: Request, me: Person, invitation_id: UUID) -> Response:
    """Its link is over."""
    try:
        await me.send("connections", "DELETE", f"/v1/invitations/{invitation_id}")
    except ApiProblem as problem:
        return await _invitations(request, me, None, errors_of(problem), problem.status)
    return go_to(request, _HERE, "withdrawn")


@router.post("/blocks/{three_pl_id}")
async def block(request: Request, me: Person, three_pl_id: UUID) -> Response:
    """No more mails of it, no new connections; those that are there stay."""
    await me.send("connections", "PUT", f"/v1/blocks/{three_pl_id}")
    return go_to(request, _HERE, "blocked")


@router.post("/blocks/{three_pl_id}/lift")
async def lift(request: Request, me: Person, three_pl_id: UUID) -> Response:
    """It may ask again."""
    await me.send("connections", "DELETE", f"/v1/blocks/{three_pl_id}")
    return go_to(request, _HERE, "unblocked")
