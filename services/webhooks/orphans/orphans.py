"""Finds deliveries that wait for their lane although nothing is before them in it.

Whoever finishes the head of a lane makes the next one due. Should that ever have been missed (an
older version during an upgrade, a hand in the tables, a mistake), the delivery would wait for good.
"""

from time import monotonic

import structlog

from services.webhooks.orphans import store
from shared.postgres.database import Session
from shared.telemetry import DELIVERIES_ORPHANED

logger = structlog.get_logger(__name__)

# A statement of some 15 ms; of many followers each look takes a part.
_PAGE = 2_000


class Orphans:
    """Looks through all that waits for its lane, a page at a time; soon after the start, and again.

    Args:
        pause_seconds: from the end of one time through to the next.
    """

    def __init__(self, pause_seconds: float) -> None:
        self._pause_seconds = pause_seconds
        self._after = store.FROM_THE_START
        self._next_at = 0.0

    async def let_go(self, session: Session) -> None:
        """Look at the next page, unless it is too early; orphans become due."""
        if monotonic() < self._next_at:
            return
        look = await store.let_orphans_go(session, self._after, _PAGE)
        if look.last is None:
            self._next_at = monotonic() + self._pause_seconds
        self._after = look.last or store.FROM_THE_START
        if look.freed:
            DELIVERIES_ORPHANED.inc(look.freed)
            logger.warning(
                "deliveries waited for nothing and are due now",
                count=look.freed,
                endpoints=[str(endpoint_id) for endpoint_id in look.endpoints],
            )
