"""`POST /v1/orders/what-if`: order rules and priorities are tried before they are saved."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, field_validator

from services.routing.assignment import Assigned, why_assigned
from services.routing.what_if import store
from services.routing.what_if.store import Newest
from services.routing.what_if.what_if import Draft, Entered, WhatIf, equal_priorities
from shared.contracts.order import Order
from shared.failures import Refused
from shared.postgres.database import Database
from shared.rules.order_rules import OrderRules
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

_MOST_ORDERS, _MOST_SHOWN, _MOST_DRAFTS = 1_000, 100, 50
# Orders at a time: others have their turn between them, and few are in memory at once.
_PAGE = 50
_MOST_BYTES = 32 * 1024 * 1024
_MOST_PRIORITY = 1_000_000


class DraftOfConnection(Form):
    """What is to be tried of a connection; what is left out stays as it is."""

    connection_id: UUID
    order_rules: OrderRules | None = None
    priority: Annotated[int, Field(ge=0, le=_MOST_PRIORITY)] | None = None


class WhatIfBody(Form):
    """The drafts, each of another connection of the caller's."""

    connections: list[DraftOfConnection] = Field(min_length=1, max_length=_MOST_DRAFTS)

    @field_validator("connections")
    @classmethod
    def _once_each(cls, drafts: list[DraftOfConnection]) -> list[DraftOfConnection]:
        if len({one.connection_id for one in drafts}) < len(drafts):
            raise ValueError("a connection is named twice")
        return drafts


class Owner(BaseModel):
    """Who would have the order: a connection, or the brand (null)."""

    connection_id: UUID | None


class Otherwise(BaseModel):
    """An order that would have gone to somebody else; `why`: by the drafts, as in a history."""

    order_id: UUID
    store_id: UUID
    external_id: str
    number: str | None
    accepted_at: datetime
    now: Owner
    then: Owner
    why: dict[str, Any]


class WhatIfAnswer(BaseModel):
    """How many orders were looked at, how many would have gone otherwise, and the newest of these.

    At most 1,000 orders are looked at and 100 are shown.
    """

    looked_at: int
    changed: int
    orders: list[Otherwise]


router = APIRouter(prefix="/v1/orders", tags=["orders"], dependencies=[only_known_parameters])


@router.post(
    "/what-if",
    summary="Try order rules and priorities on the newest orders",
    openapi_extra=refuses("brand_only", "not_found", "priority_taken"),
)
async def what_if(caller: Account, database: Schema, body: WhatIfBody) -> WhatIfAnswer:
    """Nothing is changed. By the connections that are on now, and the rules that count now.

    The orders are the newest of the stores of these connections, each as its store sent it last.
    404 for a connection that is not the caller's.
    """
    if caller.kind != "brand":
        raise Refused("brand_only")
    drafts = {one.connection_id: Draft(one.order_rules, one.priority) for one in body.connections}
    async with database.reading() as session:
        known = await store.connections_of(session, caller.account_id, drafts)
    if missing := drafts.keys() - known.keys():
        raise Refused("not_found", what="connection", connection_id=str(min(missing)))
    worlds = {}
    for store_id in {known[one].store_id for one in drafts}:
        of_store = [one for one in known.values() if one.store_id == store_id]
        if twice := equal_priorities(of_store, drafts):
            raise Refused("priority_taken", priority=twice[0])
        worlds[store_id] = WhatIf(of_store, drafts, datetime.now(UTC))
    answer = WhatIfAnswer(looked_at=0, changed=0, orders=[])
    async for one in _newest(database, caller.account_id, worlds):
        answer.looked_at += 1
        entered = Entered(one.store_id, one.accepted_at, Order.model_validate_json(one.payload))
        now, then = worlds[one.store_id].ask(entered)
        if _id_of(now) == _id_of(then):
            continue
        answer.changed += 1
        if len(answer.orders) < _MOST_SHOWN:
            answer.orders.append(_otherwise(one, now, then))
    return answer


async def _newest(
    database: Database, brand: UUID, stores: Collection[UUID]
) -> AsyncIterator[Newest]:
    after: Newest | None = None
    left, bytes_left = _MOST_ORDERS, _MOST_BYTES
    while left > 0 and bytes_left > 0:
        async with database.reading() as session:
            page = await store.newest_orders(session, brand, stores, after, min(_PAGE, left))
        for one in page:
            yield one
        if not page:
            return
        left -= len(page)
        bytes_left -= sum(len(one.payload) for one in page)
        after = page[-1]
        await asyncio.sleep(0)


def _otherwise(one: Newest, now: Assigned, then: Assigned) -> Otherwise:
    return Otherwise(
        order_id=one.id,
        store_id=one.store_id,
        external_id=one.external_id,
        number=one.number,
        accepted_at=one.accepted_at,
        now=Owner(connection_id=_id_of(now)),
        then=Owner(connection_id=_id_of(then)),
        why=why_assigned(then),
    )


def _id_of(assigned: Assigned) -> UUID | None:
    return assigned.connection.id if assigned.connection else None
