"""A mail as it goes over the wire. Pure."""

from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from uuid import UUID

from services.connections.mail.kinds import Language
from services.connections.mail.rendering import Rendered
from shared.failures import Permanent


def compose(
    mail_id: UUID, sender: str, to: str, words: Rendered, language: Language, at: datetime
) -> EmailMessage:
    """The message; the same mail makes the same one, whenever it is tried.

    Args:
        mail_id: also of the `Message-ID`: a mailbox that got it twice can see that.
        sender: `Name <address>`.
        to: the address.
        words: what it says.
        language: of the words.
        at: when it was queued.

    Raises:
        Permanent: `to` is no address.
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = _recipient(to)
    message["Subject"] = words.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail_id}@{address_of(sender).rpartition('@')[2]}>"
    message["Content-Language"] = language
    # RFC 3834: whoever answers by machine does not answer this.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words.text)
    message.add_alternative(words.html, subtype="html")
    return message


def _recipient(to: str) -> Address:
    try:
        return Address(addr_spec=to)
    except (ValueError, HeaderParseError):
        # Theirs quotes it, and a reason is kept.
        raise Permanent("the recipient is no e-mail address") from None


def address_of(sender: str) -> str:
    """The bare address of `Name <address>`."""
    return parseaddr(sender)[1]
