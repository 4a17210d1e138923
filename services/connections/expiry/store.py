"""What has come to its end in the schema: one function per named query, each given a session."""

from pathlib import Path
from uuid import UUID

from services.connections.expiry.models import (
    BATCH,
    CLAIM_KEPT,
    KEYS_KEPT,
    LINKS_KEPT,
    OverClaim,
)
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")
_MOST_CLAIMS = 100


async def list_expired_claims(session: Session) -> list[OverClaim]:
    """Some of the pending connections whose newest link ended long ago, the oldest first."""
    rows = await _queries.list_expired_claims.all(session, kept=CLAIM_KEPT, limit=_MOST_CLAIMS)
    return [row_as(OverClaim, row) for row in rows]


async def is_expired_claim(session: Session, connection_id: UUID) -> bool:
    """Whether it is one of them now."""
    return bool(
        await _queries.is_expired_claim.value(session, connection_id=connection_id, kept=CLAIM_KEPT)
    )


async def list_ended_claims(session: Session) -> list[OverClaim]:
    """Some of the claims that their 3PL has disconnected, and that are not erased yet."""
    rows = await _queries.list_ended_claims.all(session, limit=_MOST_CLAIMS)
    return [row_as(OverClaim, row) for row in rows]


async def is_ended_claim(session: Session, account_id: UUID) -> bool:
    """Whether nobody works in the account, or can be asked to."""
    return bool(await _queries.is_ended_claim.value(session, account_id=account_id))


async def lock_free_claim(session: Session, account_id: UUID, store_id: UUID) -> bool:
    """Lock account and store to the end of the transaction; False when somebody else has one."""
    return bool(
        await _queries.lock_free_account.value(session, id=account_id)
        and await _queries.lock_free_store.value(session, id=store_id)
    )


async def is_somebodys(session: Session, account_id: UUID) -> bool:
    """Whether somebody works in the account."""
    return bool(await _queries.is_somebodys.value(session, account_id=account_id))


async def sweep_login_links(session: Session) -> int:
    """Forget shared links; how many."""
    return await _queries.sweep_login_links.run(session, kept=LINKS_KEPT, limit=BATCH)


async def sweep_mailed_links(session: Session) -> int:
    """Forget mailed links, and the addresses in them; how many."""
    return await _queries.sweep_mailed_links.run(session, kept=LINKS_KEPT, limit=BATCH)


async def sweep_challenges(session: Session) -> int:
    """Forget challenges that are over; how many."""
    return await _queries.sweep_challenges.run(session, limit=BATCH)


async def sweep_login_attempts(session: Session) -> int:
    """Forget tries that no longer count; how many."""
    return await _queries.sweep_login_attempts.run(session, limit=BATCH)


async def sweep_idempotency_keys(session: Session) -> int:
    """Forget answers that are not repeated any more; how many."""
    return await _queries.sweep_idempotency_keys.run(session, kept=KEYS_KEPT, limit=BATCH)
