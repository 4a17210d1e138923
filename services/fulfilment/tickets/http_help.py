"""Help tickets over HTTP, for the operator: what accounts ask, and what is answered."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.fulfilment.tickets import desk, shown, store
from services.fulfilment.tickets.models import Filters, Ticket
from services.fulfilment.tickets.needs import HelpCategory
from services.fulfilment.tickets.states import State
from shared.failures import Refused
from shared.postgres.database import Session
from shared.runtime import Schema
from shared.web.openapi import refuses
from shared.web.operator import Operator
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import only_known_parameters

router = APIRouter(
    prefix="/v1/help-tickets", tags=["help tickets"], dependencies=[only_known_parameters]
)


class HelpTicket(shown.Ticket):
    """A help ticket, and whose it is."""

    account_id: UUID


class WholeHelpTicket(shown.WholeTicket):
    """The same with all that is in it."""

    account_id: UUID


@router.get("", summary="What accounts ask, newest first")
async def list_help(
    _: Operator,
    database: Schema,
    state: State | None = None,
    category: HelpCategory | None = None,
    overdue: Annotated[bool | None, Query(description="Whether the next step is late.")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[HelpTicket]:
    """Of all accounts; drafts are not asked yet."""
    before = decode_cursor_part(after, UUID)
    async with database.reading() as session:
        filters = Filters(state, category, overdue=overdue)
        found = await store.list_help(session, filters, before, limit + 1)
    return page_of(found, limit, _shown, lambda one: one.id)


@router.get("/{ticket_id}", summary="One help ticket with its messages and attachments")
async def get_help(_: Operator, database: Schema, ticket_id: UUID) -> WholeHelpTicket:
    """Of whichever account."""
    async with database.reading() as session:
        ticket = await _found(session, ticket_id)
        messages = await store.list_messages(session, ticket)
        files = await store.list_attachments(session, ticket)
    whole = shown.whole(ticket, None, datetime.now(UTC), messages, files)
    return WholeHelpTicket(**dict(whole), account_id=ticket.account_id)


@router.post(
    "/{ticket_id}/messages",
    status_code=201,
    summary="Answer",
    openapi_extra=refuses("order_erased", "too_many"),
)
async def answer(
    _: Operator, database: Schema, ticket_id: UUID, body: shown.NewMessage
) -> shown.Message:
    """From then on the account has the next step."""
    async with database.transaction() as session:
        return shown.message(await desk.answer(session, ticket_id, body.text))


@router.post(
    "/{ticket_id}/{command}",
    summary="Say how a help ticket ended",
    openapi_extra=refuses("invalid_transition"),
)
async def command_help(
    _: Operator,
    database: Schema,
    ticket_id: UUID,
    command: Literal["resolve", "reject", "close", "reopen"],
) -> HelpTicket:
    """The account may reopen it."""
    async with database.transaction() as session:
        return _shown(await desk.operate(session, ticket_id, command))


async def _found(session: Session, ticket_id: UUID) -> Ticket:
    ticket = await store.get_help(session, ticket_id)
    if ticket is None:
        raise Refused("not_found", what="ticket")
    return ticket


def _shown(ticket: Ticket) -> HelpTicket:
    one = shown.ticket(ticket, None, datetime.now(UTC))
    return HelpTicket(**dict(one), account_id=ticket.account_id)
