"""Queueing mails, in the transaction of what they are about."""

import hashlib
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.mail import store
from services.connections.mail.kinds import Contents, Mail
from shared.postgres.database import Session
from shared.sealing import Sealer


class Outgoing:
    """What the other slices send mail with.

    Args:
        sealer: of what a mail says: it holds one-time links.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def queue(self, session: Session, *mails: Mail) -> int:
        """Queue mails; they go out once the caller's transaction is committed.

        How many were queued: a mail whose `once` was used already is not.
        """
        return await store.insert_mails(session, [self._sealed(mail) for mail in mails])

    async def count(
        self, session: Session, to: str, within: timedelta, kinds: Collection[str] | None = None
    ) -> int:
        """How many mails (of these kinds) this address got, or will get, in the time until now."""
        return await store.count_mails(session, digest(to), within, list(kinds) if kinds else None)

    def _sealed(self, mail: Mail) -> store.NewMail:
        mail_id = uuid7()
        contents = Contents(to=mail.to, data=mail.data).model_dump_json()
        return store.NewMail(
            id=mail_id,
            kind=mail.data.kind,
            language=mail.language,
            recipient=digest(mail.to),
            contents=self._sealer.seal(contents, context_of(mail_id)),
            once=mail.once,
        )


def digest(address: str) -> bytes:
    """What an address is known by once its mail has ended.

    Plain SHA-256, so that an operator can ask for an address in SQL: the accounts' addresses stand
    beside it anyway.
    """
    return hashlib.sha256(address.lower().encode()).digest()


def context_of(mail_id: UUID) -> str:
    """What the contents of a mail are sealed as."""
    return f"mail:{mail_id}"
