"""The health of endpoints over HTTP."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.webhooks.delivery import Answer, outcome_class
from services.webhooks.health import store
from shared.egress.masking import masked
from shared.failures import Refused
from shared.runtime import Schema
from shared.web.access import Account
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import only_known_parameters

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"], dependencies=[only_known_parameters])


class Window(BaseModel):
    """The attempts of a stretch of time that ends now."""

    attempts: int
    success_rate: float | None = Field(description="0 to 1; null without an attempt.")
    p50_ms: int | None
    p95_ms: int | None


class Failure(BaseModel):
    """The last attempt that failed, by class: `timeout`, `dns`, `throttled`, `server_error` etc."""

    at: datetime
    failure_class: str
    status: int | None


class Health(BaseModel):
    """One endpoint in numbers.

    Of a busy one the newest attempts are counted: `is_sampled`, then its last hour or day has more.
    """

    endpoint_id: UUID
    url: str = Field(description="Masked, of where it sends to.")
    state: Literal["enabled", "disabled"]
    disabled_reason: str | None
    paused_until: datetime | None
    hour: Window
    day: Window
    is_sampled: bool
    backlog: int = Field(description="Deliveries that are not finished, up to 10,000.")
    oldest_waiting: datetime | None = Field(description="Of those, since when the oldest waits.")
    last_success_at: datetime | None
    last_failure: Failure | None


class Hour(BaseModel):
    """Attempts that began in the hour from `hour` on."""

    hour: datetime
    delivered: int
    failed: int


class HealthDetail(Health):
    """With the last 24 hours, oldest first; the last one is not over."""

    hours: list[Hour]


@router.get("/health", summary="The health of all endpoints, newest first")
async def list_health(
    caller: Account, database: Schema, limit: Limit = 50, after: After = None
) -> Page[Health]:
    """Of the newest 5,000 attempts of each in a day."""
    async with database.reading() as session:
        rows = await store.list_health(
            session, caller.account_id, decode_cursor_part(after, UUID), limit + 1
        )
    return page_of(rows, limit, lambda row: _health(row, store.MOST_IN_LIST), lambda row: row.id)


@router.get("/{endpoint_id}/health", summary="The health of one endpoint")
async def get_health(caller: Account, database: Schema, endpoint_id: UUID) -> HealthDetail:
    """Of its newest 100,000 attempts in a day."""
    async with database.reading() as session:
        found = await store.get_health(session, caller.account_id, endpoint_id)
        if found is None:
            raise Refused("not_found", what="endpoint")
        hours = await store.list_hours(session, endpoint_id)
    return HealthDetail(
        **_health(found, store.MOST_ATTEMPTS).model_dump(),
        hours=[Hour.model_validate(hour, from_attributes=True) for hour in hours],
    )


def _health(row: store.Counted, most: int) -> Health:
    return Health(
        endpoint_id=row.id,
        url=masked(row.url),
        state="enabled" if row.state == "enabled" else "disabled",
        disabled_reason=row.disabled_reason,
        paused_until=row.paused_until,
        hour=_window(row.hour_attempts, row.hour_delivered, row.hour_p50_ms, row.hour_p95_ms),
        day=_window(row.day_attempts, row.day_delivered, row.day_p50_ms, row.day_p95_ms),
        is_sampled=row.day_attempts >= most,
        backlog=row.backlog,
        oldest_waiting=row.oldest_waiting,
        last_success_at=row.last_success_at,
        last_failure=_failure(row),
    )


def _window(attempts: int, delivered: int, p50_ms: int | None, p95_ms: int | None) -> Window:
    rate = round(delivered / attempts, 4) if attempts else None
    return Window(attempts=attempts, success_rate=rate, p50_ms=p50_ms, p95_ms=p95_ms)


def _failure(row: store.Counted) -> Failure | None:
    if row.last_failure_at is None:
        return None
    answer = Answer(row.last_failure_status, row.last_failure_error)
    return Failure(
        at=row.last_failure_at, failure_class=outcome_class(answer), status=answer.status
    )
