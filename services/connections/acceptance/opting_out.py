"""Never again a mail from this sender."""

from services.connections.acceptance import store
from services.connections.mail.outgoing import digest
from services.connections.people import mailed_links
from shared.failures import Refused
from shared.postgres.database import Session


async def opt_out(session: Session, token: str) -> None:
    """Mails that the sender causes are no longer sent to the address; however often.

    Raises:
        Refused: `not_found`, `link_expired`.
    """
    link = await mailed_links.find(session, token, "stop_mail")
    if link.is_over:
        raise Refused("link_expired")
    await store.opt_out(session, digest(link.email), link.about)
