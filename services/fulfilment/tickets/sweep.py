"""Forgets what is over: answers to an `Idempotency-Key`, files that were never sent whole."""

import asyncio

import structlog

from services.fulfilment.tickets import store
from shared.failures import is_transient
from shared.postgres.database import Database

logger = structlog.get_logger(__name__)
_EVERY_SECONDS = 600.0
_BATCH = 100


async def run(database: Database) -> None:
    """Look now and then until cancelled; losing Postgres only pauses it."""
    while True:
        try:
            for sweep in (store.sweep_idempotency_keys, store.sweep_attachments):
                swept = _BATCH
                while swept == _BATCH:
                    async with database.session() as session:
                        swept = await sweep(session, _BATCH)
        except Exception as error:
            if not is_transient(error):
                raise
            logger.warning("the sweep pauses", reason=str(error))
        await asyncio.sleep(_EVERY_SECONDS)
