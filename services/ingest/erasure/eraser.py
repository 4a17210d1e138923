"""Erases what ingest holds of a brand, chunk by chunk, each a transaction.

A crash goes on with what is left, and a second time changes nothing.
"""

from collections.abc import Iterable
from uuid import UUID

from services.ingest.erasure import store
from shared.contracts.accounts_changed import AccountKind
from shared.postgres import outbox_erasure, tallies
from shared.postgres.database import Database, Session

_CHUNK = 500


async def erase(database: Database, account_id: UUID, kind: AccountKind) -> None:
    """Return when nothing is left of what its stores sent; 3PLs have nothing here."""
    if kind != "brand":
        return
    async with database.transaction() as session:
        stores = await store.empty_stores(session, account_id)
        await outbox_erasure.erase(session, account_id, stores)
        await tallies.erase(session, account_id)
    dropped = True
    while dropped:
        async with database.transaction() as session:
            dropped = await store.drop_quarantine(session, account_id, _CHUNK) > 0


async def drop_moved(session: Session, brands: Iterable[UUID]) -> None:
    """Drop what just came to those of the brands that were erased before."""
    await store.drop_moved_quarantine(session, list(brands))
