"""The *3PL Integrations* page over HTTP: connections by filter, in two orders."""

from collections.abc import Callable, Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.connections.connection import finding
from services.connections.connection.finding import Filter, Sort
from services.connections.connection.http import ConnectionView, present
from services.connections.connection.models import Connection
from services.connections.dependencies import Process
from shared.contracts.connections_changed import ConnectionState
from shared.web.access import Account
from shared.web.pagination import After, Limit, Page, decode_cursor, moment, page_of
from shared.web.parameters import SearchText, only_known_parameters

router = APIRouter(
    prefix="/v1/connections", tags=["connections"], dependencies=[only_known_parameters]
)

SortOrder = Annotated[
    Sort,
    Query(
        description="`created`: newest first. `waiting`: those where somebody has to act, the "
        "longest waiting first; then all others, oldest first."
    ),
]
_KEYS: Mapping[Sort, tuple[Callable[[Connection], object], ...]] = {
    "created": (lambda row: row.id,),
    "waiting": (lambda row: row.waits_since, lambda row: row.id),
}


@router.get("", summary="List connections")
async def list_connections(
    process: Process,
    caller: Account,
    state: Annotated[list[ConnectionState] | None, Query(description="Any of these.")] = None,
    store: UUID | None = None,
    brand: Annotated[UUID | None, Query(description="Its account id.")] = None,
    three_pl: Annotated[UUID | None, Query(description="Its account id.")] = None,
    q: SearchText = None,
    sort: SortOrder = "created",
    limit: Limit = 50,
    after: After = None,
) -> Page[ConnectionView]:
    """Those that the caller is a party of; `q` looks at company, brand, 3PL and domain."""
    wanted = Filter(states=state, store_id=store, brand_id=brand, three_pl_id=three_pl, text=q)
    kinds = (moment, UUID) if sort == "waiting" else (UUID,)
    place = decode_cursor(after, *kinds)
    async with process.database.reading() as session:
        rows = await finding.find(
            session, caller.account_id, caller.kind, wanted, sort, place, limit + 1
        )
    return page_of(rows, limit, lambda row: present(row, caller.account_id), *_KEYS[sort])
