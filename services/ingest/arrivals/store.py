"""What is kept of arrivals: one function per named query, each given a session."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Arrival:
    """The newest order of a store that was accepted."""

    last_accepted_at: datetime
    last_external_id: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Requests that got one code, and when the last of them came."""

    code: str
    status: int
    requests: int
    last_at: datetime


class RefusalKey(NamedTuple):
    """Whose requests, and what they got."""

    store_id: UUID
    code: str


async def write(
    session: Session, arrivals: Mapping[UUID, Arrival], refusals: Mapping[RefusalKey, Refusal]
) -> None:
    """Add what was seen to what is known.

    Args:
        session: a transaction: counts are added up.
        arrivals: by store.
        refusals: those since the last time.
    """
    if arrivals:
        await _queries.write_arrivals.run(
            session,
            stores=list(arrivals),
            ats=[one.last_accepted_at for one in arrivals.values()],
            external_ids=[one.last_external_id for one in arrivals.values()],
        )
    if refusals:
        await _queries.write_refusals.run(
            session,
            stores=[key.store_id for key in refusals],
            codes=[key.code for key in refusals],
            statuses=[one.status for one in refusals.values()],
            requests=[one.requests for one in refusals.values()],
            ats=[one.last_at for one in refusals.values()],
        )


async def arrival_of(
    session: Session, store_id: UUID, most: int
) -> tuple[Arrival | None, list[Refusal]]:
    """The newest order of a store, and its newest refusals of the last seven days."""
    row = await _queries.arrival_of_store.one(session, store_id=store_id)
    rows = await _queries.refusals_of_store.all(session, store_id=store_id, limit=most)
    return row_as(Arrival, row) if row else None, [row_as(Refusal, one) for one in rows]
