"""The people of an account: asked in by mail, with a role, and let go."""

from datetime import timedelta
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.mail.kinds import AccountInvitation, Language, Mail
from services.connections.mail.outgoing import Outgoing
from services.connections.people import mailed_links, proving, registry, store
from services.connections.people.mailed_links import MailedLinks
from services.connections.people.models import About, Person
from services.connections.people.passwords import Passwords
from services.connections.sessions import sessions
from shared.contracts.accounts_changed import Role
from shared.failures import Refused
from shared.postgres.database import Database, Session

_MOST_MAILS = 3
_PERIOD = timedelta(hours=1)
_KINDS = ("account_invitation",)


async def ask_in(
    session: Session,
    outgoing: Outgoing,
    links: MailedLinks,
    account_id: UUID,
    inviter_id: UUID,
    invited: tuple[str, Role, Language],
) -> None:
    """Mail an invitation to work in the account; whoever asks gets to know nothing of the address.

    Args:
        session: in a transaction.
        outgoing: takes the mail.
        links: makes its link.
        account_id: where.
        inviter_id: who asks, an owner.
        invited: address, role and language.
    """
    email, role, language = invited
    if await outgoing.count(session, email, _PERIOD, _KINDS) >= _MOST_MAILS:
        return
    account = await accounts.get_account(session, account_id)
    inviter = await store.get_person(session, inviter_id)
    if account is None or inviter is None:
        raise Refused("not_found", what="account")
    about = About(account_id=account_id, role=role)
    link = await links.make(session, "join", email, language, about)
    data = AccountInvitation(account=account.name, role=role, inviter=inviter.email, link=link)
    await outgoing.queue(session, Mail(email, data, language))


async def join(
    database: Database,
    passwords: Passwords,
    token: str,
    password: str | None,
    subject: str | None,
    traceparent: str,
) -> tuple[Person, UUID]:
    """The person that follows the invitation, and the account that it works in from now on.

    Raises:
        Refused: `not_found`, `link_expired`, and what `proving.prove` refuses.
    """
    while True:
        async with database.session() as session:
            link = await mailed_links.find(session, token, "join")
            person = await registry.find(session, link.email)
        link.require_unused()
        password_hash = await proving.prove(passwords, link, person, password, subject)
        async with database.transaction() as session:
            joined = await _join(session, token, password_hash, traceparent)
        if joined is not None:
            return joined


async def _join(
    session: Session, token: str, password_hash: str | None, traceparent: str
) -> tuple[Person, UUID] | None:
    link = await mailed_links.lock(session, token, "join")
    link.require_unused()
    person = (
        await registry.ensure(session, link, password_hash)
        if password_hash
        else await registry.find(session, link.email)
    )
    account_id, role = link.about.account_id, link.about.role
    if account_id is None or role is None:
        raise Refused("link_expired")
    if person is None:
        return None
    await accounts.lock_account(session, account_id)
    if await store.get_role(session, account_id, person.id) is None:
        await registry.join(session, person.id, account_id, role, traceparent)
    await mailed_links.use(session, token, person)
    return person, account_id


async def change_role(
    session: Session, account_id: UUID, person_id: UUID, role: Role, traceparent: str
) -> None:
    """Another role; tokens with the old one are refused everywhere within a second.

    Raises:
        Refused: `not_found`; `last_owner`.
    """
    await _lock_colleague(session, account_id, person_id, stays_owner=role == "owner")
    valid_from = await accounts.touch(session, account_id)
    await store.set_role(session, account_id, person_id, role, valid_from)
    await accounts.announce(session, account_id, traceparent)


async def let_go(session: Session, account_id: UUID, person_id: UUID, traceparent: str) -> None:
    """The person no longer works in the account, and its tokens there are over.

    Raises:
        Refused: `not_found`; `last_owner`.
    """
    await _lock_colleague(session, account_id, person_id, stays_owner=False)
    await store.delete_membership(session, account_id, person_id)
    await sessions.end_in(session, person_id, account_id)
    await accounts.announce(session, account_id, traceparent)


async def _lock_colleague(
    session: Session, account_id: UUID, person_id: UUID, *, stays_owner: bool
) -> None:
    # Two owners who let each other go: the second one finds itself the last.
    await accounts.lock_account(session, account_id)
    role = await store.get_role(session, account_id, person_id)
    if role is None:
        raise Refused("not_found", what="person")
    if role == "owner" and not stays_owner and await store.count_owners(session, account_id) == 1:
        raise Refused("last_owner")
