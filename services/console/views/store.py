"""What is kept of saved views: one function per named query, each given a session."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class View:
    """A filter with its name; `query` is that of an address."""

    id: UUID
    name: str
    query: str


async def views_of(session: Session, account: UUID, person: UUID) -> list[View]:
    """By name."""
    rows = await _queries.views_of_person.all(session, account=account, person=person)
    return [View(**row) for row in rows]


async def keep(
    session: Session, account: UUID, person: UUID, name: str, query: str, most: int
) -> bool:
    """Keep one, over an older one of the same name; False when there are as many as there may."""
    kept = await _queries.keep_view.run(
        session, account=account, person=person, name=name, query=query, most=most
    )
    return kept == 1


async def delete(session: Session, account: UUID, person: UUID, id_: UUID) -> None:
    """Forget one, if it is theirs."""
    await _queries.delete_view.run(session, account=account, person=person, id=id_)
