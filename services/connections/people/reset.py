"""A new password, by a link to the address of its person."""

from datetime import timedelta

from services.connections.mail.kinds import Language, Mail, NoAccount, ResetPassword
from services.connections.mail.outgoing import Outgoing
from services.connections.people import mailed_links, registry, store
from services.connections.people.mailed_links import MailedLinks
from services.connections.people.models import Person
from services.connections.people.passwords import Passwords
from services.connections.sessions import sessions
from shared.failures import Refused
from shared.postgres.database import Database, Session

_MOST_MAILS = 3
_PERIOD = timedelta(hours=1)
_KINDS = ("reset_password", "no_account")


async def ask(
    session: Session, outgoing: Outgoing, links: MailedLinks, email: str, language: Language
) -> None:
    """Send the link, or that there is no such account; whoever asks gets to know nothing.

    Both ways are the same statements, so that the time taken tells nothing either.
    """
    if await outgoing.count(session, email, _PERIOD, _KINDS) >= _MOST_MAILS:
        return
    person = await registry.find(session, email)
    link = await links.make(session, "reset_password", email, language)
    data = ResetPassword(link=link) if person else NoAccount(sign_up_link=links.page("sign-up"))
    await outgoing.queue(session, Mail(email, data, person.language if person else language))


async def redeem(
    database: Database, passwords: Passwords, token: str, password: str, traceparent: str
) -> Person:
    """The person, with the new password; other links of the kind die, and all sessions end.

    Raises:
        Refused: `not_found`, `link_expired`, `validation_failed` for the password, `busy`.
    """
    async with database.session() as session:
        link = await mailed_links.find(session, token, "reset_password")
    link.require_unused()
    registry.require_good(password, link.email)
    password_hash = await passwords.hash(password)
    async with database.transaction() as session:
        link = await mailed_links.lock(session, token, "reset_password")
        link.require_unused()
        person = await registry.find(session, link.email)
        if person is None:
            raise Refused("link_expired")
        await store.set_password(session, person.id, password_hash)
        await mailed_links.use(session, token, person)
        await store.drop_mailed_links(session, person.email, "reset_password")
        await sessions.end_all(session, person.id, traceparent)
    return person
