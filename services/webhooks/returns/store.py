"""What webhooks keeps of returns: one function per named query, each given a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from services.webhooks.delivery import Lease
from services.webhooks.store import (
    Inserted,
    NewDelivery,
    event_columns,
    inserted_of,
    step_columns,
)
from shared.kafka.positions import Step
from shared.postgres.database import Session, load_queries, row_as
from shared.postgres.positions import require_all

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def insert_returns(
    session: Session,
    new: Sequence[NewDelivery],
    lease: Lease,
    begun: Sequence[bool],
    steps: Sequence[Step] = (),
) -> dict[UUID, Inserted]:
    """Insert events that take orders back, each lane once, and supersede what they make pointless.

    Args:
        session: one statement, no transaction needed.
        new: what came, in the order in which to lock lanes; duplicates of what is stored are left
            out of the answer.
        lease: what those get that want one and may have it.
        begun: for each whether this process attempts its lane, or has an outcome to write.
        steps: of the positions, with it.

    Raises:
        OutOfStep: another process reads these events. They are stored, for either.
    """
    rows = await _queries.insert_returns.all(
        session,
        **event_columns(new),
        **step_columns(steps),
        begun=list(begun),
        owner=lease.owner,
        lease_seconds=lease.seconds,
    )
    require_all(steps, sum(row["moved"] or 0 for row in rows))
    return {
        row["id"]: inserted_of(row, is_held_elsewhere=row["is_elsewhere"])
        for row in rows
        if row["id"] is not None
    }


@dataclass(frozen=True, slots=True)
class SupersededLease:
    """A superseded delivery that this process holds.

    `seconds` ago the return was read, None when that is no longer waiting.
    """

    id: UUID
    endpoint_id: UUID
    order_id: UUID
    sequence: int
    seconds: float | None


async def superseded_leases(session: Session, owner: UUID) -> list[SupersededLease]:
    """What `owner` holds although its order went back."""
    rows = await _queries.superseded_leases.all(session, owner=owner)
    return [row_as(SupersededLease, row) for row in rows]


async def free_superseded(session: Session, ids: Sequence[UUID], owner: UUID) -> None:
    """Let go of them: the returns that wait for them may be sent."""
    await _queries.free_superseded.run(session, ids=ids, owner=owner)
