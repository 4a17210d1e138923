"""Tickets and what was written in them: one function per named query, each given a session."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.fulfilment.tickets.models import (
    Attachment,
    Count,
    Filters,
    Message,
    OrderOfTicket,
    Ticket,
)
from services.fulfilment.tickets.needs import Category, HelpCategory
from services.fulfilment.tickets.states import Author, Kind, Standing
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def get_order(session: Session, account: UUID, order_id: UUID) -> OrderOfTicket | None:
    """An order that the account is a party of."""
    row = await _queries.order_of_ticket.one(session, account=account, order_id=order_id)
    return row_as(OrderOfTicket, row) if row else None


async def insert(
    session: Session,
    kind: Kind,
    account: UUID,
    order: tuple[UUID, UUID | None] | None,
    category: Category | HelpCategory,
    fields: str,
    carrier: tuple[str, bytes] | None,
    language: str,
    created_by: UUID,
) -> Ticket | None:
    """A draft; None when the account was erased meanwhile.

    `order` is its id and its other party, `carrier` an address and the key of answers from there.
    """
    order_id, other = order or (None, None)
    carrier_email, reply_key = carrier or (None, None)
    row = await _queries.insert_ticket.one(
        session,
        id=uuid7(),
        kind=kind,
        account=account,
        other=other,
        order_id=order_id,
        category=category,
        fields=fields,
        carrier_email=carrier_email,
        language=language,
        reply_key=reply_key,
        created_by=created_by,
    )
    return row_as(Ticket, row) if row else None


async def get(session: Session, account: UUID, ticket_id: UUID) -> Ticket | None:
    """A ticket that the account may read."""
    row = await _queries.get_ticket.one(session, id=ticket_id, account=account)
    return row_as(Ticket, row) if row else None


async def lock(session: Session, account: UUID, ticket_id: UUID) -> Ticket | None:
    """A ticket that the account may read, held to the end of the transaction."""
    row = await _queries.lock_ticket.one(session, id=ticket_id, account=account)
    return row_as(Ticket, row) if row else None


async def list_tickets(
    session: Session, account: UUID, filters: Filters, after: UUID | None, limit: int
) -> list[Ticket]:
    """The newest that the account may read."""
    rows = await _queries.list_tickets.all(
        session, account=account, after=after, limit=limit, **asdict(filters)
    )
    return [row_as(Ticket, row) for row in rows]


async def get_help(session: Session, ticket_id: UUID) -> Ticket | None:
    """A help ticket that was opened, of whichever account."""
    row = await _queries.get_help_ticket.one(session, id=ticket_id)
    return row_as(Ticket, row) if row else None


async def lock_help(session: Session, ticket_id: UUID) -> Ticket | None:
    """The same, held to the end of the transaction."""
    row = await _queries.lock_help_ticket.one(session, id=ticket_id)
    return row_as(Ticket, row) if row else None


async def list_help(
    session: Session, filters: Filters, after: UUID | None, limit: int
) -> list[Ticket]:
    """The newest help tickets that were opened."""
    rows = await _queries.list_help_tickets.all(
        session,
        after=after,
        limit=limit,
        state=filters.state,
        category=filters.category,
        overdue=filters.overdue,
    )
    return [row_as(Ticket, row) for row in rows]


async def count(session: Session, account: UUID) -> list[Count]:
    """How many the account may read, in each state that there are any of."""
    rows = await _queries.count_tickets.all(session, account=account)
    return [row_as(Count, row) for row in rows]


async def move(session: Session, ticket: Ticket, to: Standing) -> Ticket:
    """The ticket where it stands now; its row is locked."""
    row = await _queries.move_ticket.one(
        session,
        id=ticket.id,
        account=ticket.account_id,
        state=to.state,
        since=to.since,
        due_at=to.due_at,
        opened_at=to.since if ticket.state == "draft" and not to.has_ended else None,
    )
    assert row is not None  # noqa: S101  it is locked
    return row_as(Ticket, row)


async def add_message(
    session: Session,
    ticket: Ticket,
    author: Author,
    written_by: UUID | None,
    text: str,
    mail_digest: bytes | None = None,
) -> Message | None:
    """What was written; None when it was added already, or the ticket was erased."""
    message_id = uuid7()
    at: datetime | None = await _queries.add_message.value(
        session,
        id=message_id,
        ticket_id=ticket.id,
        account=ticket.account_id,
        author=author,
        written_by=written_by,
        text=text,
        mail_digest=mail_digest,
    )
    return Message(message_id, author, written_by, text, at) if at else None


async def lock_answered(session: Session, reply_key: bytes) -> Ticket | None:
    """The ticket whose carrier answers to an address, held to the end of the transaction."""
    row = await _queries.lock_answered_ticket.one(session, reply_key=reply_key)
    return row_as(Ticket, row) if row else None


async def count_mails(session: Session, account: UUID) -> int:
    """How many messages the account wrote to carriers in the last day."""
    found: int = await _queries.count_mails.value(session, account=account)
    return found


async def list_messages(session: Session, ticket: Ticket) -> Sequence[Message]:
    """All that was written, the oldest first."""
    rows = await _queries.list_messages.all(session, ticket_id=ticket.id)
    return [row_as(Message, row) for row in rows]


async def count_messages(session: Session, ticket: Ticket) -> int:
    """How many there are."""
    found: int = await _queries.count_messages.value(session, ticket_id=ticket.id)
    return found


async def list_attachments(session: Session, ticket: Ticket) -> Sequence[Attachment]:
    """The files that are there whole."""
    rows = await _queries.list_attachments.all(session, ticket_id=ticket.id)
    return [row_as(Attachment, row) for row in rows]


async def sweep_idempotency_keys(session: Session, limit: int) -> int:
    """Forget answers that are not repeated any more; how many."""
    return await _queries.sweep_idempotency_keys.run(session, limit=limit)


async def sweep_attachments(session: Session, limit: int) -> int:
    """Forget files that were never sent whole; how many."""
    return await _queries.sweep_attachments.run(session, limit=limit)
