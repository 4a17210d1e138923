"""Webhooks' API: every delivery with its attempts."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.webhooks import store
from services.webhooks.delivery import SCHEDULED, DeliveryState
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.pagination import After, Limit, Page, decode_cursor, moment, page_of
from shared.web.parameters import only_known_parameters

# Every `DeliveryState`, as a Literal: OpenAPI has the states where they are used, not a component.
State = Literal[
    DeliveryState.PENDING,
    DeliveryState.DELIVERED,
    DeliveryState.RETRYING,
    DeliveryState.EXHAUSTED,
    DeliveryState.PARKED,
    DeliveryState.SUPERSEDED,
    DeliveryState.CANCELLED,
]


class _Delivery(BaseModel):
    id: UUID
    event_id: UUID = Field(description="The `webhook-id` of every attempt.")
    type: str
    order_id: UUID
    sequence: int
    endpoint_id: UUID
    connection_id: UUID | None
    state: State
    next_attempt_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None


class Delivery(_Delivery):
    """One event for one endpoint, and how far it is."""

    attempts: int = Field(description="Attempts whose outcome is recorded.")


class Attempt(BaseModel):
    """One HTTP try; `response_head`, the receiver's text, is for its owner: show it as text only."""

    number: int
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    response_head: str | None


class DeliveryDetail(_Delivery):
    """A delivery with its attempts and the body as it was signed and sent."""

    attempts: list[Attempt]
    body: str = Field(description="Empty since the data of its brand was erased.")


_DELIVERY_KEY: tuple[Callable[[store.DeliverySummary], object], ...] = (
    lambda row: row.event_at,
    lambda row: row.event_id,
    lambda row: row.id,
)

router = APIRouter(prefix="/v1", dependencies=[only_known_parameters])


@router.get("/deliveries", tags=["deliveries"], summary="List deliveries, newest event first")
async def list_deliveries(
    caller: Account,
    database: Schema,
    connection: UUID | None = None,
    order: UUID | None = None,
    state: State | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Delivery]:
    """What was, or is to be, sent to the caller's endpoints; a brand sees all of its orders'."""
    async with database.reading() as session:
        rows = await store.list_deliveries(
            session,
            caller.account_id,
            as_three_pl=caller.kind == "three_pl",
            wanted=store.DeliveryFilter(connection, order, state),
            after=decode_cursor(after, moment, UUID, UUID),
            limit=limit + 1,
        )
    return page_of(rows, limit, _delivery, *_DELIVERY_KEY)


@router.get(
    "/deliveries/{delivery_id}", tags=["deliveries"], summary="One delivery with its attempts"
)
async def get_delivery(caller: Account, database: Schema, delivery_id: UUID) -> DeliveryDetail:
    """404 unless the caller is its 3PL or its brand; what goes to the brand is the brand's alone."""
    async with database.reading() as session:
        found = await store.get_delivery(session, delivery_id, caller.account_id)
        if found is None:
            raise Refused("not_found", what="delivery")
        attempts = await store.list_attempts(session, delivery_id)
    is_owner = found.summary.is_brands or caller.kind == "three_pl"
    return DeliveryDetail(
        **_delivery(found.summary).model_dump(exclude={"attempts"}),
        attempts=[_attempt(attempt, is_owner=is_owner) for attempt in attempts],
        body=found.body.decode(errors="replace"),
    )


def _attempt(row: store.RecordedAttempt, *, is_owner: bool) -> Attempt:
    """A receiver may say in its answer what only the endpoint's owner is to know."""
    attempt = Attempt.model_validate(row, from_attributes=True)
    return attempt if is_owner else attempt.model_copy(update={"response_head": None})


def _delivery(row: store.DeliverySummary) -> Delivery:
    waits = row.state in SCHEDULED and not row.leased
    return Delivery(**asdict(row), next_attempt_at=row.due_at if waits else None)
