"""Erases what webhooks holds of an account, chunk by chunk, each a transaction.

A crash goes on with what is left, and a second time changes nothing.
"""

from uuid import UUID

from services.webhooks.erasure import store
from shared.contracts.accounts_changed import AccountKind
from shared.postgres import tallies
from shared.postgres.database import Database

_CHUNK = 500


async def erase(database: Database, account_id: UUID, kind: AccountKind) -> None:
    """Return when nothing of it is left but ids, types, times and states.

    Its endpoints. Of a brand: what its events said and what was answered to them. Of a 3PL: what
    its endpoints answered; what the events said is the brands'.
    """
    async with database.transaction() as session:
        await store.erase_endpoints(session, account_id)
        await tallies.erase(session, account_id)
    after: UUID | None = store.FROM_THE_START
    while after is not None:
        after = await _erase_chunk(database, account_id, kind, after)


async def _erase_chunk(
    database: Database, account_id: UUID, kind: AccountKind, after: UUID
) -> UUID | None:
    """The id of the last event; None when there was none."""
    async with database.transaction() as session:
        events = await store.events_of(session, account_id, kind, after, _CHUNK)
        if not events:
            return None
        await store.end_deliveries(session, events, kind)
        if kind == "brand":
            await store.erase_bodies(session, events)
        await store.erase_answers(session, events, kind)
    return events[-1]
