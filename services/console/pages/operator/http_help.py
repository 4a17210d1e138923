"""Help tickets, for the operator: what accounts ask, and what is answered."""

import asyncio
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.as_operator import AsOperator
from services.console.dependencies import Form, TheOperator
from services.console.http_pages import go_to, page
from services.console.pages.operator.names import names_of_accounts
from services.console.rendering.errors import NONE, Errors, errors_of

router = APIRouter(include_in_schema=False, prefix="/operator/help")
_TICKETS = "/v1/help-tickets"


@router.get("")
async def list_tickets(
    request: Request,
    me: TheOperator,
    state: str = "",
    category: str = "",
    overdue: str = "",
    after: str = "",
) -> Response:
    """Newest first; the address is the filter."""
    chosen = {"state": state, "category": category, "overdue": overdue}
    names = await names_of_accounts(me)
    errors, status = NONE, 200
    found: dict[str, Any] = {"data": [], "next": None}
    try:
        found = await me.get("fulfilment", _TICKETS, **chosen, after=after)
    except ApiProblem as problem:
        errors, status = errors_of(problem), problem.status
    return page(
        request,
        "operator/help.html",
        status=status,
        errors=errors,
        tickets=found["data"],
        next=found["next"],
        chosen=chosen,
        rest=urlencode({name: value for name, value in chosen.items() if value}),
        after=after,
        names=names,
    )


@router.get("/{ticket_id}")
async def show_ticket(request: Request, me: TheOperator, ticket_id: UUID) -> Response:
    """Its thread, and what can be done."""
    return await _ticket_page(request, me, ticket_id)


async def _ticket_page(
    request: Request,
    me: AsOperator,
    ticket_id: UUID,
    errors: Errors = NONE,
    status: int = 200,
    typed: str = "",
) -> Response:
    found, names = await asyncio.gather(
        me.get("fulfilment", f"{_TICKETS}/{ticket_id}"), names_of_accounts(me)
    )
    return page(
        request,
        "operator/help_ticket.html",
        status=status,
        errors=errors,
        ticket=found,
        names=names,
        typed=typed,
    )


@router.post("/{ticket_id}/messages")
async def answer(request: Request, me: TheOperator, form: Form, ticket_id: UUID) -> Response:
    """From then on the account has the next step."""
    path = f"{_TICKETS}/{ticket_id}/messages"
    try:
        await me.send("fulfilment", "POST", path, {"text": form["text"]})
    except ApiProblem as problem:
        return await _ticket_page(
            request, me, ticket_id, errors_of(problem), problem.status, form["text"]
        )
    return go_to(request, f"/operator/help/{ticket_id}", "saved")


# Last: its path fits others.
@router.post("/{ticket_id}/{command}")
async def command_ticket(
    request: Request,
    me: TheOperator,
    ticket_id: UUID,
    command: Literal["resolve", "reject", "close", "reopen"],
) -> Response:
    """How it ended, or that it has not."""
    try:
        await me.send("fulfilment", "POST", f"{_TICKETS}/{ticket_id}/{command}")
    except ApiProblem as problem:
        return await _ticket_page(request, me, ticket_id, errors_of(problem), problem.status)
    return go_to(request, f"/operator/help/{ticket_id}", "saved")
