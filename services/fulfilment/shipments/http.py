"""Shipments over HTTP: what there is, and what waits."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.fulfilment.shipments import store
from services.fulfilment.shipments.shipment import LabelState, Status
from services.fulfilment.shipments.shown import (
    ShipmentDetail,
    ShipmentSummary,
    detail_of,
    summary_of,
)
from services.fulfilment.shipments.store import Filter
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.openapi import refuses
from shared.web.pagination import After, Limit, Page, decode_cursor, moment, page_of
from shared.web.parameters import only_known_parameters


class Waiting(BaseModel):
    """How many shipments wait: for a carrier, to be packed or tracked, labelled to leave."""

    needs_carrier: int = 0
    ready: int = 0
    labelled: int = 0


router = APIRouter(prefix="/v1/shipments", tags=["shipments"], dependencies=[only_known_parameters])


@router.get("", summary="List shipments, newest first")
async def list_shipments(
    caller: Account,
    database: Schema,
    status: Annotated[list[Status] | None, Query(description="Any of these.")] = None,
    label: Annotated[
        list[LabelState | Literal["none"]] | None, Query(description="Any of these.")
    ] = None,
    order_id: UUID | None = None,
    rules: Annotated[
        Literal["own"] | None,
        Query(description="Of those whose carrier the caller's rules choose."),
    ] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[ShipmentSummary]:
    """A brand sees those of its orders, a 3PL those that it works, to the end of their lives."""
    before = decode_cursor(after, moment, UUID)
    wanted = Filter(status, label, order_id, True if rules else None)
    async with database.reading() as session:
        found = await store.list_shipments(
            session,
            caller.account_id,
            as_three_pl=caller.kind == "three_pl",
            wanted=wanted,
            before=before,
            limit=limit + 1,
        )
    return page_of(
        found,
        limit,
        summary_of,
        lambda one: one.shipment.created_at.isoformat(),
        lambda one: one.shipment.id,
    )


@router.get("/waiting", summary="How many shipments wait")
async def count_waiting(caller: Account, database: Schema) -> Waiting:
    """By what they wait for."""
    as_three_pl = caller.kind == "three_pl"
    async with database.reading() as session:
        counts = await store.count_waiting(session, caller.account_id, as_three_pl=as_three_pl)
    return Waiting(**counts)


@router.get("/{shipment_id}", summary="One shipment", openapi_extra=refuses("not_found"))
async def get_shipment(caller: Account, database: Schema, shipment_id: UUID) -> ShipmentDetail:
    """404 unless the caller is a party of it."""
    async with database.reading() as session:
        found = await store.get_shipment(session, caller.account_id, shipment_id)
    if found is None:
        raise Refused("not_found", what="shipment")
    return detail_of(found)
