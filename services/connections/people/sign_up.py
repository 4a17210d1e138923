"""Signing up: the mailed link sets the password, and nothing exists before."""

from dataclasses import dataclass
from datetime import timedelta

from services.connections.accounts import registry as accounts
from services.connections.mail.kinds import AccountExists, ConfirmAddress, Language, Mail
from services.connections.mail.outgoing import Outgoing
from services.connections.people import mailed_links, registry
from services.connections.people.mailed_links import MailedLinks
from services.connections.people.models import About, Person
from services.connections.people.passwords import Passwords
from shared.contracts.accounts_changed import AccountKind
from shared.failures import Refused
from shared.postgres.database import Database, Session

# Of one address in one hour: whoever types addresses of others sends no flood.
_MOST_MAILS = 3
_PERIOD = timedelta(hours=1)
_KINDS = ("confirm_address", "account_exists")


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants to sign up, as typed; `email` is in its normal form."""

    kind: AccountKind
    name: str
    email: str
    language: Language


async def ask(session: Session, outgoing: Outgoing, links: MailedLinks, wish: Wish) -> None:
    """Send the mail that goes on; whoever asks gets to know nothing."""
    if await outgoing.count(session, wish.email, _PERIOD, _KINDS) >= _MOST_MAILS:
        return
    person = await registry.find(session, wish.email)
    if person is None:
        link = await links.make(
            session, "sign_up", wish.email, wish.language, About(wish.kind, wish.name)
        )
        await outgoing.queue(session, Mail(wish.email, ConfirmAddress(link=link), wish.language))
        return
    link = await links.make(session, "reset_password", person.email, person.language)
    told = AccountExists(log_in_link=links.page("login"), reset_link=link)
    await outgoing.queue(session, Mail(person.email, told, person.language))


async def confirm(
    database: Database, passwords: Passwords, token: str, password: str, traceparent: str
) -> Person:
    """The person and its account, made by the mailed link.

    Raises:
        Refused: `not_found`, `link_expired`, `validation_failed` for the password, `busy`.
    """
    async with database.session() as session:
        link = await mailed_links.find(session, token, "sign_up")
    link.require_unused()
    registry.require_good(password, link.email, link.about.account_name or "")
    # Beside the event loop, and outside of any transaction.
    password_hash = await passwords.hash(password)
    async with database.transaction() as session:
        link = await mailed_links.lock(session, token, "sign_up")
        link.require_unused()
        person = await registry.ensure(session, link, password_hash)
        kind, name = link.about.account_kind, link.about.account_name
        if person is None or kind is None or name is None:
            # Another link made the person meanwhile.
            raise Refused("link_expired")
        account = await accounts.add_account(session, kind, name)
        await registry.join(session, person.id, account.id, "owner", traceparent)
        await mailed_links.use(session, token, person)
    return person
