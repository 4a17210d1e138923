"""What ingest has of erased brands: one function per named query, each given a session."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def drop_quarantine(session: Session, brand_id: UUID, chunk: int) -> int:
    """Delete entries of the brand; how many there were."""
    return await _queries.drop_quarantine.run(session, brand_id=brand_id, chunk=chunk)


async def drop_moved_quarantine(session: Session, brands: Sequence[UUID]) -> None:
    """Delete the entries of those of the brands that were erased."""
    await _queries.drop_moved_quarantine.run(session, brands=brands)


async def empty_stores(session: Session, brand_id: UUID) -> list[UUID]:
    """Forget domains and credentials of the brand's stores; their ids."""
    return [row["id"] for row in await _queries.empty_stores.all(session, brand_id=brand_id)]
