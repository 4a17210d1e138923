"""What a take-over asks Postgres: one function per named query, each given a session."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

from services.routing.orders import Order
from services.routing.store import order_of
from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def sequences_of(session: Session, ids: Iterable[UUID]) -> dict[UUID, int]:
    """The number of the last event of each of the orders that are known."""
    rows = await _queries.sequences_of.all(session, ids=list(ids))
    return {row["id"]: row["sequence"] for row in rows}


async def lock_known(session: Session, orders: Sequence[Order]) -> list[Order]:
    """The orders that have the ids or the keys of these, locked in id order."""
    rows = await _queries.lock_known.all(
        session,
        ids=[order.id for order in orders],
        stores=[order.store_id for order in orders],
        external_ids=[order.external_id for order in orders],
    )
    return [order_of(row) for row in rows]
