"""What was accepted with correct credentials, but not understood: kept, never lost."""

import asyncio
from collections.abc import Mapping, Sequence

import orjson
import structlog
from pydantic import ValidationError

from services.ingest import store
from services.ingest.credentials import Store
from shared.failures import is_transient
from shared.postgres.database import Database
from shared.telemetry import ORDERS_QUARANTINED, QUARANTINE_ENTRIES
from shared.web.problems import errors_of

logger = structlog.get_logger(__name__)
_KEPT_HEADERS = ("content-type", "traceparent")
_REASON_CHARACTERS = 2_000


async def keep(
    database: Database,
    sender: Store,
    route: str,
    error: ValidationError,
    body: bytes,
    headers: Mapping[str, str],
    kept_headers: Sequence[str] = (),
) -> str:
    """Keep a body, and say why it was not understood.

    Args:
        database: ingest's schema.
        sender: whose it is.
        route: by which it came: `generic`, or a platform.
        error: why it was not understood.
        body: as it came.
        headers: of the request.
        kept_headers: those of the platform that say what it was, in lower case.

    Raises:
        Exception: the database is away (transient); nothing was accepted.
    """
    kept = {name: headers[name] for name in (*_KEPT_HEADERS, *kept_headers) if name in headers}
    ORDERS_QUARANTINED.labels(str(sender.id)).inc()
    reason = reason_of(errors_of(error))
    async with database.session() as session:
        await store.quarantine(
            session,
            store_id=sender.id,
            brand_id=sender.brand_id,
            route=route,
            reason=reason,
            headers=orjson.dumps(kept).decode(),
            body=body,
        )
    return reason


def reason_of(flaws: Sequence[Mapping[str, str]]) -> str:
    """Why a body was not understood, in one line."""
    reason = "; ".join(f"{flaw['pointer'] or '/'}: {flaw['message']}" for flaw in flaws)
    # A pointer may name a field of the body, and PostgreSQL holds no NUL.
    return reason[:_REASON_CHARACTERS].replace("\0", "")


async def measure(database: Database, seconds: float) -> None:
    """Say how much each store has in quarantine, every so many seconds (background work)."""
    while True:
        try:
            async with database.reading() as session:
                sizes = await store.quarantine_sizes(session)
        except Exception as error:
            if not is_transient(error):
                raise
            logger.warning("the quarantine cannot be measured", reason=repr(error))
        else:
            # Stores that have nothing there any more go.
            QUARANTINE_ENTRIES.clear()
            for store_id, entries in sizes.items():
                QUARANTINE_ENTRIES.labels(str(store_id)).set(entries)
        await asyncio.sleep(seconds)
