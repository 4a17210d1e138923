"""Where mails go: the port, and how it can end."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Protocol
from uuid import UUID

from shared.failures import Permanent


@dataclass(frozen=True, slots=True)
class Letter:
    """A message with what a transport needs to know of it."""

    id: UUID
    kind: str
    to: str
    created_at: datetime
    message: EmailMessage


class NoMailbox(Permanent):
    """There is nobody at this address."""


class Transport(Protocol):
    """Takes mails off our hands."""

    async def send(self, letter: Letter) -> None:
        """Hand the mail over; the caller sees to the deadline.

        Raises:
            NoMailbox: the server knows no such mailbox.
            Permanent: the server will never take this mail.
            Exception: everything else; it is tried again.
        """
