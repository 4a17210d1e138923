"""Hand-overs: what one would do, what each did, and every order that went back."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.routing.handovers import store
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused
from shared.postgres.database import Session
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.auth import Principal
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of, row_number
from shared.web.parameters import only_known_parameters


class Handover(BaseModel):
    """What a deactivation or disconnect returned, and what stayed with the 3PL."""

    id: UUID
    connection_id: UUID
    epoch: int
    reason: str
    state: Literal["running", "done"]
    returned: int
    stayed: int | None
    started_at: datetime
    finished_at: datetime | None


class HandoverPreview(BaseModel):
    """What switching the connection off now would do, and its state as routing applies it.

    `would_stay` counts what is being worked or on its way.
    """

    connection_id: UUID
    state: ConnectionState
    version: int
    epoch: int
    would_return: int
    would_stay: int


class HandedBack(BaseModel):
    """An order that went back to its brand: when and why.

    `handover_id` is null for one that its 3PL moved back after the connection had ended.
    """

    order_id: UUID
    store_id: UUID
    external_id: str
    number: str | None
    connection_id: UUID
    handover_id: UUID | None
    reason: str
    at: datetime


router = APIRouter(prefix="/v1", dependencies=[only_known_parameters])


@router.get(
    "/handovers/preview",
    tags=["handovers"],
    summary="What a disconnect would do",
    openapi_extra=refuses("not_found"),
)
async def preview_handover(caller: Account, database: Schema, connection: UUID) -> HandoverPreview:
    """Also tells whether a change of the connection has reached the assignment of orders yet."""
    async with database.reading() as session:
        found = await store.preview_handover(session, connection, caller.account_id)
    if found is None:
        raise Refused("not_found", what="connection")
    return HandoverPreview.model_validate(found, from_attributes=True)


@router.get(
    "/orders/handed-back",
    tags=["handovers"],
    summary="Orders that went back to their brand, newest first",
)
async def list_handed_back(
    caller: Account,
    database: Schema,
    connection: UUID | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[HandedBack]:
    """What a 3PL had and has no more, and why: ids and numbers, nothing of the buyer."""
    async with database.reading() as session:
        rows = await store.list_handed_back(
            session,
            caller.account_id,
            as_three_pl=caller.kind == "three_pl",
            connection=connection,
            after=decode_cursor_part(after, row_number),
            limit=limit + 1,
        )
    return page_of(rows, limit, _handed_back, lambda row: row.id)


@router.get("/handovers/{handover_id}", tags=["handovers"], summary="One hand-over")
async def get_handover(caller: Account, database: Schema, handover_id: UUID) -> Handover:
    """How far it is, or what it came to."""
    async with database.reading() as session:
        return _handover(await _found(session, handover_id, caller))


@router.get(
    "/handovers/{handover_id}/orders",
    tags=["handovers"],
    summary="What a hand-over returned, newest first",
)
async def list_orders_of_handover(
    caller: Account,
    database: Schema,
    handover_id: UUID,
    limit: Limit = 50,
    after: After = None,
) -> Page[HandedBack]:
    """Ids and numbers, nothing of the buyer; of erased orders the ids."""
    async with database.reading() as session:
        await _found(session, handover_id, caller)
        rows = await store.list_orders(
            session,
            handover_id,
            caller.account_id,
            decode_cursor_part(after, row_number),
            limit + 1,
        )
    return page_of(rows, limit, _handed_back, lambda row: row.id)


@router.get("/handovers", tags=["handovers"], summary="What disconnects returned")
async def list_handovers(
    caller: Account,
    database: Schema,
    connection: UUID | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Handover]:
    """Newest first; `running` ones count up as their chunks are returned."""
    async with database.reading() as session:
        rows = await store.list_handovers(
            session,
            caller.account_id,
            as_three_pl=caller.kind == "three_pl",
            connection=connection,
            after=decode_cursor_part(after, UUID),
            limit=limit + 1,
        )
    return page_of(rows, limit, _handover, lambda row: row.id)


async def _found(session: Session, handover_id: UUID, caller: Principal) -> store.Handover:
    found = await store.get_handover(session, handover_id, caller.account_id)
    if found is None:
        raise Refused("not_found", what="hand-over")
    return found


def _handover(row: store.Handover) -> Handover:
    return Handover.model_validate(row, from_attributes=True)


def _handed_back(row: store.HandedBack) -> HandedBack:
    return HandedBack.model_validate(row, from_attributes=True)
