"""Beginning, refreshing and ending the sessions of people."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.accounts import tokens
from services.connections.people import registry as people
from services.connections.people.models import Membership, Person
from services.connections.sessions import store
from services.connections.sessions.models import Device
from shared.failures import Refused
from shared.postgres.database import Database, Session


@dataclass(frozen=True, slots=True)
class Begun:
    """What access tokens are made of, and the one refresh token that makes the next."""

    session_id: UUID
    person_id: UUID
    email: str
    membership: Membership
    memberships: Sequence[Membership]
    refresh_token: str


async def begin(session: Session, person: Person, account_id: UUID | None, device: Device) -> Begun:
    """A new session in one of the person's accounts, the first one when none is named.

    Raises:
        Refused: `not_found`: it does not work in that one.
    """
    memberships = await people.memberships(session, person.id)
    chosen = next((one for one in memberships if account_id in (None, one.account_id)), None)
    if chosen is None:
        raise Refused("not_found", what="account")
    session_id = await store.insert_session(session, person.id, chosen.account_id, device)
    token = await _next_token(session, session_id)
    return Begun(session_id, person.id, person.email, chosen, memberships, token)


async def refresh(database: Database, token: str, device: Device, traceparent: str) -> Begun:
    """The session goes on with a new refresh token; the old one is used up.

    Whoever shows a token that was used before has stolen it, or was stolen from: the session ends.

    Raises:
        Refused: `invalid_grant`.
    """
    digest = tokens.digest(token)
    async with database.transaction() as session:
        begun = await _refresh(session, digest, device, traceparent)
    # After the commit: a theft ends the session, whatever is answered.
    if begun is None:
        raise Refused("invalid_grant")
    return begun


async def _refresh(session: Session, digest: str, device: Device, traceparent: str) -> Begun | None:
    found = await store.lock_refresh_token(session, digest)
    if found is None or found.is_over:
        return None
    of = found.session
    memberships = await people.memberships(session, of.person_id)
    chosen = next((one for one in memberships if one.account_id == of.account_id), None)
    if found.is_reused or chosen is None:
        await store.end_session(session, of.id, of.person_id)
        await accounts.announce(session, of.account_id, traceparent)
        return None
    await store.use_refresh_token(session, digest)
    await store.see_session(session, of.id, device)
    token = await _next_token(session, of.id)
    return Begun(of.id, of.person_id, found.email, chosen, memberships, token)


async def end(session: Session, session_id: UUID, person_id: UUID, traceparent: str) -> None:
    """Log out: the session's tokens are refused everywhere within a second.

    Raises:
        Refused: `not_found`: no open session of the person.
    """
    account_id = await store.end_session(session, session_id, person_id)
    if account_id is None:
        raise Refused("not_found", what="session")
    await accounts.announce(session, account_id, traceparent)


async def end_in(session: Session, person_id: UUID, account_id: UUID) -> None:
    """All sessions of a person in one account, which the caller announces."""
    await store.end_sessions(session, person_id, account_id)


async def end_all(session: Session, person_id: UUID, traceparent: str) -> None:
    """All sessions of a person, and every token that is out."""
    await store.end_sessions(session, person_id, None)
    # In one order: two who work in the same accounts wait for each other and never in a ring.
    for one in sorted(await people.memberships(session, person_id), key=lambda one: one.account_id):
        await people.revoke_tokens(session, person_id, one.account_id, traceparent)


async def _next_token(session: Session, session_id: UUID) -> str:
    token = tokens.new_refresh_token()
    await store.insert_refresh_token(session, tokens.digest(token), session_id)
    return token
