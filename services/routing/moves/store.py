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
    # Of the store that the orders count for, as JSON.
    payment_rules: str


@dataclass(frozen=True, slots=True)
class RemovedCopy:
    """What a removed copy of an order said; `payload` is the store's order as JSON."""

    id: UUID
    external_id: str
    source_updated_at: datetime
    tombstone: bool
    payload: str | None


async def moves_known(session: Session, moves: Sequence[ClaimMove]) -> set[UUID]:
    """The claims' stores of those that are noted already."""
    rows = await _queries.moves_known.all(
        session,
        ids=[move.claim_store_id for move in moves],
        versions=[move.version for move in moves],
    )
    return {row["id"] for row in rows}


async def close_gates(session: Session, moves: Iterable[ClaimMove]) -> None:
    """Wait for the batches of all the stores; none of theirs passes until the transaction ends."""
    stores = [id_ for move in moves for id_ in (move.claim_store_id, move.store_id)]
    await _queries.close_gate.all(session, stores=stores)


async def note_moves(session: Session, moves: Sequence[ClaimMove]) -> list[UUID]:
    """Record the moves, unless newer ones are known; the claims' stores of those that count."""
    rows = await _queries.note_moves.all(
        session,
        ids=[move.claim_store_id for move in moves],
        stores=[move.store_id for move in moves],
        brands=[move.brand_id for move in moves],
        versions=[move.version for move in moves],
        former_brands=[move.former_brand_id for move in moves],
        payment_rules=[move.payment_rules for move in moves],
    )
    return [row["id"] for row in rows]


async def rename_parked(session: Session, claim_stores: Sequence[UUID]) -> int:
    """Parked records of these stores are found by the new ones; how many there were."""
    return await _queries.rename_parked.run(session, ids=claim_stores)


async def unfinished_moves(session: Session) -> list[ClaimMove]:
    """The oldest that still have orders to move, or may have."""
    return [row_as(ClaimMove, row) for row in await _queries.unfinished_moves.all(session)]


async def still_counts(session: Session, move: ClaimMove) -> bool:
    """Whether it is unfinished, and no newer one is known."""
    return bool(
        await _queries.still_counts.value(
            session, claim_store_id=move.claim_store_id, version=move.version
        )
    )


async def finish_move(session: Session, move: ClaimMove) -> None:
    """None of its orders is left, unless a newer one is known."""
    await _queries.finish_move.run(
        session, claim_store_id=move.claim_store_id, version=move.version
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
