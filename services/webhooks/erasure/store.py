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


async def end_deliveries(session: Session, events: Sequence[UUID], kind: AccountKind) -> None:
    """Supersede what is unfinished of the events.

    Of a brand's, all of it but `order.unassigned`; of a 3PL's, what is to be sent to the 3PL.
    """
    await _queries.end_deliveries.run(
        session,
        events=events,
        spares_returns=kind == "brand",
        spares_brands=kind == "three_pl",
    )


async def erase_bodies(session: Session, events: Sequence[UUID]) -> None:
    """Forget what the events said; of an `order.unassigned` there is nothing to forget."""
    await _queries.erase_bodies.run(session, events=events)


async def erase_answers(session: Session, events: Sequence[UUID], kind: AccountKind) -> None:
    """Forget what receivers answered to the events; of a 3PL's, what the 3PL's did."""
    await _queries.erase_answers.run(session, events=events, spares_brands=kind == "three_pl")


async def erase_endpoints(session: Session, account_id: UUID) -> None:
    """Forget URLs and secrets of the account; nothing is sent there any more."""
    await _queries.erase_endpoints.run(session, account=account_id)
    await _queries.erase_idempotency_keys.run(session, account=account_id)
