"""Deliveries: one event for one endpoint, with every attempt."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Person
from services.console.http_pages import go_to, page
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False, prefix="/webhooks/deliveries")
_FILTER = (
    "state", "endpoint", "connection", "order", "type", "created_after", "created_before",
)  # fmt: skip
_DAY_CHARACTERS = 10


@router.get("")
async def list_deliveries(request: Request, me: Person) -> Response:
    """Newest first; the address is the filter."""
    asked = {name: request.query_params.get(name, "") for name in _FILTER}
    chosen = {name: value for name, value in asked.items() if value}
    after = request.query_params.get("after", "")
    found: dict[str, Any] = {"data": [], "next": None}
    errors, status = NONE, 200
    try:
        params = {name: _moment(value) for name, value in chosen.items()}
        found = await me.get("webhooks", "/v1/deliveries", **params, after=after)
    except ApiProblem as problem:
        errors, status = errors_of(problem), problem.status
    return page(
        request,
        "webhooks/deliveries.html",
        status=status,
        errors=errors,
        deliveries=found["data"],
        next=found["next"],
        after=after,
        chosen=asked,
        rest=urlencode(chosen),
    )


def _moment(value: str) -> str:
    """A day of a date field as the moment that it begins."""
    is_day = len(value) == _DAY_CHARACTERS and value.count("-") == 2  # noqa: PLR2004  2026-01-31
    return f"{value}T00:00:00Z" if is_day else value


async def _delivery(
    request: Request, me: SignedIn, id_: UUID, errors: Errors = NONE, status: int = 200
) -> Response:
    delivery = await me.get("webhooks", f"/v1/deliveries/{id_}")
    return page(
        request,
        "webhooks/delivery.html",
        status=status,
        errors=errors,
        delivery=delivery,
        body=_indented(delivery["body"]),
    )


def _indented(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


@router.get("/{delivery_id}")
async def show_delivery(request: Request, me: Person, delivery_id: UUID) -> Response:
    """What was sent, and what came back."""
    return await _delivery(request, me, delivery_id)


@router.post("/{delivery_id}/retry")
async def send_again(request: Request, me: Person, delivery_id: UUID) -> Response:
    """A new delivery of the same event, to the endpoint as it is now."""
    try:
        made = await me.send("webhooks", "POST", f"/v1/deliveries/{delivery_id}/retry")
    except ApiProblem as problem:
        return await _delivery(request, me, delivery_id, errors_of(problem), problem.status)
    return go_to(request, f"/webhooks/deliveries/{made['id']}", "sent_again")
