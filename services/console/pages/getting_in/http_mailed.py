"""The pages that mails lead to.

The token of a link stands in the address's fragment, which no server and no log sees: a script puts
it into a form and sends that; without a script the reader pastes the link.
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.client import Answer, Caller
from services.console.api.problem import ApiProblem
from services.console.dependencies import (
    Anyone,
    Dependencies,
    Fields,
    Form,
    MaybePerson,
    Process,
    caller_of,
)
from services.console.http_pages import go_to, page
from services.console.pages.getting_in.http import signed_in
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False)
_LONGEST_TOKEN = 200
_NO_LINK = Errors.at("token", "Field required")


def token_of(text: str) -> str:
    """The token in what somebody pasted: the link, or the token alone."""
    return text.rpartition("#token=")[2].strip()[:_LONGEST_TOKEN]


async def ask(process: Dependencies, caller: Caller, path: str, body: Any) -> Answer:
    """A call as anyone: the token is the right."""
    return await process.apis.call("connections", "POST", path, caller, body=body)


def gate(request: Request, errors: Errors = NONE, status: int = 200) -> Response:
    """The page that takes the token out of the address."""
    return page(request, "getting_in/gate.html", errors=errors, status=status)


@router.get("/confirm")
@router.get("/reset-password")
@router.get("/join")
@router.get("/change-email")
@router.get("/undo-email")
@router.get("/stop-mail")
@router.get("/accept")
@router.get("/invitation")
@router.get("/login")
async def open_link(request: Request, _: MaybePerson) -> Response:
    """Whatever the mail is about."""
    return gate(request)


async def _with_password(
    request: Request, process: Dependencies, form: Fields, purpose: str, path: str, said: str
) -> Response:
    """A page that sets a password, and the session that follows."""
    token = token_of(form["token"])
    if not token:
        return gate(request, _NO_LINK, 422)
    if "password" not in form:
        return page(request, "getting_in/password.html", token=token, purpose=purpose)
    body = {"token": token, "password": form["password"]}
    try:
        answer = await ask(process, caller_of(request), path, body)
    except ApiProblem as problem:
        return page(
            request,
            "getting_in/password.html",
            status=problem.status,
            errors=errors_of(problem),
            token=token,
            purpose=purpose,
        )
    return await signed_in(process, go_to(request, "/", said), answer)


@router.post("/confirm")
async def confirm(request: Request, _: Anyone, process: Process, form: Form) -> Response:
    """Signed up: a first password."""
    return await _with_password(
        request, process, form, "confirm", "/v1/accounts/confirm", "welcome"
    )


@router.post("/reset-password")
async def reset(request: Request, _: Anyone, process: Process, form: Form) -> Response:
    """Another password."""
    return await _with_password(
        request, process, form, "reset", "/v1/password-resets/redeem", "password_changed"
    )


@router.post("/join")
async def join(request: Request, _: Anyone, process: Process, form: Form) -> Response:
    """Work in somebody's account."""
    return await _with_password(request, process, form, "join", "/v1/people/join", "welcome")


_PLAIN: dict[str, tuple[str, str]] = {
    "/change-email": ("/v1/people/me/email/confirm", "address_changed"),
    "/undo-email": ("/v1/people/me/email/undo", "address_restored"),
    "/stop-mail": ("/v1/mail-opt-outs", "mails_stopped"),
}


@router.post("/change-email")
@router.post("/undo-email")
@router.post("/stop-mail")
async def do_it(request: Request, caller: Anyone, process: Process, form: Form) -> Response:
    """A link that does one thing, once its reader says so: opening a mail is no consent."""
    path, said = _PLAIN[request.url.path]
    token = token_of(form["token"])
    if not token:
        return gate(request, _NO_LINK, 422)
    if form["sure"] != "yes":
        return page(request, "getting_in/sure.html", token=token)
    try:
        await ask(process, caller, path, {"token": token})
    except ApiProblem as problem:
        return gate(request, errors_of(problem), problem.status)
    return go_to(request, "/log-in", said)


@router.post("/login")
async def shared_link(request: Request, caller: Anyone, process: Process, form: Form) -> Response:
    """What a 3PL asks for. The link shows that, and sends the mail that lets its reader accept."""
    token = token_of(form["token"])
    if not token:
        return gate(request, _NO_LINK, 422)
    path = "/v1/login-links/renew" if form["renew"] else "/v1/login-links/open"
    try:
        answer = await ask(process, caller, path, {"token": token})
    except ApiProblem as problem:
        return page(
            request,
            "getting_in/shared.html",
            status=problem.status,
            errors=errors_of(problem),
            question=None,
            token=token,
            renewed=False,
        )
    return page(
        request,
        "getting_in/shared.html",
        question=None if form["renew"] else answer.body,
        token=token,
        renewed=bool(form["renew"]),
    )


@router.post("/accept")
async def accept(request: Request, me: MaybePerson, process: Process, form: Form) -> Response:
    """What the mailed link is about; and then: yes."""
    token = token_of(form["token"])
    caller = caller_of(request)
    errors = NONE
    if form["settings_version"]:
        body: dict[str, Any] = {
            "token": token,
            "settings_version": _number(form["settings_version"]),
            "adopted_credentials": form.every("adopted_credentials"),
        }
        try:
            if me is not None and form["as"] == "me":
                body["account_id"] = str(me.account.id)
                answer = await me.call("connections", "POST", "/v1/acceptances", body=body)
            else:
                body["password"] = form["password"]
                answer = await ask(process, caller, "/v1/acceptances", body)
        except ApiProblem as problem:
            errors = errors_of(problem)
        else:
            connection = answer.body["connection"]["id"]
            response = go_to(request, f"/connections/{connection}", "accepted")
            return await signed_in(process, response, answer)
    try:
        offer = (await ask(process, caller, "/v1/acceptances/preview", {"token": token})).body
    except ApiProblem as problem:
        return gate(request, errors or errors_of(problem), problem.status)
    return page(
        request,
        "getting_in/accept.html",
        status=_status(errors),
        errors=errors,
        offer=offer,
        token=token,
        form=form,
    )


@router.post("/invitation")
async def take_up(request: Request, me: MaybePerson, process: Process, form: Form) -> Response:
    """A brand asks a 3PL; and then: yes."""
    token = token_of(form["token"])
    caller = caller_of(request)
    errors = NONE
    if form["yes"]:
        body: dict[str, Any] = {"token": token}
        try:
            if me is not None and form["as"] == "me":
                body["account_id"] = str(me.account.id)
                answer = await me.call("connections", "POST", "/v1/invitations/accept", body=body)
            else:
                body |= {"password": form["password"], "name": form["name"] or None}
                answer = await ask(process, caller, "/v1/invitations/accept", body)
        except ApiProblem as problem:
            errors = errors_of(problem)
        else:
            connection = answer.body["connection"]["id"]
            response = go_to(request, f"/connections/{connection}", "taken_up")
            return await signed_in(process, response, answer)
    try:
        offer = (await ask(process, caller, "/v1/invitations/preview", {"token": token})).body
    except ApiProblem as problem:
        return gate(request, errors or errors_of(problem), problem.status)
    return page(
        request,
        "getting_in/invitation.html",
        status=_status(errors),
        errors=errors,
        offer=offer,
        token=token,
        form=form,
    )


def _status(errors: Errors) -> int:
    return 422 if errors else 200


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
