"""Attachments and their parts: one function per named query, each given a session."""

from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.fulfilment.tickets.models import Attachment
from shared.failures import Refused
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def count(session: Session, ticket_id: UUID) -> int:
    """How many a ticket has, with those that are being sent."""
    found: int = await _queries.count_attachments.value(session, ticket_id=ticket_id)
    return found


async def begin(session: Session, ticket_id: UUID, name: str, added_by: UUID) -> UUID:
    """One that is to come."""
    attachment_id = uuid7()
    await _queries.begin_attachment.run(
        session, id=attachment_id, ticket_id=ticket_id, name=name, added_by=added_by
    )
    return attachment_id


async def add_part(session: Session, attachment_id: UUID, number: int, content: bytes) -> None:
    """Its next part."""
    await _queries.add_part.run(
        session, attachment_id=attachment_id, number=number, content=content
    )


async def find(session: Session, ticket_id: UUID, digest: bytes) -> Attachment | None:
    """The same file, if the ticket has it."""
    row = await _queries.find_attachment.one(session, ticket_id=ticket_id, digest=digest)
    return row_as(Attachment, row) if row else None


async def end(
    session: Session, attachment_id: UUID, content_type: str, size_bytes: int, digest: bytes
) -> Attachment:
    """It is there whole.

    Raises:
        Refused: `order_erased`, meanwhile.
    """
    row = await _queries.end_attachment.one(
        session,
        id=attachment_id,
        content_type=content_type,
        size_bytes=size_bytes,
        digest=digest,
    )
    if row is None:
        raise Refused("order_erased")
    return row_as(Attachment, row)


async def delete(session: Session, attachment_id: UUID) -> None:
    """It was broken off, or is there already."""
    await _queries.delete_attachment.run(session, id=attachment_id)


async def get(session: Session, attachment_id: UUID, ticket_id: UUID | None) -> Attachment | None:
    """One that is there whole; `ticket_id` None: whichever ticket it is of."""
    row = await _queries.get_attachment.one(session, id=attachment_id, ticket_id=ticket_id)
    return row_as(Attachment, row) if row else None


async def next_part(session: Session, attachment_id: UUID, number: int) -> tuple[int | None, bytes]:
    """The part after `number`; no number and nothing behind the last one."""
    row = await _queries.next_part.one(session, attachment_id=attachment_id, number=number)
    return (row["number"], row["content"]) if row else (None, b"")
