"""Claims that nobody accepted in time: the connection expires, and the claim is erased.

Its keys die with its store, and its account is told to be erased: nothing comes in any longer, and
the services erase what came in before.
"""

import structlog

from services.connections.callers import Caller
from services.connections.connection import transitions
from services.connections.erasure import erasing
from services.connections.expiry import store
from services.connections.expiry.models import ExpiredClaim
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
    ended = 0
    async with database.session() as session:
        due = await store.list_expired_claims(session)
    for claim in due:
        try:
            ended += await expire_one(database, claim)
        except Exception as error:
            if is_transient(error):
                raise
            logger.exception("a claim cannot be ended", connection=str(claim.connection_id))
    return ended


async def expire_one(database: Database, claim: ExpiredClaim) -> bool:
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
