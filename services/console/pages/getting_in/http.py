"""Logging in and out, signing up, and a password that was forgotten."""

from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.client import Answer
from services.console.api.problem import ApiProblem
from services.console.browser.models import IDLE, Tokens
from services.console.browser.sessions import SessionOver
from services.console.dependencies import (
    Anyone,
    Dependencies,
    Form,
    MaybePerson,
    Person,
    Process,
    language_for,
)
from services.console.http_errors import kept_form
from services.console.http_pages import go_to, keep, local_path, page
from services.console.rendering.errors import errors_of
from services.console.words.languages import LANGUAGES

router = APIRouter(include_in_schema=False)
_DEVICE_HEADER = "relevo-device"
_YEAR_SECONDS = 365 * 86_400


@router.get("/log-in")
async def show_log_in(request: Request, me: MaybePerson, next: str = "") -> Response:  # noqa: A002  the name in the address
    """Who is logged in already goes on."""
    if me is not None:
        return go_to(request, local_path(next))
    return page(request, "getting_in/log_in.html", again="", is_over=False, next=next)


@router.post("/log-in")
async def log_in(request: Request, caller: Anyone, process: Process, form: Form) -> Response:
    """A session; what was typed before the last one ended is shown again."""
    body: dict[str, Any] = {"email": form["email"], "password": form["password"]}
    device = request.cookies.get(process.cookies.device, "")
    try:
        answer = await process.apis.call(
            "connections",
            "POST",
            "/v1/sessions",
            caller,
            body=body,
            headers={_DEVICE_HEADER: device} if device else {},
        )
    except ApiProblem as problem:
        return page(
            request,
            "getting_in/log_in.html",
            status=problem.status,
            errors=errors_of(problem),
            email=form["email"],
            again=form["again"],
            is_over=False,
            next=form["next"],
        )
    kept = kept_form(process.sealer, form["again"]) if form["again"] else None
    if kept is None:
        response = go_to(request, local_path(form["next"]))
    else:
        path, pairs = kept
        request.state.signed_in = None
        response = page(request, "getting_in/again.html", to=path, pairs=pairs)
    return await signed_in(process, response, answer)


async def signed_in(process: Dependencies, response: Response, answer: Answer) -> Response:
    """The same response, with a new session at its browser.

    Args:
        process: of the console.
        response: what the browser gets.
        answer: of the API, with the tokens.
    """
    cookie = await process.sessions.begin(Tokens.of(answer.body))
    keep(process, response, process.cookies.session, cookie, round(IDLE.total_seconds()))
    device = answer.headers.get(_DEVICE_HEADER)
    if device:
        keep(process, response, process.cookies.device, device, _YEAR_SECONDS)
    return response


@router.post("/log-out")
async def log_out(request: Request, process: Process, me: Person) -> Response:
    """Here, and at the API."""
    with suppress(SessionOver):
        await me.log_out()
    response = go_to(request, "/log-in", "logged_out")
    response.delete_cookie(process.cookies.session, secure=process.settings.is_https, httponly=True)
    return response


@router.post("/language")
async def choose_language(request: Request, _: Anyone, process: Process, form: Form) -> Response:
    """For this browser."""
    response = go_to(request, local_path(form["next"]))
    if form["language"] in LANGUAGES:
        keep(process, response, process.cookies.language, form["language"], _YEAR_SECONDS)
    return response


@router.get("/sign-up")
async def show_sign_up(request: Request, _: Anyone) -> Response:
    """Which kind of account, its name, an address."""
    return page(request, "getting_in/sign_up.html", form={})


@router.post("/sign-up")
async def sign_up(request: Request, caller: Anyone, process: Process, form: Form) -> Response:
    """The mailed link goes on; the answer is the same whatever there is."""
    body = {
        "kind": form["kind"],
        "name": form["name"],
        "email": form["email"],
        "language": language_for(request),
    }
    try:
        await process.apis.call("connections", "POST", "/v1/accounts", caller, body=body)
    except ApiProblem as problem:
        return page(
            request,
            "getting_in/sign_up.html",
            status=problem.status,
            errors=errors_of(problem),
            form=form,
        )
    return page(request, "getting_in/mail_sent.html", email=form["email"])


@router.get("/forgotten-password")
async def show_forgotten(request: Request, _: Anyone) -> Response:
    """An address."""
    return page(request, "getting_in/forgotten.html", email="")


@router.post("/forgotten-password")
async def forgotten(request: Request, caller: Anyone, process: Process, form: Form) -> Response:
    """The mailed link goes on; the answer is the same whatever there is."""
    body = {"email": form["email"], "language": language_for(request)}
    try:
        await process.apis.call("connections", "POST", "/v1/password-resets", caller, body=body)
    except ApiProblem as problem:
        return page(
            request,
            "getting_in/forgotten.html",
            status=problem.status,
            errors=errors_of(problem),
            email=form["email"],
        )
    return page(request, "getting_in/mail_sent.html", email=form["email"])
