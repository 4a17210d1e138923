"""What webhooks keeps of orphans: one function per named query, each given a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")

FROM_THE_START = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Look:
    """What one page held: how many were `freed`, some of their endpoints, where to go on."""

    freed: int
    endpoints: Sequence[UUID]
    last: UUID | None


async def let_orphans_go(session: Session, after: UUID, limit: int) -> Look:
    """Look through the next `limit` that wait for their lanes; what nothing is before is due."""
    (row,) = await _queries.let_orphans_go.all(session, after=after, limit=limit)
    return row_as(Look, row)
