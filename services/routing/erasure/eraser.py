"""Erases what routing holds of an account, chunk by chunk, each a transaction.

First the account is noted, behind its closed gate: what is decided on from then on knows of it. A
crash goes on with what is left, and a second time changes nothing.
"""

from uuid import UUID

import structlog

from services.routing.erasure import store
from shared.contracts.accounts_changed import AccountChanged
from shared.postgres import outbox_erasure
from shared.postgres.database import Database

logger = structlog.get_logger(__name__)
_CHUNK = 500
_REASON = "the 3PL's account was erased"


async def erase(database: Database, change: AccountChanged) -> bool:
    """Return when nothing of the account is left; whether hand-overs were recorded for that.

    Args:
        database: routing's schema.
        change: the last that is said of the account.
    """
    async with database.transaction() as session:
        await store.note_erasure(session, change.account_id, change.kind)
    if change.kind == "brand":
        await erase_brand(database, change.account_id)
        return False
    async with database.transaction() as session:
        return await store.record_whole_handovers(session, change.account_id, _REASON) > 0


async def erase_brand(database: Database, brand_id: UUID) -> None:
    """Erase what the brand's stores and buyers said; whoever noted the erasure calls it."""
    after, orders = store.FROM_THE_START, 0
    while True:
        async with database.transaction() as session:
            erased = await store.erase_orders(session, brand_id, after, _CHUNK)
        if not erased:
            break
        after, orders = erased[-1], orders + len(erased)
    # After the orders: nothing makes an event of one that is closed, but its return.
    async with database.transaction() as session:
        # Events of before a move name the claim's account.
        moved = await store.moved_stores_of(session, brand_id)
        await outbox_erasure.erase(session, brand_id, moved)
        await store.forget_errors(session, brand_id)
    dropped = True
    while dropped:
        async with database.transaction() as session:
            dropped = await store.drop_parked_records(session, brand_id, _CHUNK) > 0
    logger.info("a brand was erased", brand_id=str(brand_id), orders=orders)


async def erase_if_noted(database: Database, brand_id: UUID) -> None:
    """Erase what came to a brand that was erased before, by a move that was told of late."""
    async with database.session() as session:
        is_erased = await store.is_erased(session, brand_id)
    if is_erased:
        await erase_brand(database, brand_id)
