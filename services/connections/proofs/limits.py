"""How often a proof may be looked for. Pure."""

import hashlib
from datetime import timedelta
from uuid import UUID

from services.connections.people.limits import Limit

PERIOD = timedelta(hours=1)
_MOST_OF_STORE = 10
# An account can have as many stores as it likes.
_MOST_OF_ACCOUNT = 30


def limits_of(store_id: UUID, account_id: UUID) -> tuple[Limit, Limit]:
    """What one look counts for."""
    return (
        Limit(_digest("account", account_id), _MOST_OF_ACCOUNT),
        Limit(_digest("store", store_id), _MOST_OF_STORE),
    )


def _digest(kind: str, subject: UUID) -> bytes:
    return hashlib.sha256(f"proof\0{kind}\0{subject}".encode()).digest()
