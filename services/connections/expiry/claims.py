"""Claims that nobody accepted in time, or that their 3PL ended: they are erased.

Of the first the connection expires. Keys die with the store, and the account is told to be erased:
nothing comes in any longer, and the services erase what came in before.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from services.connections.callers import Caller
from services.connections.connection import transitions
from services.connections.erasure import erasing
from services.connections.expiry import store
from services.connections.expiry.models import OverClaim
from shared.failures import is_transient
from shared.postgres.database import Database
from shared.telemetry import traceparent_of

logger = structlog.get_logger(__name__)


async def expire(database: Database) -> int:
    """End some of them, each in a transaction of its own; how many ended.

    Several processes share the work. A claim that cannot be ended is logged and tried again with
    the next look; the others do not wait for it.

    Raises:
        Exception: Postgres is away, or no schema is there yet.
    """
    async with database.session() as session:
        due = await store.list_expired_claims(session)
    return await _each(database, due, expire_one)


async def erase_ended(database: Database) -> int:
    """Erase some of those that their 3PL has ended; how many, as `expire`.

    Raises:
        Exception: Postgres is away, or no schema is there yet.
    """
    async with database.session() as session:
        ended = await store.list_ended_claims(session)
    return await _each(database, ended, erase_one)


async def _each(
    database: Database,
    claims: Sequence[OverClaim],
    end: Callable[[Database, OverClaim], Awaitable[bool]],
) -> int:
    ended = 0
    for claim in claims:
        try:
            ended += await end(database, claim)
        except Exception as error:
            if is_transient(error):
                raise
            logger.exception("a claim cannot be ended", connection=str(claim.connection_id))
    return ended


async def expire_one(database: Database, claim: OverClaim) -> bool:
    """Whether the claim has ended by this: not when it did before, or is somebody's right now."""
    async with database.transaction() as session:
        if not await store.lock_free_claim(session, claim.account_id, claim.store_id):
            return False
        # Read again: meanwhile it may have been accepted, or got a new link.
        if not await store.is_expired_claim(session, claim.connection_id):
            return False
        # Nobody asked for it: it ends in the name of the 3PL whose claim it was.
        caller = Caller(claim.three_pl_id, None, traceparent_of({}))
        await transitions.expire(session, claim.connection_id, caller)
        if not await store.is_somebodys(session, claim.account_id):
            await erasing.erase_claim(session, claim.account_id, caller)
        return True


async def erase_one(database: Database, claim: OverClaim) -> bool:
    """Whether it was erased by this: not when it was before, or is somebody's right now."""
    async with database.transaction() as session:
        if not await store.lock_free_claim(session, claim.account_id, claim.store_id):
            return False
        if not await store.is_ended_claim(session, claim.account_id):
            return False
        caller = Caller(claim.three_pl_id, None, traceparent_of({}))
        await erasing.erase_claim(session, claim.account_id, caller)
        return True
