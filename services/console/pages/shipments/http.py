"""Shipments: the list, one with its label, and what is printed."""

from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Fields, Person
from services.console.http_files import passed_on
from services.console.http_pages import page
from services.console.pages.shipments import forms, shown, tabs
from services.console.pages.shipments.tabs import Asked
from services.console.pages.shipping_rules import ways
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False, prefix="/shipments")
# As many as labels are bought and printed at once.
ON_A_PAGE = 100


@router.get("")
async def list_shipments(request: Request, me: Person, after: str = "") -> Response:
    """Newest first; the address is the filter."""
    return await show_list(request, me, tabs.read(request.query_params), after)


async def show_list(
    request: Request,
    me: SignedIn,
    asked: Asked,
    after: str = "",
    errors: Errors = NONE,
    status: int = 200,
    *,
    is_nothing_picked: bool = False,
) -> Response:
    """A page of the list, with what became of the last form."""
    found: dict[str, Any] = {"data": [], "next": None}
    try:
        found = await me.get(
            "fulfilment", "/v1/shipments", **asked.params, limit=ON_A_PAGE, after=after
        )
    except ApiProblem as problem:
        errors, status = _of_filters(errors_of(problem)), problem.status
    (waiting,) = await known(me.get("fulfilment", "/v1/shipments/waiting"))
    return page(
        request,
        "shipments/list.html",
        status=status,
        errors=errors,
        is_nothing_picked=is_nothing_picked,
        shipments=found["data"],
        next=found["next"],
        after=after,
        asked=asked,
        tabs=asked.tabs(waiting),
        commands=asked.commands if me.may_write else (),
        texts=tabs.COMMANDS,
    )


def _of_filters(errors: Errors) -> Errors:
    """What is wrong with one of a filter's values stands beside the filter."""
    fields = {name.split("/")[0]: said for name, said in errors.fields.items()}
    return replace(errors, fields=fields)


@router.get("/waiting")
async def count_waiting(request: Request, me: Person) -> Response:
    """How many need a carrier, for the menu of a page that is there."""
    (waiting,) = await known(me.get("fulfilment", "/v1/shipments/waiting"))
    needed = waiting["needs_carrier"] if waiting else 0
    return page(request, "shipments/waiting.html", block="count", needed=needed)


@router.get("/labels.pdf")
async def print_labels(me: Person, shipment_id: Annotated[list[UUID], Query()]) -> Response:
    """One file with the labels of many, passed on as it comes."""
    ids = [str(one) for one in shipment_id]
    return await passed_on(me, "fulfilment", "/v1/shipments/labels.pdf", shipment_id=ids)


@router.get("/{shipment_id}")
async def show_shipment(request: Request, me: Person, shipment_id: UUID) -> Response:
    """One shipment, and what can be done with it."""
    return await show_one(request, me, shipment_id)


async def show_one(
    request: Request,
    me: SignedIn,
    shipment_id: UUID,
    errors: Errors = NONE,
    status: int = 200,
    typed: Fields | None = None,
    command: str = "",
    boxes: int = 0,
) -> Response:
    """The shipment as it is now, and what was typed into the form of a command."""
    path = f"/v1/shipments/{shipment_id}"
    found = await me.get("fulfilment", path)
    (label,) = await known(me.get("fulfilment", f"{path}/label"))
    party = "brand" if me.is_brand else "three_pl"
    may = me.may_write and me.acting is None
    values = typed or Fields([])
    return page(
        request,
        "shipments/shipment.html",
        status=status,
        errors=errors,
        one=found,
        label=label,
        contents=shown.contents_of(found),
        buttons=shown.buttons_of(found, party) if may else set(),
        typed=values,
        command=command,
        boxes=boxes or max(1, len(found["parcels"])),
        most_boxes=forms.MOST_BOXES,
        way=values if command == "choose" else ways.typed_of(found["shipping"], "shipping"),
    )


@router.get("/{shipment_id}/label/{parcel}.{file_format}")
async def print_label(
    me: Person, shipment_id: UUID, parcel: int, file_format: Literal["pdf", "zpl", "png"]
) -> Response:
    """One label, passed on as it comes."""
    path = f"/v1/shipments/{shipment_id}/label/{parcel}.{file_format}"
    return await passed_on(me, "fulfilment", path)
