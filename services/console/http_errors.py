"""What goes wrong, as a page that says what to do next."""

import json
import time

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.console.api.problem import ApiAway, ApiProblem
from services.console.browser.as_operator import KeyNeeded
from services.console.browser.sessions import SessionOver
from services.console.browser.signed_in import ActingOver
from services.console.dependencies import Dependencies, Fields
from services.console.http_pages import go_to, page
from services.console.rendering.errors import errors_of
from shared.failures import Permanent, is_transient
from shared.sealing import Sealer

logger = structlog.get_logger(__name__)
_CONTEXT = "what was typed"
_KEPT_SECONDS = 3_600
_UNAUTHORIZED, _NOT_FOUND, _AWAY, _BROKEN = 401, 404, 503, 500
# None is to stand in the source of a page.
_NEVER_KEPT = ("password", "secret", "webhook_key")


def install(app: FastAPI) -> None:
    """Make every error of the console a page."""
    for kind, handler in (
        (SessionOver, _on_session_over),
        (ActingOver, _on_acting_over),
        (KeyNeeded, _on_key_needed),
        (ApiProblem, _on_problem),
        (ApiAway, _on_away),
        (HTTPException, _on_http),
        (RequestValidationError, _on_http),
        (OSError, _on_transient),
        (TimeoutError, _on_transient),
        (Exception, _on_anything),
    ):
        app.add_exception_handler(kind, handler)


async def _on_session_over(request: Request, _: Exception) -> Response:
    if (reload := _whole_page_again(request)) is not None:
        return reload
    form: Fields | None = getattr(request.state, "form", None)
    if form is None and request.method == "POST":
        # A file, which is not kept: its page asks for it again.
        form = Fields([])
    process: Dependencies = request.app.state.dependencies
    if form is not None:
        again = keep_form(process.sealer, request.url.path, form)
        return page(request, "getting_in/log_in.html", status=401, again=again, is_over=True)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if asked == "/":
        return go_to(request, "/log-in")
    return go_to(request, "/log-in", next=asked)


def _whole_page_again(request: Request) -> Response | None:
    """For a script that asked for a part of a page: another page is not to be put into this one."""
    if request.headers.get("hx-request") != "true":
        return None
    return Response(status_code=204, headers={"hx-refresh": "true"})


async def _on_acting_over(request: Request, _: Exception) -> Response:
    if (reload := _whole_page_again(request)) is not None:
        return reload
    return go_to(request, "/integrations", "acting_over")


async def _on_key_needed(request: Request, _: Exception) -> Response:
    return page(request, "operator/key.html", status=_UNAUTHORIZED)


async def _on_problem(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, ApiProblem) else ApiProblem("", _BROKEN, {})
    if problem.status == _NOT_FOUND:
        return page(request, "errors/not_found.html", status=_NOT_FOUND)
    errors = errors_of(problem)
    return page(request, "errors/problem.html", status=problem.status, errors=errors)


async def _on_away(request: Request, error: Exception) -> Response:
    service = error.service if isinstance(error, ApiAway) else ""
    answer = page(request, "errors/away.html", status=_AWAY, service=service)
    answer.headers["retry-after"] = "5"
    return answer


async def _on_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else _NOT_FOUND
    return page(request, "errors/not_found.html", status=status)


async def _on_transient(request: Request, error: Exception) -> Response:
    logger.warning("the console's own database does not answer", error=repr(error))
    return await _on_away(request, ApiAway("console"))


async def _on_anything(request: Request, error: Exception) -> Response:
    if is_transient(error):
        return await _on_transient(request, error)
    logger.error("a page failed", path=request.url.path, exc_info=error)
    return page(request, "errors/broken.html", status=_BROKEN)


def keep_form(sealer: Sealer, path: str, form: Fields) -> str:
    """What was typed into a form, for the page that its sender sees after logging in again."""
    pairs = [
        (name, value) for name, value in form.pairs if not any(word in name for word in _NEVER_KEPT)
    ]
    kept = {"path": path, "pairs": pairs, "until": time.time() + _KEPT_SECONDS}
    return sealer.seal(json.dumps(kept), _CONTEXT)


def kept_form(sealer: Sealer, sealed: str) -> tuple[str, list[tuple[str, str]]] | None:
    """Where a form goes and what was typed; None for what the console has not kept, or is old."""
    try:
        kept = json.loads(sealer.open(sealed, _CONTEXT))
    except (Permanent, ValueError):
        return None
    if kept["until"] < time.time():
        return None
    return kept["path"], [(name, value) for name, value in kept["pairs"]]
