"""The ledger as it is read: one function per named query, each given a session."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.fulfilment.ledger.entries import Phase
from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")
_EVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries; what is None does not matter."""

    period: tuple[datetime, datetime] | None = None
    shipment: UUID | None = None
    order_id: UUID | None = None
    phase: Phase | None = None
    currency: str | None = None


async def entries(
    session: Session, account: UUID, wanted: Wanted, place: tuple[Any, ...] | None, limit: int
) -> list[asyncpg.Record]:
    """Entries that the account is a side of, the newest first, after a place."""
    since, until = wanted.period or _EVER
    before, before_id = place or (None, None)
    return await _queries.entries.all(
        session,
        account=account,
        since=since,
        until=until,
        shipment=wanted.shipment,
        order_id=wanted.order_id,
        phase=wanted.phase,
        currency=wanted.currency,
        before=before,
        before_id=before_id,
        limit=limit,
    )


async def balances(session: Session, account: UUID) -> list[asyncpg.Record]:
    """By currency and other party: pending and posted."""
    return await _queries.balances.all(session, account=account)


async def unpriced(
    session: Session, account: UUID, place: tuple[Any, ...] | None, limit: int
) -> list[asyncpg.Record]:
    """What the account's lists do not cover, the oldest first, after a place."""
    after, after_id = place or (None, None)
    return await _queries.unpriced.all(
        session, account=account, after=after, after_id=after_id, limit=limit
    )
