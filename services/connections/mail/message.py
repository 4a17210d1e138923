"""A mail as it goes over the wire. Pure."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from services.connections.mail.kinds import Language
from services.connections.mail.rendering import Rendered
from shared.failures import Permanent


def compose(
    mail_id: UUID,
    sender: str,
    to: str,
    words: Rendered,
    language: Language,
    at: datetime,
    reply_to: str | None = None,
) -> EmailMessage:
    """The message; the same mail makes the same one, whenever it is tried.

    Args:
        mail_id: also of the `Message-ID`: a mailbox that got it twice can see that.
        sender: `Name <address>`.
        to: the address, `on_the_wire`.
        words: what it says.
        language: of the words.
        at: when it was queued.
        reply_to: where answers go, of what a person wrote.
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = Address(addr_spec=to)
    message["Subject"] = words.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail_id}@{address_of(sender).rpartition('@')[2]}>"
    if reply_to:
        message["Reply-To"] = Address(addr_spec=reply_to)
    else:
        # RFC 3834: whoever answers by machine does not answer this.
        message["Auto-Submitted"] = "auto-generated"
    message.set_content(words.text)
    message.add_alternative(words.html, subtype="html")
    # After the parts: before, it would become the first part's alone.
    message["Content-Language"] = language
    return message


def on_the_wire(address: str) -> str:
    """The address as every mail server takes it: the domain in ASCII (IDNA 2008).

    Raises:
        Permanent: it is no address.
    """
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        # Theirs may quote it, and a reason is kept.
        raise Permanent("the recipient is no e-mail address") from None
    return f"{found.local_part}@{found.ascii_domain}"


def address_of(sender: str) -> str:
    """The bare address of `Name <address>`."""
    return parseaddr(sender)[1]
