"""Attachments over HTTP: streamed in and out, and served so that no browser runs them."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from services.fulfilment.tickets import shown
from services.fulfilment.tickets import store as tickets
from services.fulfilment.tickets.dependencies import Desk
from services.fulfilment.tickets.files import store, streaming
from services.fulfilment.tickets.files.content import SERVED_AS
from services.fulfilment.tickets.files.links import attachment_of
from services.fulfilment.tickets.models import MAX_ATTACHMENT_BYTES, Attachment
from shared.contracts.fields import DISPLAYABLE
from shared.failures import Refused
from shared.postgres.database import Database
from shared.web.access import Account, Public
from shared.web.openapi import refuses
from shared.web.operator import Operator
from shared.web.parameters import only_known_parameters

STREAMED = re.compile(r"/v1/tickets/[^/]+/attachments")
_SECONDS = 120.0
BINARY: dict[str, Any] = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
}
FileName = Annotated[
    str,
    Query(min_length=1, max_length=200, pattern=DISPLAYABLE, description="What to call the file."),
]

router = APIRouter(prefix="/v1/tickets", tags=["tickets"], dependencies=[only_known_parameters])
operators = APIRouter(
    prefix="/v1/help-tickets", tags=["help tickets"], dependencies=[only_known_parameters]
)


@router.post(
    "/{ticket_id}/attachments",
    status_code=201,
    summary="Attach a file",
    openapi_extra=refuses(
        "not_support_owner", "order_erased", "invalid_transition", "too_many", "unsupported_file",
        requestBody={"required": True, "content": BINARY},
    ),
)  # fmt: skip
async def attach(
    request: Request, process: Desk, caller: Account, ticket_id: UUID, name: FileName
) -> shown.Attachment:
    """Its bytes as they are; 10 MB at most, 20 files in a ticket.

    PDF, JPEG, PNG, WEBP or plain text, by what is in it. The same file again is answered with the
    one that is there.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_ATTACHMENT_BYTES:
        raise Refused("body_too_large", limit=MAX_ATTACHMENT_BYTES)
    person = UUID(caller.subject)
    try:
        async with asyncio.timeout(_SECONDS):
            added = await streaming.receive(
                process.database, caller.account_id, person, ticket_id, name, request.stream()
            )
    except (TimeoutError, ClientDisconnect):
        raise Refused("body_too_slow", seconds=f"{_SECONDS:g}") from None
    return shown.attachment(added)


@router.get(
    "/{ticket_id}/attachments/{attachment_id}",
    summary="The file",
    response_class=StreamingResponse,
    responses={200: {"content": BINARY, "description": "Its bytes, in its own content type."}},
)
async def get_attachment(
    process: Desk, caller: Account, ticket_id: UUID, attachment_id: UUID
) -> StreamingResponse:
    """For both parties of the ticket; to be kept, not to be shown."""
    async with process.database.reading() as session:
        ticket = await tickets.get(session, caller.account_id, ticket_id)
        found = await store.get(session, attachment_id, ticket.id) if ticket else None
    if found is None:
        raise Refused("not_found", what="attachment")
    return served(process.database, found)


def served(database: Database, attachment: Attachment) -> StreamingResponse:
    """The file as an answer: our content type, and nothing that a browser would run."""
    name = quote(attachment.name or "file", safe="")

    async def parts() -> AsyncIterator[bytes]:
        async for part in streaming.send(database, attachment.id):
            yield part

    return StreamingResponse(
        parts(),
        media_type=SERVED_AS[attachment.content_type],
        headers={
            "content-length": str(attachment.size_bytes),
            "content-disposition": f"attachment; filename*=UTF-8''{name}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "cache-control": "private, no-store",
        },
    )


@operators.get(
    "/{ticket_id}/attachments/{attachment_id}",
    summary="A file of a help ticket",
    response_class=StreamingResponse,
    responses={200: {"content": BINARY, "description": "Its bytes, in its own content type."}},
)
async def get_help_attachment(
    _: Operator, process: Desk, ticket_id: UUID, attachment_id: UUID
) -> StreamingResponse:
    """Of whichever account."""
    async with process.database.reading() as session:
        ticket = await tickets.get_help(session, ticket_id)
        found = await store.get(session, attachment_id, ticket.id) if ticket else None
    if found is None:
        raise Refused("not_found", what="attachment")
    return served(process.database, found)


# Of those who have no account: carriers.
links = APIRouter(prefix="/v1/ticket-files", tags=["tickets"], dependencies=[only_known_parameters])


@links.get(
    "/{token}",
    summary="A file that a carrier was sent a link to",
    response_class=StreamingResponse,
    responses={200: {"content": BINARY, "description": "Its bytes."}},
    openapi_extra=refuses("link_expired"),
)
async def get_linked_file(_: Public, process: Desk, token: str) -> StreamingResponse:
    """Whoever has the link, for 30 days."""
    attachment_id = attachment_of(process.post.sealer, token, datetime.now(UTC))
    async with process.database.reading() as session:
        found = await store.get(session, attachment_id, None)
    if found is None:
        raise Refused("link_expired")
    return served(process.database, found)
