"""Errors over HTTP: RFC 9457 `application/problem+json`, from exactly one place."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from shared.failures import Permanent, is_transient

logger = structlog.get_logger(__name__)
_RETRY_AFTER_SECONDS = 2


class Problem(Exception):  # noqa: N818  RFC 9457 calls it a problem
    """What a request gets instead of an answer.

    Args:
        status: HTTP status code.
        code: stable, snake_case, for machines.
        detail: what is wrong and what to do next, for people.
        errors: `[{"pointer": "/lines/0/price", "message": "…"}]` (JSON Pointer, RFC 6901).
        headers: sent along, e.g. `Retry-After`.
        extra: further members, e.g. the current version.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extra = extra


def not_found(what: str) -> Problem:
    """404 for what does not exist, and for what is not the caller's."""
    return Problem(404, "not_found", f"There is no such {what}.")


def validation_errors(errors: Sequence[ErrorDetails] | Sequence[Any]) -> list[dict[str, str]]:
    """Pydantic's errors as JSON Pointers; never the input itself."""
    return [
        {
            "pointer": "".join(
                "/" + str(part).replace("~", "~0").replace("/", "~1") for part in error["loc"]
            ),
            "message": str(error["msg"]),
        }
        for error in errors
    ]


def respond(request: Request, problem: Problem) -> Response:
    """The problem document."""
    body: dict[str, Any] = {
        "type": f"https://relevo.dev/problems/{problem.code}",
        "title": problem.code.replace("_", " ").capitalize(),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "instance": request.url.path,
        **problem.extra,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return JSONResponse(
        body,
        status_code=problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


def _problem_of(error: Exception) -> Problem:
    """The one place that maps an exception to HTTP."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        # FastAPI's location starts with where it looked: body, query, path or header.
        errors = [{**item, "loc": item["loc"][1:] or item["loc"]} for item in error.errors()]
        if any(item["type"] == "json_invalid" for item in errors):
            return Problem(400, "malformed_json", "The body is not valid JSON.")
        return Problem(
            422,
            "validation_failed",
            "Some fields are missing or wrong; `errors` names each of them.",
            errors=validation_errors(errors),
        )
    if isinstance(error, HTTPException):
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        return Problem(
            error.status_code, code, str(error.detail), headers=dict(error.headers or {})
        )
    if isinstance(error, Permanent):
        return Problem(422, "rejected", error.reason)
    if is_transient(error):
        return Problem(
            503,
            "temporarily_unavailable",
            "A part of Relevo is restarting. Nothing was changed; send the request again.",
            headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
        )
    return Problem(500, "internal_error", "Something is broken on our side; it was logged.")


async def _handle(request: Request, error: Exception) -> Response:
    problem = _problem_of(error)
    if problem.status >= 500:  # noqa: PLR2004  server errors
        logger.error("request failed", path=request.url.path, code=problem.code, exc_info=error)
    return respond(request, problem)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    for kind in (Problem, RequestValidationError, HTTPException, Permanent, Exception):
        app.add_exception_handler(kind, _handle)
    # Handlers of `Exception` run outside the middlewares and re-raise; the transient ones are
    # expected and handled here.
    for transient in (OSError, TimeoutError):
        app.add_exception_handler(transient, _handle)
