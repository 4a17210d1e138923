"""The background work that mails notices to the owners of their accounts.

Any number of processes share it: a kind of an account is one process's while it is mailed. What is
taken, and the mails of it, are one transaction.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

import structlog

from services.connections.mail.kinds import Mail
from services.connections.mail.outgoing import Outgoing
from services.connections.notices import store
from services.connections.notices.letters import Known, letters
from services.connections.notices.models import Notice, Turn
from shared.failures import is_transient
from shared.postgres.database import Database, Session

logger = structlog.get_logger(__name__)
_SWEPT_AT_ONCE = 1_000


class Mailer:
    """Mails what is due.

    Args:
        database: connections' schema.
        outgoing: where mails are queued.
        link: where readers see more.
        poll_seconds: how often to look for what another process kept.
    """

    def __init__(
        self, database: Database, outgoing: Outgoing, link: str, poll_seconds: float
    ) -> None:
        self._database = database
        self._outgoing = outgoing
        self._link = link
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Notices were kept."""
        self._wake.set()

    async def run(self) -> None:
        """Mail, and forget what is old, until cancelled; losing Postgres only pauses it."""
        while True:
            self._wake.clear()
            try:
                while await self.mail_once():
                    pass
                await self._sweep()
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("notices wait to be mailed", reason=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._poll_seconds):
                    await self._wake.wait()

    async def mail_once(self) -> bool:
        """Mail one kind to one account; False when none is due.

        One that fails waits by itself: others do not wait for it.

        Raises:
            Exception: Postgres is away; nothing was mailed.
        """
        turn: Turn | None = None
        try:
            async with self._database.transaction() as session:
                turn = await store.claim_turn(session)
                if turn is None:
                    return False
                await self._mail(session, turn)
        except Exception as error:
            if turn is None or is_transient(error):
                raise
            logger.exception(
                "notices cannot be mailed", account_id=str(turn.account_id), kind=turn.kind
            )
            async with self._database.session() as session:
                await store.postpone_turn(session, turn)
        return True

    async def _mail(self, session: Session, turn: Turn) -> None:
        notices = await store.take_notices(session, turn)
        readers = await store.list_readers(session, turn)
        if notices and readers:
            known = Known(turn.reader, await _domains(session, turn, notices), self._link)
            told = letters(notices, known)
            # One for each notice of a quiet kind, one for all of a noisy one.
            named = [notice.id for notice in notices[: len(told)]]
            await self._outgoing.queue(
                session,
                *(
                    Mail(reader.email, data, reader.language, f"{notice_id}:{reader.person_id}")
                    for reader in readers
                    for notice_id, data in zip(named, told, strict=True)
                ),
            )
        await store.end_turn(session, turn)

    async def _sweep(self) -> None:
        swept = _SWEPT_AT_ONCE
        while swept == _SWEPT_AT_ONCE:
            async with self._database.session() as session:
                swept = await store.sweep_notices(session, _SWEPT_AT_ONCE)


async def _domains(session: Session, turn: Turn, notices: Sequence[Notice]) -> dict[UUID, str]:
    # Not every notice is about a store.
    named = (getattr(one.data, "store_id", None) for one in notices)
    stores = {store_id for store_id in named if store_id is not None}
    return await store.domains_of_stores(session, turn.account_id, stores)
