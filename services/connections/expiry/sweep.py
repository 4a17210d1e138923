"""The background work that ends what has had its time. Several processes may run it at once."""

import asyncio

import structlog

from services.connections.expiry import claims, store
from services.connections.expiry.models import BATCH
from shared.failures import is_transient
from shared.postgres.database import Database

logger = structlog.get_logger(__name__)

_SWEEPS = (
    store.sweep_login_links,
    store.sweep_mailed_links,
    store.sweep_challenges,
    store.sweep_login_attempts,
    store.sweep_idempotency_keys,
)


async def run(database: Database, every_seconds: float) -> None:
    """Look now and then until cancelled; losing Postgres only pauses it."""
    while True:
        try:
            await once(database)
        except Exception as error:
            if not is_transient(error):
                raise
            logger.warning("the sweep pauses", reason=str(error))
        await asyncio.sleep(every_seconds)


async def once(database: Database) -> None:
    """End and forget all that is due now, in small batches.

    Raises:
        Exception: Postgres is away, or no schema is there yet.
    """
    ended = 0
    while some := await claims.expire(database):
        ended += some
    while await claims.erase_ended(database):
        pass
    if ended:
        logger.info("claims that nobody accepted have ended", claims=ended)
    for sweep in _SWEEPS:
        swept = BATCH
        while swept == BATCH:
            async with database.session() as session:
                swept = await sweep(session)
