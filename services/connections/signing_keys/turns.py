"""What one process does about the turns of the keys, as long as it lives."""

import asyncio
from collections.abc import Collection

import structlog

from services.connections.signing_keys import rotating
from services.connections.signing_keys.keyring import Keyring
from shared.failures import is_transient
from shared.postgres.database import Database

logger = structlog.get_logger(__name__)
# A key may have been announced by another process, and one's time may be over.
_EVERY_SECONDS = 5.0


async def run(database: Database, keyring: Keyring) -> None:
    """Announce what verifies, then follow the keys until cancelled; losing Postgres pauses it."""
    is_announced = False
    while True:
        try:
            await keyring.refresh()
            if not is_announced:
                await rotating.announce_again(database, keyring)
                is_announced = True
            await rotating.retire(database, keyring)
        except Exception as error:
            if not is_transient(error):
                raise
            logger.warning("signing keys wait", reason=str(error))
        await asyncio.sleep(_EVERY_SECONDS)


async def seen(database: Database, keyring: Keyring, kids: Collection[str]) -> None:
    """The topic has these keys; see `rotating.seen`.

    Raises:
        Exception: Postgres is away.
    """
    await rotating.seen(database, kids)
    await keyring.refresh()
