"""A person: where they are logged in, their address and password, what they are mailed."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.models import Tokens
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person, Process, caller_of, language_for
from services.console.http_pages import go_to, page
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)


async def _account(
    request: Request, me: SignedIn, errors: Errors = NONE, status: int = 200, **typed: Any
) -> Response:
    sessions = await me.get("connections", "/v1/sessions", limit=200)
    mailed = await me.get("connections", "/v1/notification-settings")
    values = {"email": "", **typed}
    return page(
        request,
        "account/account.html",
        status=status,
        errors=errors,
        sessions=sessions["data"],
        mailed=mailed["mailed"],
        **values,
    )


@router.get("/account")
async def show_account(request: Request, me: Person) -> Response:
    """Who is logged in, and where."""
    return await _account(request, me)


@router.post("/account/email")
async def change_address(request: Request, me: Person, form: Form) -> Response:
    """The mail to the new address confirms it."""
    body = {"email": form["email"], "password": form["password"]}
    try:
        await me.send("connections", "POST", "/v1/people/me/email", body)
    except ApiProblem as problem:
        return await _account(request, me, errors_of(problem), problem.status, email=form["email"])
    return go_to(request, "/account", "sent")


@router.post("/account/password")
async def change_password(request: Request, process: Process, me: Person) -> Response:
    """By a mailed link, as if it was forgotten."""
    body = {"email": me.email, "language": language_for(request)}
    caller = caller_of(request)
    await process.apis.call("connections", "POST", "/v1/password-resets", caller, body=body)
    return go_to(request, "/account", "sent")


@router.post("/account/sessions/end")
async def end_sessions(request: Request, me: Person, form: Form) -> Response:
    """One that was left open elsewhere, or all but this one."""
    sessions = (await me.get("connections", "/v1/sessions", limit=200))["data"]
    for one in sessions:
        is_meant = form["session_id"] == one["id"] if form["session_id"] else not one["is_current"]
        if is_meant:
            await me.send("connections", "DELETE", f"/v1/sessions/{one['id']}")
    return go_to(request, "/account", "session_ended")


@router.post("/account/notifications")
async def change_notifications(request: Request, me: Person, form: Form) -> Response:
    """What is mailed, besides what stands in the account."""
    body = {"mailed": form.every("mailed")}
    await me.send("connections", "PUT", "/v1/notification-settings", body)
    return go_to(request, "/account", "saved")


@router.get("/account/switch/{account_id}")
async def show_switch(request: Request, me: Person, account_id: UUID) -> Response:
    """Another account of the person."""
    return _switch(request, me, str(account_id))


@router.post("/account/switch")
async def switch_account(request: Request, process: Process, me: Person, form: Form) -> Response:
    """A session of its own, which asks for the password."""
    body = {
        "email": me.email,
        "password": form["password"],
        "account_id": form["account_id"],
    }
    try:
        answer = await process.apis.call(
            "connections", "POST", "/v1/sessions", caller_of(request), body=body
        )
    except ApiProblem as problem:
        return _switch(request, me, form["account_id"], errors_of(problem), problem.status)
    await me.adopt(Tokens.of(answer.body))
    return go_to(request, "/", "account_switched")


def _switch(
    request: Request, me: SignedIn, account_id: str, errors: Errors = NONE, status: int = 200
) -> Response:
    wanted = next((one for one in me.accounts if str(one.id) == account_id), None)
    if wanted is None:
        return page(request, "errors/not_found.html", status=404)
    return page(request, "account/switch.html", status=status, errors=errors, wanted=wanted)
