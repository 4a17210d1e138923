"""Who did what in the account."""

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.dependencies import Person
from services.console.http_pages import page
from services.console.rendering.errors import NONE, errors_of

router = APIRouter(include_in_schema=False)


@router.get("/account/audit")
async def show_audit(
    request: Request,
    me: Person,
    action: str = "",
    since: str = "",
    until: str = "",
    connection: str = "",
    after: str = "",
) -> Response:
    """Newest first; the address is the filter."""
    asked = {"action": action, "since": since, "until": until, "connection": connection}
    chosen = {name: value for name, value in asked.items() if value}
    errors, status = NONE, 200
    found: dict[str, Any] = {"data": [], "next": None}
    days = {name: f"{value}T00:00:00Z" for name, value in chosen.items() if len(value) == 10}  # noqa: PLR2004  a day
    try:
        found = await me.get("connections", "/v1/audit", **{**chosen, **days}, after=after)
    except ApiProblem as problem:
        errors, status = errors_of(problem), problem.status
    return page(
        request,
        "account/audit.html",
        status=status,
        errors=errors,
        entries=found["data"],
        next=found["next"],
        chosen=asked,
        rest=urlencode(chosen),
        after=after,
    )
