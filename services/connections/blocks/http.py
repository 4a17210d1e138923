"""Blocked 3PLs over HTTP."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel

from services.connections.blocks import models, registry, store
from services.connections.dependencies import Process, TracedCaller
from shared.web.access import Account
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import only_known_parameters

router = APIRouter(prefix="/v1/blocks", tags=["blocks"], dependencies=[only_known_parameters])


class Block(BaseModel):
    """A 3PL that sends no mails to the account's owners and that cannot be accepted."""

    three_pl_id: UUID
    name: str
    created_at: datetime


def _present(block: models.Block) -> Block:
    return Block(three_pl_id=block.three_pl_id, name=block.name, created_at=block.created_at)


@router.get("", summary="List the blocked 3PLs")
async def list_blocks(
    process: Process, caller: Account, limit: Limit = 50, after: After = None
) -> Page[Block]:
    """Those of the calling account; only a brand has any."""
    async with process.database.reading() as session:
        rows = await store.list_blocks(
            session, caller.account_id, decode_cursor_part(after, UUID), limit + 1
        )
    return page_of(rows, limit, _present, lambda row: row.three_pl_id)


@router.put(
    "/{three_pl_id}",
    status_code=204,
    summary="Block a 3PL",
)
async def block(process: Process, caller: TracedCaller, three_pl_id: UUID) -> Response:
    """No more of its mails, no new connections; those that are there stay until disconnected."""
    async with process.database.transaction() as session:
        await registry.block(session, caller.account_id, three_pl_id)
    return Response(status_code=204)


@router.delete(
    "/{three_pl_id}",
    status_code=204,
    summary="Lift a block",
)
async def unblock(process: Process, caller: TracedCaller, three_pl_id: UUID) -> Response:
    """The 3PL may ask again; also when it was not blocked."""
    async with process.database.transaction() as session:
        await registry.unblock(session, caller.account_id, three_pl_id)
    return Response(status_code=204)
