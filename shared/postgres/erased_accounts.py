"""Accounts that were erased, as a service notes them that has no gate to stop what is under way.

What a statement began before the account was noted may be written after it was erased: each
account is erased once more when nothing of before can be under way any longer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import structlog

from shared.contracts.accounts_changed import AccountChanged, AccountKind
from shared.failures import is_transient
from shared.postgres.database import Database

# For a migration of each such schema.
CREATE = """
CREATE TABLE {schema}.erased_accounts (
    account_id uuid PRIMARY KEY,
    kind text NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz
);
COMMENT ON TABLE {schema}.erased_accounts IS
    'of accounts.changed: what comes later about them is not kept';
COMMENT ON COLUMN {schema}.erased_accounts.settled_at IS
    'when it was erased once more, for what was under way the first time';
CREATE INDEX erased_accounts_unsettled ON {schema}.erased_accounts (erased_at)
    WHERE settled_at IS NULL;
"""
_NOTE = """
INSERT INTO erased_accounts (account_id, kind) VALUES ($1, $2) ON CONFLICT (account_id) DO NOTHING
"""
_UNSETTLED = """
SELECT account_id, kind FROM erased_accounts
WHERE settled_at IS NULL AND erased_at <= now() - $1::float8 * interval '1 second'
ORDER BY erased_at LIMIT 100
"""
_SETTLED = "UPDATE erased_accounts SET settled_at = now() WHERE account_id = $1"
# A statement takes a minute at most (`Database`), and so may a request that is about to make it.
UNDER_WAY_SECONDS = 120.0
_LOOK_SECONDS = 30.0

logger = structlog.get_logger(__name__)
# Erases what there is of an account; a second time finds only what came since.
Erase = Callable[[UUID, AccountKind], Awaitable[None]]


class ErasedAccounts:
    """The accounts of which a service keeps nothing more.

    Args:
        database: the service's schema, which has the table.
        erase: what the service does about one.
        under_way_seconds: how long what began before may take to be written.
    """

    def __init__(
        self, database: Database, erase: Erase, under_way_seconds: float = UNDER_WAY_SECONDS
    ) -> None:
        self._database = database
        self._erase = erase
        self._under_way_seconds = under_way_seconds

    async def apply(self, changes: Iterable[AccountChanged]) -> None:
        """Return when nothing is left of the accounts among them that were erased."""
        for change in changes:
            if change.erased:
                async with self._database.session() as session:
                    await session.execute(_NOTE, change.account_id, change.kind)
                await self._erase(change.account_id, change.kind)
                logger.info("an account was erased", account_id=str(change.account_id))

    async def run(self) -> None:
        """Erase once more, when it is time, until cancelled; losing Postgres only pauses it."""
        while True:
            try:
                await self.settle()
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("erasing once more waits", reason=str(error))
            await asyncio.sleep(_LOOK_SECONDS)

    async def settle(self) -> None:
        """Erase those once more whose time it is."""
        async with self._database.session() as session:
            due = await session.fetch(_UNSETTLED, self._under_way_seconds)
        for row in due:
            await self._erase(row["account_id"], row["kind"])
            async with self._database.session() as session:
                await session.execute(_SETTLED, row["account_id"])
