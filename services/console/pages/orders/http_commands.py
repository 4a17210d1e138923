"""Commands about orders: one at its page, or many that were picked in the list."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.dependencies import Form, Person, Process
from services.console.http_pages import go_to, page
from services.console.pages.orders import bulk, filters, statuses
from services.console.pages.orders.http import show_list, show_one
from services.console.rendering.errors import errors_of

router = APIRouter(include_in_schema=False, prefix="/orders")
_UNPROCESSABLE = 422


@router.post("/commands")
async def command_many(request: Request, me: Person, process: Process, form: Form) -> Response:
    """Do it with all that were picked; what cannot be undone is asked about first."""
    picks = bulk.picks_of(form.every("pick"))
    asked, _ = filters.read(bulk.pairs_of(form["back"]))
    if not picks:
        return await show_list(
            request,
            me,
            process,
            asked,
            status=_UNPROCESSABLE,
            is_nothing_picked=True,
            typed=form,
        )
    command = form["command"]
    shown: dict[str, Any] = {"command": command, "back": asked.query, "words": statuses}
    if command in statuses.FINAL and not form["sure"]:
        return page(request, "orders/sure.html", picks=picks, **shown)
    body = {"commands": bulk.commands_of(picks, command, form)}
    try:
        answer = await me.send("routing", "POST", "/v1/orders/commands", body)
    except ApiProblem as problem:
        errors = errors_of(problem)
        return await show_list(request, me, process, asked, errors, problem.status, typed=form)
    results = bulk.results_of(picks, answer["results"])
    undo = bulk.UNDO.get(command, "")
    return page(request, "orders/results.html", results=results, undo=undo, **shown)


@router.post("/{order_id}/commands")
async def command_one(request: Request, me: Person, order_id: UUID, form: Form) -> Response:
    """With the version that was shown: who was second is told."""
    path = f"/v1/orders/{order_id}/{bulk.path_of(form['command'])}"
    try:
        changed = await me.send("routing", "POST", path, bulk.body_of(form))
    except ApiProblem as problem:
        return await show_one(request, me, order_id, errors_of(problem), problem.status, form)
    if changed["owner"] == "brand" and not me.is_brand:
        # It was moved back to a connection that had ended: it is not the 3PL's to look at.
        return go_to(request, "/orders", "order_gone")
    return go_to(request, f"/orders/{order_id}", f"order_{form['command']}")
