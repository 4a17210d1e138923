"""The link that a 3PL shares: it shows who asks for what, and sends the mail that accepts.

The 3PL has seen it, so that it proves nothing: no password, no session, no change of state.
"""

from datetime import timedelta

from services.connections.acceptance import store
from services.connections.acceptance.models import Asked
from services.connections.accounts import tokens
from services.connections.blocks import registry as blocks
from services.connections.brands import registry as brands
from services.connections.connection.models import Connection
from services.connections.mail.kinds import Claim, LinkWanted, Mail
from services.connections.mail.outgoing import Outgoing, digest
from services.connections.people import registry as people
from services.connections.people.mailed_links import MailedLinks
from services.connections.people.models import About
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused
from shared.postgres.database import Session

# Of one address: whoever has a link sends no flood.
_MOST_MAILS = 3
_PERIOD = timedelta(hours=1)
_KINDS = ("claim",)


async def open_link(session: Session, outgoing: Outgoing, links: MailedLinks, token: str) -> Asked:
    """What is asked; the mail is on its way to the contact, whoever opened the link.

    Raises:
        Refused: `not_found`, `login_link_expired`.
    """
    link = await brands.usable_link(session, token)
    connection = await store.get_connection(session, link.connection_id)
    if connection is None:
        raise Refused("not_found", what="login link")
    await send_mail(session, outgoing, links, connection)
    profile = await brands.profile_of(session, connection.three_pl_id, connection.brand_id)
    return Asked(connection, profile, link.expires_at)


async def send_mail(
    session: Session, outgoing: Outgoing, links: MailedLinks, connection: Connection
) -> None:
    """Ask the contact, unless it was asked enough or wants nothing more of this 3PL."""
    # Held: a mail to an address that is changed meanwhile is queued before, and dies with it.
    profile = await brands.lock_profile(session, connection.three_pl_id, connection.brand_id)
    to, language = profile.contact_email, profile.language
    if await outgoing.count(session, to, _PERIOD, _KINDS) >= _MOST_MAILS:
        return
    if await store.has_opted_out(session, digest(to), connection.three_pl_id):
        return
    if await blocks.is_unwanted(session, to, connection.three_pl_id):
        return
    about = About(connection_id=connection.id)
    asked = Claim(
        three_pl=connection.three_pl_name,
        company=profile.company_name,
        store_domain=connection.domain,
        shipping_rules_owner=connection.shipping_rules_owner,
        billing_owner=connection.billing_owner,
        support_owner=connection.support_owner,
        link=await links.make(session, "accept", to, language, about),
        never_url=await links.make(session, "stop_mail", to, language, about),
    )
    await outgoing.queue(session, Mail(to, asked, language))


async def ask_for_new_link(
    session: Session, outgoing: Outgoing, links: MailedLinks, token: str
) -> None:
    """Tell the 3PL's owners that their client found the link's time over; once for each link.

    Raises:
        Refused: `not_found`: nobody issued it, or nothing waits behind it any more.
    """
    link = await brands.any_link(session, token)
    connection = await store.get_connection(session, link.connection_id)
    if connection is None or link.state is not ConnectionState.PENDING:
        raise Refused("not_found", what="login link")
    wanted = LinkWanted(store_domain=connection.domain, link=links.page("integrations"))
    for owner in await people.owners_of(session, connection.three_pl_id):
        once = f"link_wanted:{tokens.digest(token)}:{owner.id}"
        await outgoing.queue(session, Mail(owner.email, wanted, owner.language, once))
