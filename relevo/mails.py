"""Mails as their readers see them, where a Relevo without a mail server writes them as files."""

import io
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from relevo.waiting import wait_for

_SECONDS = 20.0
# Where the container keeps them: docker-compose.yml.
_IN_CONTAINER = "/tmp/mail"  # noqa: S108  read, not written
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Received:
    """One mail that arrived."""

    message: EmailMessage

    @property
    def to(self) -> str:
        """The address."""
        return str(self.message["To"])

    @property
    def subject(self) -> str:
        """The subject."""
        return str(self.message["Subject"])

    @property
    def id(self) -> str:
        """What a mailbox knows a mail by."""
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        """What it says."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The same, for those who see HTML."""
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        content: str = part.get_content() if part else ""
        return content.replace("\r\n", "\n")

    @property
    def link(self) -> str:
        """The first link, what a reader would follow; empty when there is none."""
        found = _LINK.search(self.text)
        return found[0] if found else ""

    @property
    def token(self) -> str:
        """The token in the fragment of that link: `#token=…`, or all of it."""
        fragment = urlsplit(self.link).fragment
        return parse_qs(fragment).get("token", [fragment])[0]


def parse(raw: bytes) -> Received:
    """A mail as it went over the wire."""
    return Received(message_from_bytes(raw, policy=default))


class NoMail(Exception):  # noqa: N818  says what did not happen
    """A mail did not come."""


class Mailboxes:
    """The mailboxes of everybody.

    Args:
        read: every mail that was written so far, the oldest first.
    """

    def __init__(self, read: Callable[[], Iterable[bytes]]) -> None:
        self._read = read

    def all(self) -> list[Received]:
        """Every mail, the newest last."""
        return [parse(raw) for raw in self._read()]

    def to(self, address: str) -> list[Received]:
        """The mails to an address, the newest last."""
        return [mail for mail in self.all() if mail.to == address]

    def wait_for(self, address: str, count: int = 1) -> Received:
        """The newest mail to an address, once there are so many.

        Raises:
            NoMail: not within 20 s.
        """

        def look() -> Received | None:
            mails = self.to(address)
            return mails[-1] if len(mails) >= count else None

        found = wait_for(look, _SECONDS)
        if found is None:
            raise NoMail(
                f"no mail to {address} within {_SECONDS:g} s; look at the log of connections"
            )
        return found


def of_folder(folder: Path) -> Mailboxes:
    """Mails of a local stack."""
    return Mailboxes(lambda: [path.read_bytes() for path in sorted(folder.glob("*.eml"))])


def of_compose(*command: str) -> Mailboxes:
    """Mails in the container of connections; `command` is docker compose with its options."""

    def read() -> Sequence[bytes]:
        done = subprocess.run(
            [*command, "exec", "-T", "connections", "tar", "-c", "-C", _IN_CONTAINER, "."],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            # The folder comes with the first mail.
            return []
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            files = [member for member in archive if member.name.endswith(".eml")]
            files.sort(key=lambda member: member.name)
            return [file.read() for member in files if (file := archive.extractfile(member))]

    return Mailboxes(read)
