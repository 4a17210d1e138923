"""The 3PL's side: the mailed link makes the connection, and an account for who has none."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.blocks import registry as blocks
from services.connections.callers import Caller
from services.connections.connection import transitions
from services.connections.connection.models import Connection
from services.connections.invitations import store
from services.connections.invitations.models import Invitation, InvitationState
from services.connections.invitations.store import InvitedStore
from services.connections.people import mailed_links, proving
from services.connections.people import registry as people
from services.connections.people.models import Person
from services.connections.people.passwords import Passwords
from services.connections.stores import registry as stores
from shared.failures import Refused
from shared.postgres.database import Database, Session


@dataclass(frozen=True, slots=True)
class Wish:
    """What comes along with the token.

    `subject` is the person that is logged in, else the `password` is asked for. `name` is that of
    the 3PL's account, for who has none; `account_id` names one of several.
    """

    token: str
    password: str | None
    subject: str | None
    name: str | None
    account_id: UUID | None


@dataclass(frozen=True, slots=True)
class Offered:
    """What the page of the link shows."""

    invitation: Invitation
    store: InvitedStore
    has_password: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """Who took it up, and the connection that can be switched on."""

    person: Person
    connection: Connection


async def preview(session: Session, token: str) -> Offered:
    """What the link is about; it changes nothing.

    Raises:
        Refused: `not_found`, `link_expired`.
    """
    link = await mailed_links.find(session, token, "invite")
    link.require_unused()
    invitation_id = link.about.invitation_id
    found = await store.get_invitation(session, invitation_id) if invitation_id else None
    if found is None or found.state(datetime.now(UTC)) is not InvitationState.OPEN:
        raise Refused("link_expired")
    person = await people.find(session, link.email)
    has_password = person is not None and person.password_hash is not None
    return Offered(found, await store.get_store(session, found.store_id), has_password)


async def accept(database: Database, passwords: Passwords, wish: Wish, traceparent: str) -> Taken:
    """Connect to the store of the brand that invited; twice by the same account is once.

    Raises:
        Refused: `not_found`, `link_expired`, `wrong_account`, `already_connected`,
            `three_pl_blocked`, and what `proving.prove` refuses.
    """
    while True:
        async with database.session() as session:
            link = await mailed_links.find(session, wish.token, "invite")
            person = await people.find(session, link.email)
        if link.used_by is None:
            link.require_unused()
        password_hash = await proving.prove(passwords, link, person, wish.password, wish.subject)
        async with database.transaction() as session:
            taken = await _accept(session, wish, password_hash, traceparent)
        if taken is not None:
            return taken


async def _accept(
    session: Session, wish: Wish, password_hash: str | None, traceparent: str
) -> Taken | None:
    link = await mailed_links.lock(session, wish.token, "invite")
    if link.used_by is None:
        link.require_unused()
    person = (
        await people.ensure(session, link, password_hash)
        if password_hash
        else await people.find(session, link.email)
    )
    invitation_id = link.about.invitation_id
    found = await store.lock_mailed_invitation(session, invitation_id) if invitation_id else None
    if found is None:
        raise Refused("link_expired")
    if person is None:
        return None
    if found.accepted_by is not None and found.connection_id is not None:
        # The same link once more, by its reader.
        connection = await transitions.visible_connection(
            session, found.connection_id, found.accepted_by
        )
        return Taken(person, connection)
    if found.state(datetime.now(UTC)) is not InvitationState.OPEN:
        raise Refused("link_expired")
    account_id = await _account_of(session, person, wish, traceparent)
    connection = await _connect(session, found, account_id, traceparent)
    await store.accept(session, found.id, account_id, connection.id)
    await mailed_links.use(session, wish.token, person)
    return Taken(person, connection)


async def _account_of(session: Session, person: Person, wish: Wish, traceparent: str) -> UUID:
    """The 3PL account that the person takes it up with, made when there is none.

    Raises:
        Refused: `not_found`: the wanted one is none of its 3PLs; `validation_failed` at `/name`.
    """
    own = [
        one.account_id
        for one in await people.memberships(session, person.id)
        if one.kind == "three_pl" and one.role != "viewer"
    ]
    if wish.account_id is not None and wish.account_id not in own:
        raise Refused("not_found", what="account")
    if own:
        return wish.account_id or own[0]
    if wish.name is None:
        errors = [{"pointer": "/name", "message": "The name of your company is needed"}]
        raise Refused("validation_failed", errors=errors)
    account = await accounts.add_account(session, "three_pl", wish.name)
    await people.join(session, person.id, account.id, "owner", traceparent)
    return account.id


async def _connect(
    session: Session, invitation: Invitation, account_id: UUID, traceparent: str
) -> Connection:
    """A connection that both sides have agreed to; the plan is asked for when it is switched on."""
    three_pl = Caller(account_id, None, traceparent)
    brand = Caller(invitation.brand_id, None, traceparent)
    # Both accounts, in one order; the brand's for what it has blocked since it invited.
    for one in sorted((account_id, invitation.brand_id)):
        await accounts.lock_account(session, one)
    await blocks.require_welcome(session, invitation.brand_id, account_id)
    access = await stores.lock_visible(session, invitation.store_id, invitation.brand_id)
    await transitions.require_no_shop(
        session, account_id, access.store.platform, access.store.domain
    )
    connection = await transitions.create_connection(session, access.store, three_pl)
    return await transitions.accept(session, connection.id, brand)
