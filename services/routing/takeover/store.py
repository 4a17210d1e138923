"""What a take-over asks Postgres: one function per named query, each given a session."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.routing.orders import Order
from services.routing.store import order_of
from shared.postgres.database import Session, load_queries

_ENDED = "the connection had ended meanwhile"
_queries = load_queries(Path(__file__).parent / "queries.sql")


async def sequences_of(session: Session, ids: Iterable[UUID]) -> dict[UUID, int]:
    """The number of the last event of each of the orders that are known."""
    rows = await _queries.sequences_of.all(session, ids=list(ids))
    return {row["id"]: row["sequence"] for row in rows}


async def reopen(session: Session, orders: Iterable[Order]) -> None:
    """What follows from a move or an erasure follows for these orders too, which came after it."""
    taken = list(orders)
    await _queries.reopen.run(
        session,
        stores=list({order.store_id for order in taken}),
        accounts=[
            account
            for order in taken
            for account in (order.brand_id, order.three_pl_id)
            if account is not None
        ],
    )


async def hand_over_what_ended(session: Session) -> int:
    """Record hand-overs of Orders tabs that should have gone back; of how many connections.

    Whoever never saw an epoch end did not record it: connections tell of the newest state alone.
    """
    rows = await _queries.epochs_that_ended.all(session)
    if rows:
        await _queries.reopen_handovers.run(
            session,
            ids=[uuid7() for _ in rows],
            connections=[row["id"] for row in rows],
            brands=[row["brand_id"] for row in rows],
            three_pls=[row["three_pl_id"] for row in rows],
            epochs=[row["epoch"] for row in rows],
            reasons=[_ENDED] * len(rows),
        )
    return len(rows)


async def lock_known(session: Session, orders: Sequence[Order]) -> list[Order]:
    """The orders that have the ids or the keys of these, locked in id order."""
    rows = await _queries.lock_known.all(
        session,
        ids=[order.id for order in orders],
        stores=[order.store_id for order in orders],
        external_ids=[order.external_id for order in orders],
    )
    return [order_of(row) for row in rows]
