"""The client accepts, by the link that was mailed to it: from then on the brand is a person's.

The mailed link proves the mailbox; a password, or the session of the address's person, proves that
it is still the same reader. What the 3PL made for the claim dies unless it is adopted by name.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from services.connections.acceptance import store
from services.connections.acceptance.models import Asked
from services.connections.accounts import registry as accounts
from services.connections.blocks import registry as blocks
from services.connections.brands import registry as brands
from services.connections.callers import Caller
from services.connections.connection import transitions
from services.connections.connection.models import Connection
from services.connections.mail.outgoing import Outgoing
from services.connections.people import mailed_links, proving
from services.connections.people import registry as people
from services.connections.people.models import MailedLink, Person
from services.connections.people.passwords import Passwords
from services.connections.proofs import rivals
from services.connections.stores import claims
from services.connections.stores import registry as stores
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused
from shared.postgres.database import Database, Session


@dataclass(frozen=True, slots=True)
class Wish:
    """What the client sends along with the token of its mailed link.

    `settings_version` is the one it was shown; `adopted` are the 3PL's keys that it keeps.
    `account_id` names one of its brand accounts, the first one if None. `subject` is the person
    that is logged in, else the `password` is asked for.
    """

    token: str
    settings_version: int
    password: str | None
    subject: str | None
    account_id: UUID | None
    adopted: Collection[UUID]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Who accepted, and the connection as it is now."""

    person: Person
    connection: Connection


async def preview(session: Session, token: str) -> Asked:
    """What the page of the mailed link shows; it changes nothing.

    Raises:
        Refused: `not_found`, `link_expired`.
    """
    link = await mailed_links.find(session, token, "accept")
    link.require_unused()
    connection = await _connection_of(session, link)
    if connection.state is not ConnectionState.PENDING:
        raise Refused("link_expired")
    person = await people.find(session, link.email)
    return Asked(
        connection,
        await brands.profile_of(session, connection.three_pl_id, connection.brand_id),
        link.expires_at,
        await store.list_claimed_keys(session, connection.store_id, connection.three_pl_id),
        person is not None and person.password_hash is not None,
    )


async def accept(
    database: Database, passwords: Passwords, outgoing: Outgoing, wish: Wish, traceparent: str
) -> Accepted:
    """Accept the connection that the mailed link is about; twice by the same person is once.

    Passwords are hashed outside of any transaction.

    Raises:
        Refused: `not_found` for an unknown link, account or adopted key; `link_expired`,
            `validation_failed` for the password, `wrong_password`, `wrong_account`,
            `terms_changed`, `already_connected`, `three_pl_blocked`, `busy`.
    """
    while True:
        async with database.session() as session:
            link = await mailed_links.find(session, wish.token, "accept")
            person = await people.find(session, link.email)
        if link.used_by is None:
            link.require_unused()
        password_hash = await proving.prove(passwords, link, person, wish.password, wish.subject)
        async with database.transaction() as session:
            accepted = await _accept(session, outgoing, wish, password_hash, traceparent)
        if accepted is not None:
            return accepted
        # Somebody set the password since we looked: compare with that one.


async def _accept(
    session: Session,
    outgoing: Outgoing,
    wish: Wish,
    password_hash: str | None,
    traceparent: str,
) -> Accepted | None:
    link = await mailed_links.lock(session, wish.token, "accept")
    if link.used_by is None:
        link.require_unused()
    person = (
        await people.ensure(session, link, password_hash)
        if password_hash
        else await people.find(session, link.email)
    )
    if person is None:
        return None
    connection = await _connection_of(session, link)
    if link.used_by is None:
        connection = await _join(session, link, person, wish, traceparent)
        await mailed_links.use(session, wish.token, person)
        await rivals.tell_unproven(session, outgoing, connection)
    return Accepted(person, connection)


async def _join(
    session: Session, link: MailedLink, person: Person, wish: Wish, traceparent: str
) -> Connection:
    """The claim becomes a part of the person's account, or the account itself."""
    connection = await _connection_of(session, link)
    account_id = await _account_of(session, person, connection, wish.account_id, traceparent)
    # Account, shop, the claim's store, the brand's: in this order, two acceptances cannot deadlock.
    await accounts.lock_account(session, account_id)
    await blocks.require_welcome(session, account_id, connection.three_pl_id)
    await stores.lock_shop(session, connection.platform, connection.domain)
    await stores.lock_store(session, connection.store_id)
    connection = await _connection_of(session, link)
    if connection.state is not ConnectionState.PENDING:
        raise Refused("link_expired")
    if connection.settings_version != wish.settings_version:
        raise Refused("terms_changed", version=connection.settings_version)
    caller = Caller(account_id, None, traceparent)
    claimed_store = connection.store_id
    moves = connection.brand_id != account_id
    if moves:
        await _move(session, connection, account_id)
    accepted = await transitions.accept(session, connection.id, caller)
    await claims.accept_keys(session, claimed_store, wish.adopted, caller, announces=moves)
    return accepted


async def _account_of(
    session: Session,
    person: Person,
    connection: Connection,
    wanted: UUID | None,
    traceparent: str,
) -> UUID:
    """The brand account that the person accepts into: its own, else the claim becomes its own.

    Raises:
        Refused: `not_found`: the wanted one is none of its brands.
    """
    own = [
        one.account_id
        for one in await people.memberships(session, person.id)
        if one.kind == "brand" and one.role == "owner"
    ]
    if wanted is not None and wanted not in own:
        raise Refused("not_found", what="account")
    if not own:
        await people.join(session, person.id, connection.brand_id, "owner", traceparent)
        return connection.brand_id
    return wanted or (connection.brand_id if connection.brand_id in own else own[0])


async def _move(session: Session, connection: Connection, account_id: UUID) -> None:
    """The claim's store joins the account; where that has the shop, it is an alias from now on."""
    shop = await stores.find_store(session, account_id, connection.platform, connection.domain)
    if shop is not None:
        await stores.lock_store(session, shop.id)
    await transitions.move(
        session, connection, shop.id if shop else connection.store_id, account_id
    )
    await stores.move(session, connection.store_id, account_id, shop)
    await brands.move(session, connection.three_pl_id, connection.brand_id, account_id)


async def _connection_of(session: Session, link: MailedLink) -> Connection:
    found = (
        await store.get_connection(session, link.about.connection_id)
        if link.about.connection_id
        else None
    )
    if found is None:
        raise Refused("not_found", what="link")
    return found
