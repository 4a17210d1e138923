"""The quarantine, for the brand: what was accepted but not understood."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.ingest import store
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])


class Quarantined(BaseModel):
    """A body that was accepted with correct credentials, but not understood."""

    id: UUID
    store_id: UUID
    received_at: datetime
    route: str
    reason: str
    bytes: int


class QuarantinedDetail(Quarantined):
    """With the body as it came, where it is text."""

    body: str


@router.get("", summary="What was accepted but not understood")
async def list_quarantine(
    caller: Account,
    database: Schema,
    store_id: Annotated[UUID | None, Query(alias="store")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Quarantined]:
    """Of the brand's stores, newest first."""
    async with database.reading() as session:
        rows = await store.list_quarantine(
            session, caller.account_id, store_id, decode_cursor_part(after, UUID), limit + 1
        )
    return page_of(rows, limit, _present, lambda row: row.id)


@router.get("/{entry}", summary="One entry with its body")
async def get_quarantined(caller: Account, database: Schema, entry: UUID) -> QuarantinedDetail:
    """The body as it came; bytes that are no text are shown as replacement characters."""
    async with database.reading() as session:
        found = await store.get_quarantined(session, entry, caller.account_id)
    if found is None:
        raise Refused("not_found", what="quarantine entry")
    quarantined, body = found
    return QuarantinedDetail(
        **_present(quarantined).model_dump(), body=body.decode(errors="replace")
    )


def _present(row: store.Quarantined) -> Quarantined:
    return Quarantined.model_validate(row, from_attributes=True)
