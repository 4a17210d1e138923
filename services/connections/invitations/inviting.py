"""The brand's side: inviting, mailing again, withdrawing."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.invitations import store
from services.connections.invitations.models import (
    MOST_OF_BRAND,
    PERIOD,
    Invitation,
    InvitationState,
)
from services.connections.invitations.store import NewInvitation
from services.connections.mail import kinds
from services.connections.mail.kinds import Mail
from services.connections.mail.outgoing import Outgoing, digest
from services.connections.people import mailed_links
from services.connections.people.mailed_links import MailedLinks
from services.connections.people.models import About
from services.connections.stores import own
from services.connections.stores import registry as stores
from shared.failures import Refused
from shared.postgres.database import Session

# Of one address in one hour, whoever asks.
_MOST_MAILS = 3
_HOUR = timedelta(hours=1)
_KINDS = ("invitation",)


async def invite(
    session: Session, outgoing: Outgoing, links: MailedLinks, new: NewInvitation
) -> Invitation:
    """An invitation; its mail is on its way, unless the address has had enough.

    Raises:
        Refused: `brand_only`; `not_found`: no store of the brand; `too_many`.
    """
    await accounts.lock_account(session, new.brand_id)
    await own.require_brand(session, new.brand_id)
    access = await stores.visible_store(session, new.store_id, new.brand_id)
    await _require_few(session, new.brand_id)
    made = await store.insert_invitation(session, new)
    await _mail(session, outgoing, links, made, access.store.domain)
    return made


async def mail_again(
    session: Session, outgoing: Outgoing, links: MailedLinks, invitation_id: UUID, brand_id: UUID
) -> Invitation:
    """A new link; the old ones die.

    Raises:
        Refused: `not_found`, `invalid_transition`, `too_many`.
    """
    await _hold(session, invitation_id, brand_id)
    await accounts.lock_account(session, brand_id)
    found = await _lock_open(session, invitation_id, brand_id)
    await _require_few(session, brand_id)
    await store.mail_again(session, found.id)
    about = await store.get_store(session, found.store_id)
    await _mail(session, outgoing, links, found, about.domain)
    return await _lock_open(session, invitation_id, brand_id)


async def withdraw(session: Session, invitation_id: UUID, brand_id: UUID) -> None:
    """Its links are over.

    Raises:
        Refused: `not_found`, `invalid_transition`.
    """
    await _hold(session, invitation_id, brand_id)
    found = await _lock_open(session, invitation_id, brand_id)
    await store.withdraw(session, found.id)


async def _require_few(session: Session, brand_id: UUID) -> None:
    if await store.count_recent(session, brand_id, PERIOD) >= MOST_OF_BRAND:
        raise Refused("too_many", what="invitations a day", most=MOST_OF_BRAND)


async def _hold(session: Session, invitation_id: UUID, brand_id: UUID) -> None:
    """Wait for whoever takes it up: the link is locked before the invitation, here as there."""
    found = await store.get_invitation(session, invitation_id)
    if found is None or found.brand_id != brand_id:
        raise Refused("not_found", what="invitation")
    await mailed_links.hold_address(session, found.email)


async def _lock_open(session: Session, invitation_id: UUID, brand_id: UUID) -> Invitation:
    found = await store.lock_invitation(session, invitation_id, brand_id)
    if found is None:
        raise Refused("not_found", what="invitation")
    state = found.state(datetime.now(UTC))
    if state not in (InvitationState.OPEN, InvitationState.EXPIRED):
        raise Refused("invalid_transition", what="invitation", state=state)
    return found


async def _mail(
    session: Session,
    outgoing: Outgoing,
    links: MailedLinks,
    invitation: Invitation,
    domain: str,
) -> None:
    to, language = invitation.email, invitation.language
    if await outgoing.count(session, to, _HOUR, _KINDS) >= _MOST_MAILS:
        return
    if await store.has_opted_out(session, digest(to), invitation.brand_id):
        return
    brand = await accounts.get_account(session, invitation.brand_id)
    about = About(invitation_id=invitation.id)
    data = kinds.Invitation(
        brand=brand.name if brand else "",
        store_domain=domain,
        own_words=invitation.own_words,
        link=await links.make(session, "invite", to, language, about),
        never_url=await links.make(session, "stop_mail", to, language, about),
    )
    await outgoing.queue(session, Mail(to, data, language))
