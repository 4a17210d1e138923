"""Mails by SMTP, to the operator's mail server."""

import re
from dataclasses import dataclass
from typing import Literal

import aiosmtplib
from pydantic import SecretStr

from services.connections.mail.message import address_of
from services.connections.mail.transport import Letter, NoMailbox
from shared.failures import Permanent, Transient

Tls = Literal["none", "starttls", "tls"]

_PERMANENT = 500
# RFC 5321, 4.2.2: no mailbox, not local, name not allowed.
_NO_MAILBOX = (550, 551, 553)
# RFC 3463: what the server adds says more than the code: 550 is also the answer of those who
# dislike the sender (5.7.x). Of 5.1.x these are about the recipient's address.
_ENHANCED = re.compile(r"(5\.\d{1,3}\.\d{1,3})\b")
_BAD_ADDRESS = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")


@dataclass(frozen=True, slots=True)
class Smtp:
    """The `Transport` to a mail server; one session for each mail."""

    host: str
    port: int
    tls: Tls
    user: str
    password: SecretStr
    sender: str
    seconds: float

    async def send(self, letter: Letter) -> None:
        """See `Transport`."""
        try:
            await aiosmtplib.send(
                letter.message,
                sender=address_of(self.sender),
                recipients=[letter.to],
                hostname=self.host,
                port=self.port,
                username=self.user or None,
                password=self.password.get_secret_value() or None,
                use_tls=self.tls == "tls",
                start_tls=self.tls == "starttls",
                timeout=self.seconds,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            # There is one.
            raise _refusal(error.recipients[0], letter.to) from error
        except aiosmtplib.SMTPDataError as error:
            raise _refusal(error, letter.to) from error
        except aiosmtplib.SMTPException as error:
            # Also what is ours to mend: the password, the sender's address, TLS.
            raise Transient(f"the mail server: {error}") from error


def _refusal(error: aiosmtplib.SMTPResponseException, to: str) -> Exception:
    """What a refusal of the recipient, or of the message, means."""
    # Servers like to repeat the address, and reasons outlive it.
    answer = re.sub(re.escape(to), "the recipient", error.message, flags=re.IGNORECASE)
    reason = f"{error.code} {answer}"
    if error.code < _PERMANENT:
        return Transient(reason)
    enhanced = _ENHANCED.match(error.message)
    if enhanced:
        return NoMailbox(reason) if enhanced[1] in _BAD_ADDRESS else Permanent(reason)
    about_the_address = isinstance(error, aiosmtplib.SMTPRecipientRefused)
    if about_the_address and error.code in _NO_MAILBOX:
        return NoMailbox(reason)
    return Permanent(reason)
