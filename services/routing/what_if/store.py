"""What is asked about: one function per named query, each given a session."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.routing.orders import Connection
from shared.contracts.connections_changed import ConnectionState
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Newest:
    """An order of a page."""

    id: UUID
    store_id: UUID
    external_id: str
    number: str | None
    accepted_at: datetime
    payload: str


async def connections_of(
    session: Session, brand: UUID, ids: Collection[UUID]
) -> dict[UUID, Connection]:
    """The brand's connections among these, with all others of their stores, by id."""
    rows = await _queries.connections_of.all(session, brand=brand, ids=list(ids))
    return {row["id"]: row_as(Connection, row, state=ConnectionState(row["state"])) for row in rows}


async def newest_orders(
    session: Session, brand: UUID, stores: Collection[UUID], after: Newest | None, limit: int
) -> list[Newest]:
    """The brand's orders of the stores behind `after`, the newest first."""
    rows = await _queries.newest_orders.all(
        session,
        brand=brand,
        stores=list(stores),
        after_at=after and after.accepted_at,
        after_id=after and after.id,
        limit=limit,
    )
    return [row_as(Newest, row) for row in rows]
