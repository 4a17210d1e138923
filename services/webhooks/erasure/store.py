"""What webhooks has of erased accounts: one function per named query, each given a session."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from shared.contracts.accounts_changed import AccountKind
from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")

FROM_THE_START = UUID(int=0)


async def events_of(
    session: Session, account_id: UUID, kind: AccountKind, after: UUID, chunk: int
) -> list[UUID]:
    """The next events of the account, those with greater ids than `after`."""
    query = _queries.events_of_brand if kind == "brand" else _queries.events_of_three_pl
    rows = await query.all(session, account=account_id, after=after, chunk=chunk)
    return [row["id"] for row in rows]


async def end_deliveries(session: Session, events: Sequence[UUID], *, spares_returns: bool) -> None:
    """Supersede what is unfinished of the events, or all of it but `order.unassigned`."""
    await _queries.end_deliveries.run(session, events=events, spares_returns=spares_returns)


async def erase_bodies(session: Session, events: Sequence[UUID]) -> None:
    """Forget what the events said; of an `order.unassigned` there is nothing to forget."""
    await _queries.erase_bodies.run(session, events=events)


async def erase_answers(session: Session, events: Sequence[UUID]) -> None:
    """Forget what receivers answered to the events."""
    await _queries.erase_answers.run(session, events=events)


async def erase_endpoints(session: Session, account_id: UUID) -> None:
    """Forget URLs and secrets of the 3PL; nothing is sent there any more."""
    await _queries.erase_endpoints.run(session, account=account_id)
