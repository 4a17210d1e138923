"""The quarantine, for the brand: what was accepted but not understood."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.ingest import store
from services.ingest.dependencies import process_of
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.pagination import After, Limit, Page, decode_cursor_part, encode_cursor, page_of
from shared.web.parameters import only_known_parameters

logger = structlog.get_logger(__name__)
router = APIRouter(
    prefix="/v1/quarantine", tags=["quarantine"], dependencies=[only_known_parameters]
)


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


class Replayed(BaseModel):
    """What became of an entry. `ignored`: it is about no order."""

    status: Literal["accepted", "ignored"]


class StillQuarantined(BaseModel):
    """An entry that is still not understood; `errors` as in a problem."""

    id: UUID
    errors: list[dict[str, str]]


class ReplayedMany(BaseModel):
    """What became of the entries of one call.

    `failed` stay. `left` is how many were not looked at yet, counted up to 100,000; `next` goes
    into `after` of the call that goes on with them.
    """

    accepted: int
    ignored: int
    failed: list[StillQuarantined]
    left: int
    next: str | None


StoreFilter = Annotated[UUID | None, Query(alias="store")]


@router.get("", summary="What was accepted but not understood")
async def list_quarantine(
    caller: Account,
    database: Schema,
    store_id: StoreFilter = None,
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


@router.post("/replay", summary="Read again what was not understood, oldest first")
async def replay_quarantine(
    request: Request, caller: Account, store_id: StoreFilter = None, after: After = None
) -> ReplayedMany:
    """A hundred entries or 4 MB in one call; accepted orders are durable, and their entries go."""
    outcome = await process_of(request).replay.many(
        caller.account_id, store_id, decode_cursor_part(after, UUID)
    )
    return ReplayedMany(
        accepted=len(outcome.accepted),
        ignored=len(outcome.ignored),
        failed=[
            StillQuarantined(id=entry, errors=[dict(flaw) for flaw in flaws])
            for entry, flaws in outcome.failed.items()
        ],
        left=outcome.left,
        next=encode_cursor(outcome.last) if outcome.left else None,
    )


@router.post("/{entry}/replay", summary="Read one entry again")
async def replay_quarantined(request: Request, caller: Account, entry: UUID) -> Replayed:
    """As its route would today; what is still not understood stays, with the newest reason."""
    outcome = await process_of(request).replay.one(caller.account_id, entry)
    return Replayed(status="accepted" if outcome.accepted else "ignored")


@router.delete("/{entry}", status_code=204, summary="Drop one entry for good")
async def drop_quarantined(caller: Account, database: Schema, entry: UUID) -> None:
    """Its body is lost: for what is no order, or came again."""
    async with database.session() as session:
        dropped = await store.drop_quarantined(session, caller.account_id, [entry])
    if not dropped:
        raise Refused("not_found", what="quarantine entry")
    logger.info("quarantine entry was dropped", id=str(entry), by=caller.subject)


def _present(row: store.Quarantined) -> Quarantined:
    return Quarantined.model_validate(row, from_attributes=True)
