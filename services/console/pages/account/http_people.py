"""Who works in the account, and by which machines."""

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person, language_for
from services.console.http_pages import go_to, page
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)
_COLLEAGUES, _CLIENTS = "/account/people", "/account/clients"


async def _people(
    request: Request, me: SignedIn, errors: Errors = NONE, status: int = 200, **typed: Any
) -> Response:
    people = await me.get("connections", "/v1/people", limit=200)
    return page(
        request,
        "account/people.html",
        status=status,
        errors=errors,
        people=people["data"],
        typed={"email": "", "role": "operator", **typed},
    )


@router.get("/account/people")
async def show_people(request: Request, me: Person) -> Response:
    """Everybody who works here, and what they may do."""
    return await _people(request, me)


@router.post("/account/people")
async def ask_in(request: Request, me: Person, form: Form) -> Response:
    """By a mailed link."""
    body = {"email": form["email"], "role": form["role"], "language": language_for(request)}
    try:
        await me.send("connections", "POST", "/v1/people", body)
    except ApiProblem as problem:
        return await _people(
            request, me, errors_of(problem), problem.status, email=form["email"], role=form["role"]
        )
    return go_to(request, _COLLEAGUES, "sent")


@router.post("/account/people/{person_id}/role")
async def change_role(request: Request, me: Person, person_id: UUID, form: Form) -> Response:
    """What somebody may do from now on."""
    try:
        await me.send("connections", "PATCH", f"/v1/people/{person_id}", {"role": form["role"]})
    except ApiProblem as problem:
        return await _people(request, me, errors_of(problem), problem.status)
    return go_to(request, _COLLEAGUES, "saved")


@router.post("/account/people/{person_id}/remove")
async def let_go(request: Request, me: Person, person_id: UUID) -> Response:
    """Their sessions here are over at once."""
    try:
        await me.send("connections", "DELETE", f"/v1/people/{person_id}")
    except ApiProblem as problem:
        return await _people(request, me, errors_of(problem), problem.status)
    return go_to(request, _COLLEAGUES, "removed")


async def _clients(
    request: Request,
    me: SignedIn,
    errors: Errors = NONE,
    status: int = 200,
    made: Any = None,
    **typed: Any,
) -> Response:
    clients = await me.get("connections", "/v1/api-clients", limit=200)
    return page(
        request,
        "account/clients.html",
        status=status,
        errors=errors,
        clients=clients["data"],
        made=made,
        key=str(uuid4()),
        typed={"name": "", "scopes": [], **typed},
    )


@router.get("/account/clients")
async def show_clients(request: Request, me: Person) -> Response:
    """Machines that work for the account."""
    return await _clients(request, me)


@router.post("/account/clients")
async def make_client(request: Request, me: Person, form: Form) -> Response:
    """Its secret is in this answer and nowhere else."""
    body = {"name": form["name"], "scopes": form.every("scopes")}
    try:
        made = await me.send("connections", "POST", "/v1/api-clients", body, key=form["key"])
    except ApiProblem as problem:
        return await _clients(request, me, errors_of(problem), problem.status, **body)
    shown = {"client_id": made["client_id"], "secret": made["client_secret"]}
    return await _clients(request, me, made=shown)


@router.post("/account/clients/{client_id}/secrets")
async def add_secret(request: Request, me: Person, client_id: UUID) -> Response:
    """A second one, so that the first can be replaced without a pause."""
    try:
        made = await me.send("connections", "POST", f"/v1/api-clients/{client_id}/secrets")
    except ApiProblem as problem:
        return await _clients(request, me, errors_of(problem), problem.status)
    return await _clients(request, me, made={"client_id": str(client_id), "secret": made["secret"]})


@router.post("/account/clients/{client_id}/secrets/{secret_id}/revoke")
async def revoke_secret(request: Request, me: Person, client_id: UUID, secret_id: UUID) -> Response:
    """Who has only this one is out at once."""
    path = f"/v1/api-clients/{client_id}/secrets/{secret_id}"
    await me.send("connections", "DELETE", path)
    return go_to(request, _CLIENTS, "removed")


@router.post("/account/clients/{client_id}/remove")
async def end_client(request: Request, me: Person, client_id: UUID) -> Response:
    """Its tokens are refused everywhere."""
    await me.send("connections", "DELETE", f"/v1/api-clients/{client_id}")
    return go_to(request, _CLIENTS, "removed")
