"""What is told of endpoints: one function per named query, each given a session."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.webhooks.delivery import Attempt
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint with the masked URL that it sends to, whose it is, and when it last changed.

    One of a brand has no connection, and no store.
    """

    id: UUID
    account_id: UUID
    connection_id: UUID | None
    store_id: UUID | None
    updated_at: datetime
    url: str


async def endpoints_to_tell_of(session: Session, ids: Iterable[UUID]) -> dict[UUID, Endpoint]:
    """Those of the endpoints that are known, by id."""
    rows = await _queries.endpoints_to_tell_of.all(session, ids=list(ids))
    return {row["id"]: row_as(Endpoint, row) for row in rows}


async def parked_at_endpoints(session: Session, ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many deliveries are parked at each, up to 100,000."""
    rows = await _queries.parked_at_endpoints.all(session, ids=list(ids))
    return {row["id"]: row["parked"] for row in rows}


async def tally_exhausted(session: Session, attempts: Sequence[Attempt]) -> None:
    """Count the deliveries that these attempts exhausted, for their endpoints."""
    await _queries.tally_exhausted.run(
        session,
        deliveries=[attempt.delivery.id for attempt in attempts],
        numbers=[attempt.delivery.attempts + 1 for attempt in attempts],
    )
