"""What is kept of test orders: one function per named query, each given a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class TestOrder:
    """One that was made, and when it is to be cancelled; accepted as far as is known."""

    __test__ = False

    id: UUID
    store_id: UUID
    number: int
    made_at: datetime
    is_accepted: bool
    cancel_at: datetime


@dataclass(frozen=True, slots=True)
class Lately:
    """Test orders of the last hour, and the seconds until the oldest is none of those."""

    made: int
    seconds: float
    highest: int


async def lock_and_count(session: Session, store_id: UUID) -> Lately:
    """Those of a store; nobody else makes one until the transaction ends."""
    await _queries.lock_test_orders.run(session, store_id=store_id)
    row = await _queries.lately.one(session, store_id=store_id)
    return row_as(Lately, row) if row else Lately(0, 0.0, 0)


async def insert_test_order(
    session: Session, test_id: UUID, store_id: UUID, number: int, seconds: float
) -> TestOrder:
    """Note one that is about to be sent, to be cancelled in so many seconds."""
    row = await _queries.insert_test_order.one(
        session, test_id=test_id, store_id=store_id, number=number, seconds=seconds
    )
    if row is None:
        raise LookupError("an insert answered with no row")
    return row_as(TestOrder, row)


async def note_accepted(session: Session, test_id: UUID) -> None:
    """It is durable."""
    await _queries.note_accepted.run(session, test_id=test_id)


async def forget_test_order(session: Session, test_id: UUID) -> None:
    """It was not accepted, surely."""
    await _queries.forget_test_order.run(session, test_id=test_id)


async def due_test_orders(session: Session, limit: int) -> list[TestOrder]:
    """Those whose time is over."""
    return [
        row_as(TestOrder, row) for row in await _queries.due_test_orders.all(session, limit=limit)
    ]


async def note_cancelled(session: Session, ids: Sequence[UUID]) -> None:
    """Their cancellations are durable."""
    await _queries.note_cancelled.run(session, ids=ids)


async def sweep_test_orders(session: Session) -> None:
    """Forget those of more than a month ago."""
    await _queries.sweep_test_orders.run(session)
