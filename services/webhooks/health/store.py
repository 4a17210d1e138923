"""What is counted of endpoints: one function per named query, each given a session."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")

# Of one endpoint in a list, and alone. A sort of as many takes some 50 ms.
MOST_IN_LIST = 5_000
MOST_ATTEMPTS = 100_000
MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Counted:
    """The newest attempts of one endpoint by number and duration, and what waits for it.

    Percentiles are in milliseconds, None without an attempt.
    """

    id: UUID
    url: str = field(repr=False)
    state: str
    disabled_reason: str | None
    paused_until: datetime | None
    day_attempts: int
    day_delivered: int
    day_p50_ms: int | None
    day_p95_ms: int | None
    hour_attempts: int
    hour_delivered: int
    hour_p50_ms: int | None
    hour_p95_ms: int | None
    backlog: int
    oldest_waiting: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure_status: int | None
    last_failure_error: str | None


@dataclass(frozen=True, slots=True)
class Hour:
    """Attempts that began in one hour."""

    hour: datetime
    delivered: int
    failed: int


async def list_health(
    session: Session, account: UUID, after: UUID | None, limit: int
) -> list[Counted]:
    """A page of the account's endpoints, newest first."""
    rows = await _queries.health_of_endpoints.all(
        session,
        account=account,
        endpoint_id=None,
        after=after,
        limit=limit,
        most_attempts=MOST_IN_LIST,
        most_waiting=MOST_WAITING,
    )
    return [row_as(Counted, row) for row in rows]


async def get_health(session: Session, account: UUID, endpoint_id: UUID) -> Counted | None:
    """One endpoint, if it is the account's."""
    rows = await _queries.health_of_endpoints.all(
        session,
        account=account,
        endpoint_id=endpoint_id,
        after=None,
        limit=1,
        most_attempts=MOST_ATTEMPTS,
        most_waiting=MOST_WAITING,
    )
    return row_as(Counted, rows[0]) if rows else None


async def list_hours(session: Session, endpoint_id: UUID) -> list[Hour]:
    """24 of them, oldest first; whoever asks was shown the endpoint."""
    rows = await _queries.hours_of_endpoint.all(
        session, endpoint_id=endpoint_id, most_attempts=MOST_ATTEMPTS
    )
    return [row_as(Hour, row) for row in rows]
