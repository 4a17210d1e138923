"""Moves in Postgres: one function per named query, each given a session."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.routing.moves.mapping import Candidate
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class ClaimMove:
    """A claim's store that moves: from whom, to whom, and what its orders count for."""

    claim_store_id: UUID
    former_brand_id: UUID
    store_id: UUID
    brand_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class RemovedCopy:
    """What a removed copy of an order said; `payload` is the store's order as JSON."""

    id: UUID
    external_id: str
    source_updated_at: datetime
    tombstone: bool
    payload: str | None


async def close_gate(session: Session, move: ClaimMove) -> None:
    """Wait for the batches of both stores, and let none pass until the transaction ends."""
    await _queries.close_gate.all(session, stores=[move.claim_store_id, move.store_id])


async def note_move(session: Session, move: ClaimMove) -> bool:
    """Record the move; False when a newer one is known."""
    noted: bool | None = await _queries.note_move.value(
        session,
        claim_store_id=move.claim_store_id,
        store_id=move.store_id,
        brand_id=move.brand_id,
        version=move.version,
    )
    return bool(noted)


async def rename_parked(session: Session, move: ClaimMove) -> int:
    """Parked records of the claim's store are found by the new one; how many there were."""
    return await _queries.rename_parked.run(
        session,
        claim_store_id=move.claim_store_id,
        store_id=move.store_id,
        brand_id=move.brand_id,
    )


async def lock_orders_to_move(
    session: Session, move: ClaimMove, chunk: int, most_bytes: int
) -> list[Candidate]:
    """The next orders that are still the claim's, locked in id order; none when all have moved."""
    rows = await _queries.lock_orders_to_move.all(
        session,
        former_brand_id=move.former_brand_id,
        claim_store_id=move.claim_store_id,
        store_id=move.store_id,
        chunk=chunk,
        most_bytes=most_bytes,
    )
    return [row_as(Candidate, row) for row in rows]


async def move_orders(session: Session, move: ClaimMove, ids: Sequence[UUID]) -> None:
    """They are the brand's, and of the store that they count for."""
    await _queries.move_orders.run(
        session,
        ids=ids,
        store_id=move.store_id,
        brand_id=move.brand_id,
        former_brand_id=move.former_brand_id,
    )


async def remove_copies(
    session: Session, move: ClaimMove, ids: Iterable[UUID]
) -> list[RemovedCopy]:
    """Delete orders of the claim, with their holds; what they said."""
    rows = await _queries.remove_copies.all(
        session, ids=list(ids), former_brand_id=move.former_brand_id
    )
    return [row_as(RemovedCopy, row) for row in rows]
