"""Saved views: the filter of a list under a name."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.dependencies import Form, Person, Process
from services.console.http_pages import go_to
from services.console.pages.orders import bulk, filters
from services.console.pages.orders.http import show_list
from services.console.rendering.errors import Errors

router = APIRouter(include_in_schema=False, prefix="/orders/views")
_LONGEST = 60
_UNPROCESSABLE = 422


@router.post("")
async def keep_view(request: Request, me: Person, process: Process, form: Form) -> Response:
    """What was searched for is not kept: it may be a buyer's name."""
    asked, _ = filters.read(bulk.pairs_of(form["back"]))
    name = form["name"]
    wrong = ""
    if not name:
        wrong = "Field required"
    elif len(name) > _LONGEST:
        wrong = f"at most {_LONGEST} characters"
    elif not name.isprintable():
        wrong = "should be a valid name"
    elif not await process.views.keep(me, name, asked.kept):
        wrong = "there are too many"
    if wrong:
        errors = Errors.at("name", wrong)
        return await show_list(request, me, process, asked, errors, _UNPROCESSABLE, typed_name=name)
    return go_to(request, f"/orders?{asked.kept}", "saved")


@router.post("/{view_id}/remove")
async def remove_view(
    request: Request, me: Person, process: Process, view_id: UUID, form: Form
) -> Response:
    """Forget it."""
    await process.views.remove(me, view_id)
    asked, _ = filters.read(bulk.pairs_of(form["back"]))
    return go_to(request, f"/orders?{asked.query}", "removed")
