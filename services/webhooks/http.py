"""Webhooks' API: every delivery with its attempts."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from services.webhooks import store
from services.webhooks.delivery import SCHEDULED, DeliveryState
from services.webhooks.dependencies import Process
from services.webhooks.resending.resending import send_again
from services.webhooks.sender import request_headers
from shared.contracts.fields import Timestamp
from shared.contracts.orders_events import OrderEventType
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.openapi import refuses
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
    round: int = Field(description="0, and one more each time that the event was sent again.")
    state: State
    next_attempt_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None


class Delivery(_Delivery):
    """One event for one endpoint, and how far it is."""

    attempts: int = Field(description="Attempts whose outcome is recorded.")


class Request(BaseModel):
    """What was sent: the body is the delivery's. For the endpoint's owner."""

    url: str = Field(description="As it was then, masked.")
    headers: dict[str, str] = Field(description="`webhook-signature` is not kept.")


class Attempt(BaseModel):
    """One HTTP try; `response_head`, for its owner, is the receiver's: show it as text only."""

    number: int
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    response_head: str | None
    request: Request | None = Field(description="Null for the other party, and of before.")


class DeliveryDetail(_Delivery):
    """A delivery with its attempts and the body as it was signed and sent."""

    attempts: list[Attempt]
    body: str = Field(description="Empty since the data of its brand was erased.")


_DELIVERY_KEY: tuple[Callable[[store.DeliverySummary], object], ...] = (
    lambda row: row.event_at,
    lambda row: row.event_id,
    lambda row: row.id,
)

_OF_EVENT = Query(description="When Relevo stored the event; from `created_after` on.")

router = APIRouter(prefix="/v1", dependencies=[only_known_parameters])


@router.get("/deliveries", tags=["deliveries"], summary="List deliveries, newest event first")
async def list_deliveries(
    caller: Account,
    database: Schema,
    connection: UUID | None = None,
    order: UUID | None = None,
    state: State | None = None,
    endpoint: UUID | None = None,
    type_: Annotated[OrderEventType | None, Query(alias="type")] = None,
    created_after: Annotated[Timestamp | None, _OF_EVENT] = None,
    created_before: Annotated[Timestamp | None, _OF_EVENT] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Delivery]:
    """What was, or is to be, sent to the caller's endpoints; a brand sees all of its orders'."""
    async with database.reading() as session:
        rows = await store.list_deliveries(
            session,
            caller.account_id,
            as_three_pl=caller.kind == "three_pl",
            wanted=store.DeliveryFilter(
                connection, order, state, endpoint, type_, created_after, created_before
            ),
            after=decode_cursor(after, moment, UUID, UUID),
            limit=limit + 1,
        )
    return page_of(rows, limit, _delivery, *_DELIVERY_KEY)


@router.get(
    "/deliveries/{delivery_id}", tags=["deliveries"], summary="One delivery with its attempts"
)
async def get_delivery(caller: Account, database: Schema, delivery_id: UUID) -> DeliveryDetail:
    """404 unless the caller is its 3PL or its brand; what the brand gets is the brand's alone."""
    async with database.reading() as session:
        found = await store.get_delivery(session, delivery_id, caller.account_id)
        if found is None:
            raise Refused("not_found", what="delivery")
        attempts = await store.list_attempts(session, delivery_id)
    is_owner = found.summary.is_brands or caller.kind == "three_pl"
    return DeliveryDetail(
        **_delivery(found.summary).model_dump(exclude={"attempts"}),
        attempts=[_attempt(attempt, found, is_owner=is_owner) for attempt in attempts],
        body=found.body.decode(errors="replace"),
    )


@router.post(
    "/deliveries/{delivery_id}/retry",
    status_code=202,
    tags=["deliveries"],
    summary="Send it again",
    openapi_extra=refuses(
        "not_endpoint_owner", "endpoint_disabled", "body_erased", "invalid_transition"
    ),
)
async def retry_delivery(process: Process, caller: Account, delivery_id: UUID) -> Delivery:
    """To the endpoint as it is now, also what was delivered: the same `webhook-id` and body.

    Answers with the delivery that is made: a new one with the whole schedule, which replaces one
    that waits for a retry. One that is due or under way stays. What is unsent of the order and
    comes before it goes out before it.
    """
    async with process.database.transaction() as session:
        id_, endpoint_id = await send_again(session, caller.account_id, delivery_id)
        made = await store.get_delivery(session, id_, caller.account_id)
    if made is None:
        # Its account is being erased.
        raise Refused("body_erased")
    await process.endpoints.load([endpoint_id])
    process.note_work([endpoint_id])
    return _delivery(made.summary)


def _attempt(
    row: store.RecordedAttempt, delivery: store.DeliveryDetail, *, is_owner: bool
) -> Attempt:
    """A receiver may say in its answer what only the endpoint's owner is to know."""
    request = None
    if is_owner and row.url is not None and row.signed_at is not None:
        event_id = delivery.summary.event_id
        headers = request_headers(event_id, delivery.traceparent, row.signed_at, "v1,…")
        request = Request(url=row.url, headers=headers)
    return Attempt(
        number=row.number,
        at=row.at,
        duration_ms=row.duration_ms,
        status=row.status,
        error=row.error,
        response_head=row.response_head if is_owner else None,
        request=request,
    )


def _delivery(row: store.DeliverySummary) -> Delivery:
    waits = row.state in SCHEDULED and not row.leased
    return Delivery(**asdict(row), next_attempt_at=row.due_at if waits else None)
