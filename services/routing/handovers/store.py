"""What is shown of hand-overs: one function per named query, each given a session."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from shared.contracts.connections_changed import ConnectionState
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Handover:
    """What a deactivation or disconnect returned, and what stayed with the 3PL."""

    id: UUID
    connection_id: UUID
    epoch: int
    reason: str
    state: Literal["running", "done"]
    returned: int
    stayed: int | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class HandoverPreview:
    """What ending a connection now would return, and what would stay."""

    connection_id: UUID
    state: ConnectionState
    version: int
    epoch: int
    would_return: int
    would_stay: int


@dataclass(frozen=True, slots=True)
class HandedBack:
    """That an order went back to the brand; `id` is of the line in its history."""

    id: int
    order_id: UUID
    store_id: UUID
    external_id: str
    number: str | None
    connection_id: UUID
    handover_id: UUID | None
    reason: str
    at: datetime


async def list_handovers(
    session: Session,
    account: UUID,
    *,
    as_three_pl: bool,
    connection: UUID | None,
    after: UUID | None,
    limit: int,
) -> list[Handover]:
    """Newest first."""
    query = _queries.handovers_of_three_pl if as_three_pl else _queries.handovers_of_brand
    rows = await query.all(
        session, account=account, connection=connection, after=after, limit=limit
    )
    return [row_as(Handover, row) for row in rows]


async def preview_handover(
    session: Session, connection: UUID, account: UUID
) -> HandoverPreview | None:
    """What ending the connection now would do; None when the account is no party of it."""
    row = await _queries.preview_handover.one(session, connection=connection, account=account)
    return row_as(HandoverPreview, row, state=ConnectionState(row["state"])) if row else None


async def get_handover(session: Session, handover_id: UUID, account: UUID) -> Handover | None:
    """One, if the account is a party of it."""
    row = await _queries.handover_of_party.one(session, handover_id=handover_id, account=account)
    return row_as(Handover, row) if row else None


async def list_orders(
    session: Session, handover_id: UUID, account: UUID, after: int | None, limit: int
) -> list[HandedBack]:
    """What the hand-over returned so far, the newest first; nothing for who is no party of it."""
    rows = await _queries.orders_of_handover.all(
        session, handover_id=handover_id, account=account, after=after, limit=limit
    )
    return [row_as(HandedBack, row) for row in rows]


async def list_handed_back(
    session: Session,
    account: UUID,
    *,
    as_three_pl: bool,
    connection: UUID | None,
    after: int | None,
    limit: int,
) -> list[HandedBack]:
    """What went back through any of the account's connections, the newest first."""
    rows = await _queries.handed_back.all(
        session,
        account=account,
        as_three_pl=as_three_pl,
        connection=connection,
        after=after,
        limit=limit,
    )
    return [row_as(HandedBack, row) for row in rows]
