"""Webhooks' API: every delivery with its attempts."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.webhooks import store
from services.webhooks.delivery import SCHEDULED, DeliveryState
from services.webhooks.url_test import UrlTest
from shared.egress.masking import masked
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.openapi import refuses
from shared.web.pagination import (
    After,
    Limit,
    Page,
    decode_cursor,
    decode_cursor_part,
    moment,
    page_of,
)
from shared.web.parameters import Form, only_known_parameters

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


class Endpoint(BaseModel):
    """Where a client's order events go, and whether anything is sent there."""

    id: UUID
    connection_id: UUID
    store_id: UUID
    url: str = Field(description="Masked: each value of the query and each token is `…`.")
    sends_to: UUID | None = Field(
        description="The endpoint whose URL and secrets are used instead, since a re-point."
    )
    state: Literal["enabled", "disabled"] = Field(
        description="`disabled`: the receiver answered 410; deliveries are parked."
    )
    disabled_reason: str | None
    paused_until: datetime | None = Field(
        description="The receiver asked to wait (`Retry-After`): nothing is sent before, unless "
        "the endpoint is enabled."
    )
    updated_at: datetime


class Attempt(BaseModel):
    """One HTTP try. `response_head` is the receiver's text, for its 3PL: show it as text only."""

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


_SUCCESS = range(200, 300)
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
    """What was, or is to be, sent to the caller's endpoints; a brand sees those of its orders."""
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
    """404 unless the caller is its 3PL or its brand."""
    async with database.reading() as session:
        found = await store.get_delivery(session, delivery_id, caller.account_id)
        if found is None:
            raise Refused("not_found", what="delivery")
        attempts = await store.list_attempts(session, delivery_id)
    return DeliveryDetail(
        **_delivery(found.summary).model_dump(exclude={"attempts"}),
        attempts=[_attempt(attempt, caller.kind) for attempt in attempts],
        body=found.body.decode(errors="replace"),
    )


@router.get("/endpoints", tags=["endpoints"], summary="List endpoints, newest first")
async def list_endpoints(
    caller: Account, database: Schema, limit: Limit = 50, after: After = None
) -> Page[Endpoint]:
    """The endpoints of a 3PL, those of URLs that are no longer set as well."""
    async with database.reading() as session:
        rows = await store.list_endpoints(
            session, caller.account_id, decode_cursor_part(after, UUID), limit + 1
        )
    return page_of(rows, limit, _endpoint, lambda row: row.id)


class UrlToTest(Form):
    """A webhook URL before it is saved."""

    url: Annotated[str, Field(max_length=2_000, json_schema_extra={"format": "uri"})]


class TestedUrl(BaseModel):
    """What the receiver made of a `ping`; `secret` signed it and is good for nothing else."""

    ok: bool = Field(description="Whether a delivery so answered would count.")
    status: int | None
    error: str | None = Field(description="`address_refused`, `dns`, `tls`, `timeout`, …")
    response_head: str = Field(description="The receiver's text: show it as text only.")
    duration_ms: int
    webhook_id: UUID
    secret: str


@router.post(
    "/endpoints/test",
    tags=["endpoints"],
    summary="Send a ping to a URL before it is saved",
    openapi_extra=refuses("too_many_attempts"),
)
async def test_url(request: Request, caller: Account, body: UrlToTest) -> TestedUrl:
    """Through the guard of every delivery; ten a minute for an account."""
    url_test: UrlTest = request.app.state.url_test
    tested = await url_test.ping(caller.account_id, body.url)
    answer = tested.answer
    return TestedUrl(
        ok=answer.status is not None and answer.status in _SUCCESS,
        status=answer.status,
        error=answer.error,
        response_head=answer.body.decode(errors="replace"),
        duration_ms=round(tested.seconds * 1_000),
        webhook_id=tested.webhook_id,
        secret=tested.secret,
    )


@router.post("/endpoints/{endpoint_id}/enable", tags=["endpoints"], summary="Send there again")
async def enable_endpoint(caller: Account, database: Schema, endpoint_id: UUID) -> Endpoint:
    """What was parked goes on, in order, with the attempts that are left; a pause ends."""
    async with database.transaction() as session:
        enabled = await store.enable_endpoint(session, endpoint_id, caller.account_id)
    if enabled is None:
        raise Refused("not_found", what="endpoint")
    return _endpoint(enabled)


def _attempt(row: store.RecordedAttempt, kind: str) -> Attempt:
    """A receiver may say in its answer what only its 3PL is to know."""
    attempt = Attempt.model_validate(row, from_attributes=True)
    return attempt if kind == "three_pl" else attempt.model_copy(update={"response_head": None})


def _endpoint(row: store.EndpointState) -> Endpoint:
    # Masked again costs nothing, and one of before may not be masked yet.
    return Endpoint.model_validate(replace(row, url=masked(row.url)), from_attributes=True)


def _delivery(row: store.DeliverySummary) -> Delivery:
    waits = row.state in SCHEDULED and not row.leased
    return Delivery(**asdict(row), next_attempt_at=row.due_at if waits else None)
