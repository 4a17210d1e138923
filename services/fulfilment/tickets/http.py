"""Tickets over HTTP: of the account that answers for an order, read by the other party."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request

from services.fulfilment.tickets import desk, shown, store
from services.fulfilment.tickets.dependencies import Desk
from services.fulfilment.tickets.models import Filters
from services.fulfilment.tickets.needs import Category, HelpCategory
from services.fulfilment.tickets.states import Command, Kind, State
from shared.failures import Refused
from shared.postgres.database import Session
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import only_known_parameters

router = APIRouter(prefix="/v1/tickets", tags=["tickets"], dependencies=[only_known_parameters])


@router.post(
    "",
    status_code=201,
    summary="Write a ticket",
    openapi_extra=refuses("not_found", "not_support_owner", "order_erased", idempotent=True),
)
async def create_ticket(
    request: Request, process: Desk, caller: Account, body: shown.NewTicket
) -> shown.Ticket:
    """A draft; others see it once it is open.

    A carrier ticket by the support owner of the order's snapshot, a help ticket by any account.
    """
    person = UUID(caller.subject)

    async def create(session: Session) -> shown.Ticket:
        made = await desk.create(session, caller.account_id, person, body)
        return shown.ticket(made, caller.account_id, datetime.now(UTC))

    async def again(session: Session, answer: shown.Ticket) -> None:
        await _require_there(session, caller.account_id, answer.id)

    return await process.idempotency_keys.run_once(
        request, str(caller.account_id), shown.Ticket, body, create, again
    )


@router.get("", summary="Tickets, newest first")
async def list_tickets(
    caller: Account,
    database: Schema,
    state: State | None = None,
    category: Category | HelpCategory | None = None,
    kind: Kind | None = None,
    overdue: Annotated[bool | None, Query(description="Whether the next step is late.")] = None,
    order_id: UUID | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[shown.Ticket]:
    """The account's own, and those about its orders that the other party answers for."""
    before = decode_cursor_part(after, UUID)
    filters = Filters(state, category, kind, overdue, order_id)
    async with database.reading() as session:
        found = await store.list_tickets(session, caller.account_id, filters, before, limit + 1)
    now = datetime.now(UTC)
    return page_of(
        found, limit, lambda one: shown.ticket(one, caller.account_id, now), lambda one: one.id
    )


@router.get("/counts", summary="How many tickets are in each state, and overdue")
async def count_tickets(caller: Account, database: Schema) -> shown.Counts:
    """Of those that the account may read."""
    async with database.reading() as session:
        return shown.counts(await store.count(session, caller.account_id))


@router.get("/{ticket_id}", summary="One ticket with its messages and attachments")
async def get_ticket(caller: Account, database: Schema, ticket_id: UUID) -> shown.WholeTicket:
    """Also for the other party of its order, wherever the order went since."""
    async with database.reading() as session:
        ticket = await store.get(session, caller.account_id, ticket_id)
        if ticket is None:
            raise Refused("not_found", what="ticket")
        messages = await store.list_messages(session, ticket)
        files = await store.list_attachments(session, ticket)
    return shown.whole(ticket, caller.account_id, datetime.now(UTC), messages, files)


@router.post(
    "/{ticket_id}/messages",
    status_code=201,
    summary="Say something in a ticket",
    openapi_extra=refuses(
        "not_support_owner",
        "order_erased",
        "invalid_transition",
        "too_many",
        "too_many_mails",
        idempotent=True,
    ),
)
async def write_message(
    request: Request, process: Desk, caller: Account, ticket_id: UUID, body: shown.NewMessage
) -> shown.Message:
    """By the account that answers; nothing that was said is changed later."""
    person = UUID(caller.subject)

    async def create(session: Session) -> shown.Message:
        written = await desk.write(
            session, process.post, caller.account_id, person, ticket_id, body.text
        )
        return shown.message(written)

    async def again(session: Session, answer: shown.Message) -> None:
        await _require_there(session, caller.account_id, ticket_id)

    return await process.idempotency_keys.run_once(
        request, str(caller.account_id), shown.Message, body, create, again
    )


async def _require_there(session: Session, account: UUID, ticket_id: UUID) -> None:
    """A first answer is shown once more while there is something left of what it tells.

    Raises:
        Refused: `not_found`, `order_erased`.
    """
    ticket = await store.get(session, account, ticket_id)
    if ticket is None:
        raise Refused("not_found", what="ticket")
    ticket.require_words()


# Last: its path fits others.
commands = APIRouter(prefix="/v1/tickets", tags=["tickets"], dependencies=[only_known_parameters])


@commands.post(
    "/{ticket_id}/{command}",
    summary="Open, ask, resolve, reject, close or reopen a ticket",
    openapi_extra=refuses(
        "not_support_owner", "invalid_transition", "validation_failed", "too_many_mails"
    ),
)
async def command_ticket(
    process: Desk,
    caller: Account,
    ticket_id: UUID,
    command: Annotated[
        Command,
        Path(
            description="`open` a draft that shows what its category needs; `ask`: the carrier was "
            "asked elsewhere; `answer-received`: it answered there; `resolve`, `reject`: how it "
            "ended; `close`: given up; `reopen`: it goes on."
        ),
    ],
) -> shown.Ticket:
    """By the account that answers."""
    async with process.database.transaction() as session:
        moved = await desk.command(session, process.post, caller.account_id, ticket_id, command)
    return shown.ticket(moved, caller.account_id, datetime.now(UTC))
