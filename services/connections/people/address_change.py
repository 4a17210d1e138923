"""Another address for a person: a mail to the new one proves it, one to the old one undoes it."""

from datetime import timedelta
from uuid import UUID

from services.connections.accounts import tokens
from services.connections.mail.kinds import (
    AccountExists,
    AddressChangeNew,
    AddressChangeOld,
    Mail,
    MailData,
)
from services.connections.mail.outgoing import Outgoing
from services.connections.people import mailed_links, registry, store
from services.connections.people.mailed_links import MailedLinks
from services.connections.people.models import About, Person, Purpose
from services.connections.people.passwords import Passwords
from services.connections.sessions import sessions
from shared.failures import Refused
from shared.postgres.database import Database, Session

_MOST_MAILS = 3
_PERIOD = timedelta(hours=1)
_KINDS = ("address_change_new", "account_exists")


async def ask(
    database: Database,
    passwords: Passwords,
    outgoing: Outgoing,
    links: MailedLinks,
    person_id: UUID,
    wanted: tuple[str, str],
) -> None:
    """Mail both addresses; nothing changes before the link to the new one is followed.

    Args:
        database: connections' schema.
        passwords: compares.
        outgoing: takes the mails.
        links: makes their links.
        person_id: who is logged in.
        wanted: the new address, and the password of the person.

    Raises:
        Refused: `wrong_password`, `busy`.
    """
    email, password = wanted
    async with database.session() as session:
        person = await store.get_person(session, person_id)
    if person is None or not await passwords.verify(person.password_hash, password):
        raise Refused("wrong_password")
    async with database.transaction() as session:
        if await outgoing.count(session, email, _PERIOD, _KINDS) >= _MOST_MAILS:
            return
        about = About(person_id=person_id)
        link = await links.make(session, "change_email", email, person.language, about)
        undo = await links.make(session, "undo_email", person.email, person.language, about)
        told: MailData = AddressChangeNew(link=link)
        if await registry.find(session, email) is not None:
            told = AccountExists(log_in_link=links.page("login"), reset_link=links.page("login"))
        asked = AddressChangeOld(is_done=False, link=undo)
        await outgoing.queue(
            session,
            Mail(email, told, person.language),
            Mail(person.email, asked, person.language),
        )


async def confirm(session: Session, outgoing: Outgoing, links: MailedLinks, token: str) -> None:
    """The new address is the person's; the old one can undo that for a week.

    Raises:
        Refused: `not_found`, `link_expired`.
    """
    email, person = await _lock(session, token, "change_email")
    undo = await links.make(
        session, "undo_email", person.email, person.language, About(person_id=person.id)
    )
    if not await store.set_email(session, person.id, email):
        raise Refused("link_expired")
    await store.use_mailed_link(session, tokens.digest(token), person.id)
    await store.drop_mailed_links(session, person.email, "reset_password")
    done = AddressChangeOld(is_done=True, link=undo)
    await outgoing.queue(session, Mail(person.email, done, person.language))


async def undo(session: Session, token: str, traceparent: str) -> None:
    """The old address is the person's again; every session ends, and a mail sets a new password.

    Raises:
        Refused: `not_found`, `link_expired`.
    """
    address, person = await _lock(session, token, "undo_email")
    if not await store.set_email(session, person.id, address):
        raise Refused("link_expired")
    await store.use_mailed_link(session, tokens.digest(token), person.id)
    await store.drop_address_changes(session, person.id)
    await store.drop_mailed_links(session, person.email, "reset_password")
    # Who asked for the change knew it.
    await store.forget_password(session, person.id)
    await sessions.end_all(session, person.id, traceparent)


async def _lock(session: Session, token: str, purpose: Purpose) -> tuple[str, Person]:
    link = await mailed_links.lock(session, token, purpose)
    link.require_unused()
    person = await store.get_person(session, link.about.person_id) if link.about.person_id else None
    if person is None:
        raise Refused("link_expired")
    return link.email, person
