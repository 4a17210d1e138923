"""Sessions of the operator of the installation, who has a key and no account."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from services.console.browser import sessions, store
from services.console.browser.sessions import SessionOver
from services.console.browser.store import StoredSession
from shared.failures import Permanent
from shared.postgres.database import Database
from shared.sealing import Sealer

# A working day: the key opens every account's plan.
_LIFETIME = timedelta(hours=10)


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    operator_key: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who has shown the operator key."""

    id: UUID
    key: str


class Operators:
    """Their sessions, in the same table as those of people.

    Args:
        database: of the console.
        sealer: for the key.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def begin(self, key: str) -> str:
        """A new session; what the browser is to keep."""
        cookie, id_ = secrets.token_urlsafe(32), uuid4()
        kept = _Kept(operator_key=key, ends_at=datetime.now(UTC) + _LIFETIME)
        sealed = self._sealer.seal(kept.model_dump_json(), _context(id_))
        async with self._database.session() as session:
            await store.insert(session, StoredSession(id_, sealed, 1), sessions.digest(cookie))
        return cookie

    async def find(self, cookie: str) -> Operator:
        """The session of a cookie.

        Raises:
            SessionOver: there is none, or it is over.
        """
        if not cookie:
            raise SessionOver
        async with self._database.session() as session:
            stored = await store.find(session, sessions.digest(cookie))
        if stored is None:
            raise SessionOver
        try:
            kept = _Kept.model_validate_json(self._sealer.open(stored.sealed, _context(stored.id)))
        except (Permanent, ValueError) as error:
            raise SessionOver from error
        if kept.ends_at < datetime.now(UTC):
            raise SessionOver
        return Operator(stored.id, kept.operator_key)

    async def end(self, operator: Operator) -> None:
        """Log out."""
        async with self._database.session() as session:
            await store.delete(session, operator.id)


def _context(id_: UUID) -> str:
    return f"operator:{id_}"
