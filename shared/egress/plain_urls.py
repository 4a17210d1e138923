"""URLs that stand in a table in plain, of before they were sealed: sealed batch by batch."""

import asyncio
from collections.abc import Awaitable, Callable

_EVERY_SECONDS = 60.0
BATCH = 500


async def seal_all(seal_batch: Callable[[], Awaitable[int]]) -> None:
    """Seal what there is, and look again now and then: an older process may still write.

    Args:
        seal_batch: one transaction; how many it sealed, 0 when none is left for it.
    """
    while True:
        while await seal_batch():
            pass
        await asyncio.sleep(_EVERY_SECONDS)
