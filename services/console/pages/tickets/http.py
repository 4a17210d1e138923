"""Tickets: those that the account writes or reads, one with its thread, and a new one."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.browser.upload import NoFile, Upload
from services.console.dependencies import Fields, Form, Person
from services.console.http_files import passed_on
from services.console.http_pages import go_to, page
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False, prefix="/tickets")
_UNPROCESSABLE = 422
_NUMBERS = ("grams_measured", "days_since_shipped")
_FIELDS = ("value", "currency", *_NUMBERS, "expected_on")
_ADDRESS = ("name", "address1", "address2", "city", "zip", "country_code")


@router.get("")
async def list_tickets(
    request: Request,
    me: Person,
    state: str = "",
    category: str = "",
    kind: str = "",
    overdue: str = "",
    order_id: str = "",
    after: str = "",
) -> Response:
    """Newest first; the address is the filter."""
    asked = {
        "state": state, "category": category, "kind": kind, "overdue": overdue,
        "order_id": order_id,
    }  # fmt: skip
    chosen = {name: value for name, value in asked.items() if value}
    errors, status = NONE, 200
    found: dict[str, Any] = {"data": [], "next": None}
    try:
        found = await me.get("fulfilment", "/v1/tickets", **chosen, after=after)
    except ApiProblem as problem:
        errors, status = errors_of(problem), problem.status
    (counts,) = await known(me.get("fulfilment", "/v1/tickets/counts"))
    return page(
        request,
        "tickets/list.html",
        status=status,
        errors=errors,
        tickets=found["data"],
        next=found["next"],
        chosen=asked,
        counts=counts,
        rest=urlencode(chosen),
        after=after,
    )


@router.get("/new")
async def new_ticket(request: Request, me: Person, order: UUID | None = None) -> Response:
    """About an order, to its carrier; about none, to the operator."""
    typed = Fields([("order_id", str(order or "")), ("key", str(uuid4()))])
    return page(request, "tickets/new.html", typed=typed)


@router.post("/new")
async def write_ticket(request: Request, me: Person, form: Form) -> Response:
    """A draft, to which files can be attached before it is opened."""
    try:
        made = await me.send("fulfilment", "POST", "/v1/tickets", _ticket_of(form), key=form["key"])
    except ApiProblem as problem:
        typed = Fields([("key", str(uuid4())), *form.pairs])
        errors = errors_of(problem)
        return page(request, "tickets/new.html", status=problem.status, typed=typed, errors=errors)
    return go_to(request, f"/tickets/{made['id']}")


def _ticket_of(form: Fields) -> dict[str, Any]:
    """What was filled in; what was left empty is not sent."""
    fields: dict[str, Any] = {
        name: form[f"fields/{name}"] for name in _FIELDS if form[f"fields/{name}"]
    }
    place = "fields/correct_address"
    address = {name: form[f"{place}/{name}"] for name in _ADDRESS if form[f"{place}/{name}"]}
    if address:
        fields["correct_address"] = address
    named = {name: form[name] for name in ("order_id", "carrier_email") if form[name]}
    return {
        **named, "category": form["category"], "message": form["message"], "fields": fields,
        "language": form["language"] or "en",
    }  # fmt: skip


@router.get("/{ticket_id}")
async def show_ticket(request: Request, me: Person, ticket_id: UUID) -> Response:
    """What it says, what was said in it, and what can be done."""
    return await _ticket_page(request, me, ticket_id)


async def _ticket_page(
    request: Request,
    me: SignedIn,
    ticket_id: UUID,
    errors: Errors = NONE,
    status: int = 200,
    typed: str = "",
) -> Response:
    found = await me.get("fulfilment", f"/v1/tickets/{ticket_id}")
    return page(
        request,
        "tickets/ticket.html",
        status=status,
        errors=errors,
        ticket=found,
        typed=typed,
        key=str(uuid4()),
    )


@router.post("/{ticket_id}/messages")
async def say(request: Request, me: Person, form: Form, ticket_id: UUID) -> Response:
    """What is said next."""
    path = f"/v1/tickets/{ticket_id}/messages"
    try:
        await me.send("fulfilment", "POST", path, {"text": form["text"]}, key=form["key"])
    except ApiProblem as problem:
        return await _ticket_page(
            request, me, ticket_id, errors_of(problem), problem.status, form["text"]
        )
    return go_to(request, f"/tickets/{ticket_id}", "saved")


@router.post("/{ticket_id}/attachments")
async def attach(request: Request, me: Person, ticket_id: UUID) -> Response:
    """A file, passed on as it comes."""
    path = f"/v1/tickets/{ticket_id}/attachments"
    try:
        upload = Upload(request.headers.get("content-type", ""), request.stream())
        name = await upload.name()
        await me.upload("fulfilment", path, {"name": name}, upload.content())
    except (NoFile, ClientDisconnect):
        errors = Errors.at("file", "Field required")
        return await _ticket_page(request, me, ticket_id, errors, _UNPROCESSABLE)
    except ApiProblem as problem:
        errors = Errors(code=problem.code, detail=problem.detail, facts=problem.body)
        return await _ticket_page(request, me, ticket_id, errors, problem.status)
    return go_to(request, f"/tickets/{ticket_id}", "saved")


@router.get("/{ticket_id}/attachments/{attachment_id}")
async def download(me: Person, ticket_id: UUID, attachment_id: UUID) -> Response:
    """The file, passed on as it comes."""
    path = f"/v1/tickets/{ticket_id}/attachments/{attachment_id}"
    return await passed_on(me, "fulfilment", path)


# Last: its path fits others.
@router.post("/{ticket_id}/{command}")
async def command(request: Request, me: Person, ticket_id: UUID, command: str) -> Response:
    """One of the buttons; the API knows which there are."""
    if not command.replace("-", "").isalpha() or not command.isascii():
        return go_to(request, f"/tickets/{ticket_id}")
    try:
        await me.send("fulfilment", "POST", f"/v1/tickets/{ticket_id}/{command}")
    except ApiProblem as problem:
        missing = problem.fields.get("/attachments", "")
        errors = Errors.at("file", missing) if missing else errors_of(problem)
        return await _ticket_page(request, me, ticket_id, errors, problem.status)
    return go_to(request, f"/tickets/{ticket_id}", "saved")
