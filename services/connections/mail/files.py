"""Mails as files, where no mail server is set: for demos and tests."""

import asyncio
from dataclasses import dataclass
from email.policy import SMTP
from pathlib import Path

from services.connections.mail.transport import Letter


@dataclass(frozen=True, slots=True)
class Files:
    """The `Transport` to a folder: `<time>-<kind>-<id>.eml`, sorted by time.

    The name is the mail's own: one that is tried again is there once.
    """

    folder: Path

    async def send(self, letter: Letter) -> None:
        """See `Transport`."""
        await asyncio.to_thread(self._write, letter)

    def _write(self, letter: Letter) -> None:
        # They hold links that let somebody in.
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        at = f"{letter.created_at:%Y%m%dT%H%M%S.%fZ}"
        path = self.folder / f"{at}-{letter.kind}-{letter.id}.eml"
        begun = path.with_suffix(".begun")
        begun.unlink(missing_ok=True)
        begun.touch(mode=0o600)
        begun.write_bytes(letter.message.as_bytes(policy=SMTP))
        begun.replace(path)
