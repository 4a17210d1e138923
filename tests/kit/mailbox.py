"""Mails as their readers see them: from the folder they were written to, or a mail server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from relevo.mails import Received, parse
from tests.kit.waiting import eventually


@dataclass(frozen=True)
class Folder:
    """The mails that a service without a mail server wrote."""

    path: Path

    def all(self) -> list[Received]:
        """Every mail, the newest last."""
        return [parse(file.read_bytes()) for file in sorted(self.path.glob("*.eml"))]

    def to(self, address: str) -> list[Received]:
        """The mails to an address, the newest last."""
        return [mail for mail in self.all() if mail.to == address]

    async def wait_for(self, address: str, count: int = 1) -> list[Received]:
        """The same, once there are so many."""

        async def look() -> list[Received]:
            return self.to(address)

        return await eventually(look, lambda mails: len(mails) >= count)


# What the server answers about an address; None: it takes the mail.
Answer = Callable[[str], str | None]


def _takes(_: str) -> str | None:
    return None


@dataclass
class Server:
    """A mail server; `on_recipient` answers to RCPT, `on_message` after DATA.

    Of `hangs_up_on` the next message ends the session before it is answered; messages for
    `silent` are never answered.
    """

    on_recipient: Answer = _takes
    on_message: Answer = _takes
    hangs_up_on: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    received: list[Received] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def to(self, address: str) -> list[Received]:
        """The mails to an address, the newest last."""
        return [mail for mail in self.received if mail.to == address]

    async def wait_for(self, address: str, count: int = 1) -> list[Received]:
        """The same, once there are so many."""

        async def look() -> list[Received]:
            return self.to(address)

        return await eventually(look, lambda mails: len(mails) >= count)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002  aiosmtpd passes them by position
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: Sequence[str],  # noqa: ARG002
    ) -> str:
        """One recipient."""
        self.asked.append(address)
        if answer := self.on_recipient(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  as above
        self,
        server: SMTP,
        session: Session,  # noqa: ARG002  as above
        envelope: Envelope,
    ) -> str:
        """The message."""
        (address,) = envelope.rcpt_tos
        if answer := self.on_message(address):
            return answer
        assert isinstance(envelope.content, bytes)
        self.received.append(parse(envelope.content))
        if address in self.silent:
            await asyncio.Event().wait()
        if address in self.hangs_up_on:
            self.hangs_up_on.remove(address)
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


@asynccontextmanager
async def mail_server(port: int = 0, **options: Any) -> AsyncIterator[Server]:
    """A mail server on a port of its own; `options` are aiosmtpd's (`tls_context`, …)."""
    mailbox = Server()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTP(mailbox, hostname="mail.test", loop=loop, **options), "127.0.0.1", port
    )
    mailbox.port = listening.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        listening.close()
