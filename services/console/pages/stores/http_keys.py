"""The keys by which a store sends its orders."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.dependencies import Form, Person, Process
from services.console.http_pages import go_to
from services.console.pages.stores.http import store_page
from services.console.rendering.errors import errors_of

router = APIRouter(include_in_schema=False)


@router.post("/stores/{store_id}/keys")
async def add_key(
    request: Request, process: Process, me: Person, store_id: UUID, form: Form
) -> Response:
    """An API key is in this answer and nowhere else; a platform's secret is never shown."""
    body: dict[str, Any] = {"kind": form["kind"]}
    if form["kind"] != "api_key":
        body["secret"] = form["secret"] or None
    path = f"/v1/stores/{store_id}/credentials"
    try:
        made = await me.send("connections", "POST", path, body, key=form["key"])
    except ApiProblem as problem:
        return await store_page(request, process, me, store_id, errors_of(problem), problem.status)
    if not made["secret"]:
        return go_to(request, f"/stores/{store_id}", "saved")
    return await store_page(request, process, me, store_id, made=made["secret"])


@router.post("/stores/{store_id}/keys/{key_id}/revoke")
async def revoke_key(
    request: Request, process: Process, me: Person, store_id: UUID, key_id: UUID
) -> Response:
    """What is sent with it is refused within a second."""
    try:
        await me.send("connections", "DELETE", f"/v1/stores/{store_id}/credentials/{key_id}")
    except ApiProblem as problem:
        return await store_page(request, process, me, store_id, errors_of(problem), problem.status)
    return go_to(request, f"/stores/{store_id}", "removed")
