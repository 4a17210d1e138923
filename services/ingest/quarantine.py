"""What was accepted with correct credentials, but not understood: kept, never lost."""

from collections.abc import Mapping, Sequence

import orjson
from pydantic import ValidationError

from services.ingest import store
from services.ingest.credentials import Store
from shared.postgres.database import Database
from shared.telemetry import ORDERS_QUARANTINED
from shared.web.problems import errors_of

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
) -> None:
    """Keep a body.

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
    wrong = errors_of(error)
    reason = "; ".join(f"{flaw['pointer'] or '/'}: {flaw['message']}" for flaw in wrong)
    kept = {name: headers[name] for name in (*_KEPT_HEADERS, *kept_headers) if name in headers}
    ORDERS_QUARANTINED.labels(str(sender.id)).inc()
    async with database.session() as session:
        await store.quarantine(
            session,
            store_id=sender.id,
            brand_id=sender.brand_id,
            route=route,
            # A pointer may name a field of the body, and PostgreSQL holds no NUL.
            reason=reason[:_REASON_CHARACTERS].replace("\0", ""),
            headers=orjson.dumps(kept).decode(),
            body=body,
        )
