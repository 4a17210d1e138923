"""What is kept of sessions: one function per named query, each given a session of the database."""

from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.sessions.models import GRACE, IDLE, Device, RefreshToken
from services.connections.sessions.models import Session as PersonSession
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def insert_session(
    session: Session, person_id: UUID, account_id: UUID, device: Device
) -> UUID:
    """The id of a new session."""
    session_id: UUID = uuid7()
    await _queries.insert_session.run(
        session,
        id=session_id,
        person_id=person_id,
        account_id=account_id,
        device=device.name,
        network=device.network,
    )
    return session_id


async def has_sessions(session: Session, person_id: UUID) -> bool:
    """Whether the person has logged in before."""
    return bool(await _queries.has_sessions.value(session, person_id=person_id))


async def insert_refresh_token(session: Session, digest: str, session_id: UUID) -> None:
    """Keep the next refresh token of a session."""
    await _queries.insert_refresh_token.run(session, digest=digest, session_id=session_id)


async def lock_refresh_token(session: Session, digest: str) -> RefreshToken | None:
    """The token and its session, held until the transaction ends."""
    row = await _queries.lock_refresh_token.one(session, digest=digest, grace=GRACE, idle=IDLE)
    if row is None:
        return None
    return RefreshToken(
        row_as(PersonSession, row), row["email"], bool(row["is_reused"]), row["is_over"]
    )


async def use_refresh_token(session: Session, digest: str) -> None:
    """It was used."""
    await _queries.use_refresh_token.run(session, digest=digest)


async def see_session(session: Session, session_id: UUID, device: Device) -> None:
    """The session asked for a token just now, from there."""
    await _queries.see_session.run(
        session, id=session_id, device=device.name, network=device.network
    )


async def list_sessions(
    session: Session, person_id: UUID, after: UUID | None, limit: int
) -> list[PersonSession]:
    """Those of a person that are not over, newest first."""
    rows = await _queries.list_sessions.all(
        session, person_id=person_id, idle=IDLE, after=after, limit=limit
    )
    return [row_as(PersonSession, row) for row in rows]


async def end_session(session: Session, session_id: UUID, person_id: UUID) -> UUID | None:
    """The account that an open session of the person was in."""
    account_id: UUID | None = await _queries.end_session.value(
        session, id=session_id, person_id=person_id
    )
    return account_id


async def end_sessions(session: Session, person_id: UUID, account_id: UUID | None) -> set[UUID]:
    """End all of a person, in one account or in all; the accounts that they were in."""
    rows = await _queries.end_sessions.all(session, person_id=person_id, account_id=account_id)
    return {row["account_id"] for row in rows}
