"""Erased accounts in Postgres: one function per named query, each given a session."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from shared.contracts.accounts_changed import AccountKind
from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")

FROM_THE_START = UUID(int=0)


async def erasures_known(session: Session, accounts: Iterable[UUID]) -> set[UUID]:
    """Those of the accounts whose erasure is noted already."""
    rows = await _queries.erasures_known.all(session, accounts=list(accounts))
    return {row["account_id"] for row in rows}


async def note_erasures(session: Session, kinds: Mapping[UUID, AccountKind]) -> None:
    """From the commit on what comes of the accounts is dropped; what came before is committed."""
    await _queries.close_gates.all(session, accounts=list(kinds))
    await _queries.note_erasures.run(session, accounts=list(kinds), kinds=list(kinds.values()))


async def unfinished_erasures(session: Session) -> dict[UUID, AccountKind]:
    """The oldest of which something may be left."""
    rows = await _queries.unfinished_erasures.all(session)
    return {row["account_id"]: row["kind"] for row in rows}


async def finish_erasure(session: Session, account_id: UUID) -> None:
    """Nothing of the account is left."""
    await _queries.finish_erasure.run(session, account_id=account_id)


async def is_erased(session: Session, account_id: UUID) -> bool:
    """Whether the account was erased, as far as routing has heard."""
    return bool(await _queries.is_erased.value(session, account_id=account_id))


async def erase_orders(session: Session, brand_id: UUID, after: UUID, chunk: int) -> list[UUID]:
    """Erase what the next orders of the brand say, those with greater ids than `after`; which."""
    rows = await _queries.lock_orders_to_erase.all(
        session, brand_id=brand_id, after=after, chunk=chunk
    )
    ids = [row["id"] for row in rows]
    await _queries.erase_orders.run(session, ids=ids)
    return ids


async def drop_parked_records(session: Session, brand_id: UUID, chunk: int) -> int:
    """Delete parked records of the brand; how many there were."""
    return await _queries.drop_parked_records.run(session, brand_id=brand_id, chunk=chunk)


async def moved_stores_of(session: Session, brand_id: UUID) -> list[UUID]:
    """The stores that came to the brand from claims, by the ids that they had there."""
    return [row["id"] for row in await _queries.moved_stores_of.all(session, brand_id=brand_id)]


async def forget_words(session: Session, brand_id: UUID) -> None:
    """Forget why hand-overs to the brand failed, and its order rules."""
    await _queries.forget_words.run(session, brand_id=brand_id)


async def record_whole_handovers(session: Session, three_pl_id: UUID, reason: str) -> int:
    """Record that all unfinished orders of the 3PL go back; how many hand-overs that makes."""
    return await _queries.insert_whole_handovers.run(
        session, three_pl_id=three_pl_id, reason=reason
    )
