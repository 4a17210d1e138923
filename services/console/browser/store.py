"""What is kept of browsers' sessions: one function per named query, each given a session."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from services.console.browser.models import IDLE
from shared.postgres.database import Session, load_queries

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session at a version; `sealed` opens with the context of its id."""

    id: UUID
    sealed: str
    version: int


async def insert(session: Session, stored: StoredSession, digest: bytes) -> None:
    """A new one."""
    await _queries.insert_session.run(session, id=stored.id, digest=digest, sealed=stored.sealed)


async def find(session: Session, digest: bytes) -> StoredSession | None:
    """The one of a cookie, unless nobody used it for long."""
    row = await _queries.session_of_cookie.one(session, digest=digest, idle=IDLE)
    return StoredSession(row["id"], row["sealed"], row["version"]) if row else None


async def get(session: Session, id_: UUID) -> StoredSession | None:
    """The one with this id, if it is still there."""
    row = await _queries.session_of_id.one(session, id=id_)
    return StoredSession(row["id"], row["sealed"], row["version"]) if row else None


async def keep(session: Session, stored: StoredSession) -> bool:
    """Write it over the version that was read; False when it is gone, or another one by now."""
    changed = await _queries.keep_session.run(
        session, id=stored.id, sealed=stored.sealed, version=stored.version
    )
    return changed == 1


async def delete(session: Session, id_: UUID) -> None:
    """Forget it."""
    await _queries.delete_session.run(session, id=id_)


async def delete_idle(session: Session) -> int:
    """Forget a thousand of those that nobody used for long; how many there were."""
    return await _queries.delete_idle_sessions.run(session, idle=IDLE)
