"""For a brand: is it arriving, and an order to try things with."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.ingest.arrivals import store
from services.ingest.credentials import Store
from services.ingest.dependencies import process_of
from services.ingest.test_orders.order import external_id_of
from shared.failures import Refused
from shared.runtime import Schema
from shared.telemetry import traceparent_of
from shared.web.access import DelegableAccount
from shared.web.auth import Principal
from shared.web.openapi import refuses
from shared.web.parameters import only_known_parameters

_MOST_REFUSALS = 20

router = APIRouter(prefix="/v1/stores", tags=["stores"], dependencies=[only_known_parameters])


class LastOrder(BaseModel):
    """The newest order of the store's own that was accepted; test orders are none."""

    external_id: str | None
    at: datetime


class Refusal(BaseModel):
    """Requests in the store's name that got one code.

    `quarantined`: accepted and not understood. `invalid_key`, `invalid_signature`: may be anybody.
    """

    code: str
    status: int
    requests: int = Field(description="Since the first; it counts no further after 7 quiet days.")
    last_at: datetime


class Arriving(BaseModel):
    """Whether the store's orders arrive, as of some seconds ago."""

    store_id: UUID
    last_order: LastOrder | None
    refusals: list[Refusal] = Field(description="The newest, of the last 7 days.")


class MadeTestOrder(BaseModel):
    """An order like any other, but that it says `test` and is cancelled by itself."""

    store_id: UUID
    external_id: str
    number: str
    status: Literal["accepted"]
    cancelled_at: datetime = Field(description="When it is going to be.")


@router.get("/{store_id}/arrivals", summary="Whether a store's orders arrive")
async def get_arrivals(
    request: Request, caller: DelegableAccount, database: Schema, store_id: UUID
) -> Arriving:
    """The newest order that was accepted, and what was refused, by code."""
    sender = _own_store(request, caller, store_id)
    async with database.reading() as session:
        newest, refusals = await store.arrival_of(session, sender.id, _MOST_REFUSALS)
    return Arriving(
        store_id=sender.id,
        last_order=newest
        and LastOrder(external_id=newest.last_external_id, at=newest.last_accepted_at),
        refusals=[Refusal.model_validate(one, from_attributes=True) for one in refusals],
    )


@router.post(
    "/{store_id}/test-order",
    status_code=202,
    summary="Send a test order",
    openapi_extra=refuses("too_many_attempts"),
)
async def send_test_order(
    request: Request, caller: DelegableAccount, store_id: UUID
) -> MadeTestOrder:
    """Ten an hour for a store. It goes where an order of the store would go now."""
    sender = _own_store(request, caller, store_id)
    made = await process_of(request).test_orders.send(sender, traceparent_of(request.headers))
    return MadeTestOrder(
        store_id=sender.counts_for,
        external_id=external_id_of(made.id),
        number=f"TEST-{made.number}",
        status="accepted",
        cancelled_at=made.cancel_at,
    )


def _own_store(request: Request, caller: Principal, store_id: UUID) -> Store:
    """The store, if the caller is its brand or the 3PL whose claim it is.

    In the brand's name for the store of the delegation alone.

    Raises:
        Refused: `not_found`, `temporarily_unavailable`.
    """
    process = process_of(request)
    found = process.stores.get(store_id)
    if process.claims.three_pl_of(found.id) == caller.account_id:
        return found
    named = caller.delegation
    if found.brand_id != caller.account_id or (
        named is not None and named.store_id not in (found.id, found.counts_for)
    ):
        raise Refused("not_found", what="store")
    return found
