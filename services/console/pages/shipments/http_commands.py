"""Commands about shipments: one at its page, or many that were picked in the list."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.dependencies import Form, Person
from services.console.http_pages import go_to, page
from services.console.pages.orders.bulk import pairs_of, picks_of
from services.console.pages.shipments import forms, tabs
from services.console.pages.shipments.http import show_list, show_one
from services.console.rendering.errors import errors_of

router = APIRouter(include_in_schema=False, prefix="/shipments")
_UNPROCESSABLE = 422
_PATHS = {"buy": "/v1/shipments/labels", "ship": "/v1/shipments/ship"}


@router.post("/commands")
async def command_many(request: Request, me: Person, form: Form) -> Response:
    """Do it with all that were picked; that they have left is asked about first."""
    picks, command = picks_of(form.every("pick")), form["command"]
    asked = tabs.read(dict(pairs_of(form["back"])))
    if not picks or command not in tabs.COMMANDS:
        return await show_list(request, me, asked, status=_UNPROCESSABLE, is_nothing_picked=True)
    if command == "print":
        return go_to(
            request, "/shipments/labels.pdf", shipment_id=[pick.order_id for pick in picks]
        )
    shown: dict[str, Any] = {"command": command, "back": asked.query, "texts": tabs.COMMANDS}
    if command == "ship" and not form["sure"]:
        return page(request, "shipments/sure.html", picks=picks, **shown)
    try:
        answer = await me.send("fulfilment", "POST", _PATHS[command], forms.many(picks))
    except ApiProblem as problem:
        return await show_list(request, me, asked, errors=errors_of(problem), status=problem.status)
    results = forms.results_of(picks, answer["results"])
    printed = urlencode({"shipment_id": [pick.order_id for pick in results.done]}, doseq=True)
    return page(request, "shipments/results.html", results=results, printed=printed, **shown)


@router.post("/{shipment_id}/{command}")
async def command_one(
    request: Request, me: Person, form: Form, shipment_id: UUID, command: str
) -> Response:
    """With the version that was shown: who was second is told."""
    if command not in forms.COMMANDS:
        return go_to(request, f"/shipments/{shipment_id}")
    if command == "pack" and form["do"]:
        more = 1 if form["do"] == "more" else -1
        boxes = min(max(forms.rows(form) + more, 1), forms.MOST_BOXES)
        return await show_one(request, me, shipment_id, typed=form, command=command, boxes=boxes)
    method, path, _ = forms.COMMANDS[command]
    body, sent = forms.body_of(command, form)
    try:
        changed = await me.send("fulfilment", method, f"/v1/shipments/{shipment_id}/{path}", body)
    except ApiProblem as problem:
        errors = forms.as_typed(errors_of(problem), sent)
        boxes = forms.rows(form) if command == "pack" else 0
        return await show_one(
            request, me, shipment_id, errors, problem.status, form, command, boxes
        )
    return go_to(request, f"/shipments/{changed['id']}", f"shipment_{command}")
