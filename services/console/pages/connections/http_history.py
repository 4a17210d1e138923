"""What a connection's settings were, and who changed what."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.dependencies import Person
from services.console.http_pages import page
from services.console.pages.connections.http import connection_of
from services.console.rendering.errors import NONE, errors_of

router = APIRouter(include_in_schema=False)


@router.get("/connections/{connection_id}/versions")
async def show_versions(
    request: Request,
    me: Person,
    connection_id: UUID,
    before: Annotated[str, Query(alias="from")] = "",
    to: str = "",
    after: str = "",
) -> Response:
    """All of them, and two side by side."""
    path = f"/v1/connections/{connection_id}/settings/versions"
    connection = await connection_of(me, connection_id)
    versions = await me.get("connections", path, after=after)
    difference, errors = None, NONE
    if before and to:
        try:
            compared = {"from": before, "to": to}
            difference = await me.get("connections", f"{path}/difference", **compared)
        except ApiProblem as problem:
            errors = errors_of(problem)
    return page(
        request,
        "connections/versions.html",
        errors=errors,
        one=connection,
        versions=versions["data"],
        next=versions["next"],
        after=after,
        difference=difference,
    )


@router.get("/connections/{connection_id}/audit")
async def show_audit(
    request: Request, me: Person, connection_id: UUID, after: str = ""
) -> Response:
    """Newest first."""
    connection = await connection_of(me, connection_id)
    found = await me.get("connections", "/v1/audit", connection=connection_id, after=after)
    return page(
        request,
        "connections/audit.html",
        one=connection,
        entries=found["data"],
        next=found["next"],
        after=after,
    )
