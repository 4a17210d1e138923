"""Erases what routing holds of an account, chunk by chunk, each a transaction.

First the account is noted, behind its closed gate: what is decided on from then on knows of it. The
rest is done in the background: a crash goes on with what is left, a second time changes nothing.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

import structlog

from services.routing.erasure import store
from shared.contracts.accounts_changed import AccountChanged, AccountKind
from shared.failures import is_transient
from shared.postgres import outbox_erasure
from shared.postgres.database import Database
from shared.postgres.noted_work import NotedWork

logger = structlog.get_logger(__name__)
_CHUNK = 500
_REASON = "the 3PL's account was erased"


class Eraser:
    """The erased accounts of a schema.

    Args:
        database: routing's schema.
        on_handovers: told when hand-overs were recorded for an erased 3PL.
    """

    def __init__(self, database: Database, on_handovers: Callable[[], None]) -> None:
        self._database = database
        self._on_handovers = on_handovers
        self._work = NotedWork(database, "routing erasure", self._is_due, self.erase_all)

    async def note(self, changes: Iterable[AccountChanged]) -> None:
        """Note those that were erased; from the commit on what comes of them is dropped."""
        kinds = {change.account_id: change.kind for change in changes if change.erased}
        if not kinds:
            return
        async with self._database.session() as session:
            known = await store.erasures_known(session, kinds)
        new = {account: kind for account, kind in kinds.items() if account not in known}
        if not new:
            return
        async with self._database.transaction() as session:
            await store.note_erasures(session, new)
        self._work.wake()

    async def run(self) -> None:
        """Erase what was noted, until cancelled."""
        await self._work.run()

    async def _is_due(self) -> bool:
        async with self._database.session() as session:
            return bool(await store.unfinished_erasures(session))

    async def erase_all(self) -> None:
        """Return when nothing is left of the accounts that are noted.

        Raises:
            Exception: transient; what is left is still noted. One that fails otherwise waits alone.
        """
        failed: set[UUID] = set()
        while True:
            async with self._database.session() as session:
                found = await store.unfinished_erasures(session)
            accounts = {id_: kind for id_, kind in found.items() if id_ not in failed}
            if not accounts:
                return
            for account_id, kind in accounts.items():
                try:
                    await self._erase(account_id, kind)
                except Exception as error:
                    if is_transient(error):
                        raise
                    failed.add(account_id)
                    logger.exception("erasing failed", account_id=str(account_id))

    async def _erase(self, account_id: UUID, kind: AccountKind) -> None:
        if kind == "brand":
            await erase_brand(self._database, account_id)
        async with self._database.transaction() as session:
            recorded = 0
            if kind == "three_pl":
                recorded = await store.record_whole_handovers(session, account_id, _REASON)
            await store.finish_erasure(session, account_id)
        if recorded:
            self._on_handovers()


async def erase_brand(database: Database, brand_id: UUID) -> None:
    """Erase what the brand's stores and buyers said; whoever noted the erasure calls it."""
    after, orders = store.FROM_THE_START, 0
    while True:
        async with database.transaction() as session:
            erased = await store.erase_orders(session, brand_id, after, _CHUNK)
        if not erased:
            break
        after, orders = erased[-1], orders + len(erased)
    # After the orders: nothing makes an event of one that is closed, but its return.
    async with database.transaction() as session:
        # Events of before a move name the claim's account.
        moved = await store.moved_stores_of(session, brand_id)
        await outbox_erasure.erase(session, brand_id, moved)
        await store.forget_words(session, brand_id)
    dropped = True
    while dropped:
        async with database.transaction() as session:
            dropped = await store.drop_parked_records(session, brand_id, _CHUNK) > 0
    logger.info("a brand was erased", brand_id=str(brand_id), orders=orders)


async def erase_if_noted(database: Database, brand_id: UUID) -> None:
    """Erase what came to a brand that was erased before, by a move that was told of late."""
    async with database.session() as session:
        is_erased = await store.is_erased(session, brand_id)
    if is_erased:
        await erase_brand(database, brand_id)
