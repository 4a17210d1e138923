"""Attachments on their way in and out: part by part, never whole in memory.

A part is a statement of its own: no transaction waits for a slow sender. A file counts once it is
there whole; what was broken off is swept.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from uuid import UUID

from services.fulfilment.tickets import desk
from services.fulfilment.tickets.files import store
from services.fulfilment.tickets.files.content import HEAD_BYTES, Content
from services.fulfilment.tickets.models import MAX_ATTACHMENT_BYTES, MOST_ATTACHMENTS, Attachment
from shared.failures import Refused
from shared.postgres.database import Database

PART_BYTES = 256 * 1024


async def receive(
    database: Database,
    account: UUID,
    person: UUID,
    ticket_id: UUID,
    name: str,
    chunks: AsyncIterator[bytes],
) -> Attachment:
    """Take a file in; the same file again is the one that is there.

    Raises:
        Refused: `not_found`, `not_support_owner`, `order_erased`, `invalid_transition`, `too_many`,
            `body_too_large`, `unsupported_file`.
    """
    async with database.transaction() as session:
        ticket = await desk.lock_own(session, account, ticket_id)
        ticket.require_words()
        if ticket.standing.has_ended:
            raise Refused("invalid_transition", what="ticket", state=ticket.state)
        if await store.count(session, ticket_id) >= MOST_ATTACHMENTS:
            raise Refused("too_many", most=MOST_ATTACHMENTS, what="attachments of a ticket")
        attachment_id = await store.begin(session, ticket_id, name, person)
    try:
        content, digest, size, number = Content(), hashlib.sha256(), 0, 0
        async with aclosing(_parts(chunks)) as parts:
            async for part in parts:
                size += len(part)
                content.add(part)
                digest.update(part)
                async with database.session() as session:
                    await store.add_part(session, attachment_id, number, part)
                number += 1
        content_type = content.end()
        async with database.transaction() as session:
            await desk.lock_own(session, account, ticket_id)
            known = await store.find(session, ticket_id, digest.digest())
            if known is None:
                return await store.end(session, attachment_id, content_type, size, digest.digest())
            await store.delete(session, attachment_id)
            return known
    except Exception:
        async with database.session() as session:
            await store.delete(session, attachment_id)
        raise


async def send(database: Database, attachment_id: UUID) -> AsyncIterator[bytes]:
    """The parts of a file; each is read when the one before has gone out."""
    number: int | None = -1
    while number is not None:
        async with database.reading() as session:
            number, part = await store.next_part(session, attachment_id, number)
        if part:
            yield part


async def _parts(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in parts of one size; the first has the head of the file.

    Raises:
        Refused: `body_too_large`.
    """
    waiting, size = bytearray(), 0
    assert PART_BYTES >= HEAD_BYTES  # noqa: S101  the first part decides
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_ATTACHMENT_BYTES:
            raise Refused("body_too_large", limit=MAX_ATTACHMENT_BYTES)
        for start in range(0, len(chunk), PART_BYTES):
            waiting += chunk[start : start + PART_BYTES]
            while len(waiting) >= PART_BYTES:
                yield bytes(waiting[:PART_BYTES])
                del waiting[:PART_BYTES]
    if waiting:
        yield bytes(waiting)
