"""Accounts that were erased, as a service notes them that has no gate to stop what is under way.

A note is one statement, from which on nothing more is kept; what there is goes in the background.
What a statement began before the account was noted may be written after it was erased: each
account is erased once more when nothing of before can be under way any longer.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import asyncpg
import structlog

from shared.contracts.accounts_changed import AccountChanged, AccountKind
from shared.failures import is_transient
from shared.postgres.database import Database
from shared.postgres.noted_work import NotedWork

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
# Those of before were erased when they were read, or were about to be: once more is harmless.
ADD_EMPTIED = """
ALTER TABLE {schema}.erased_accounts ADD COLUMN emptied_at timestamptz;
COMMENT ON COLUMN {schema}.erased_accounts.emptied_at IS
    'when it was erased the first time; null while that is still to be done';
UPDATE {schema}.erased_accounts SET emptied_at = settled_at;
CREATE INDEX erased_accounts_noted ON {schema}.erased_accounts (erased_at)
    WHERE emptied_at IS NULL;
"""
DROP_EMPTIED = """
DROP INDEX {schema}.erased_accounts_noted;
ALTER TABLE {schema}.erased_accounts DROP COLUMN emptied_at;
"""
# Known ones are not touched: each process reads them all at each start.
_NOTE = """
INSERT INTO erased_accounts (account_id, kind)
SELECT n.id, n.kind FROM unnest($1::uuid[], $2::text[]) AS n (id, kind)
WHERE NOT EXISTS (SELECT FROM erased_accounts known WHERE known.account_id = n.id)
ORDER BY n.id
ON CONFLICT (account_id) DO NOTHING RETURNING account_id
"""
_DUE = """
SELECT account_id, kind, emptied_at IS NOT NULL AS is_last FROM erased_accounts
WHERE emptied_at IS NULL
   OR settled_at IS NULL AND erased_at <= now() - $1::float8 * interval '1 second'
ORDER BY erased_at LIMIT 100
"""
_ERASED = """
UPDATE erased_accounts
SET emptied_at = coalesce(emptied_at, now()), settled_at = CASE WHEN $2 THEN now() END
WHERE account_id = $1
"""
# A statement takes a minute at most (`Database`), and so may a request that is about to make it.
UNDER_WAY_SECONDS = 120.0

logger = structlog.get_logger(__name__)
# Erases what there is of an account; a second time finds only what came since.
Erase = Callable[[UUID, AccountKind], Awaitable[None]]


class ErasedAccounts:
    """The accounts of which a service keeps nothing more.

    Args:
        database: the service's schema, which has the table.
        name: of the service.
        erase: what the service does about one.
        under_way_seconds: how long what began before may take to be written.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        erase: Erase,
        under_way_seconds: float = UNDER_WAY_SECONDS,
    ) -> None:
        self._database = database
        self._erase = erase
        self._under_way_seconds = under_way_seconds
        self._work = NotedWork(database, f"{name} erasure", self._is_due, self.settle)

    async def apply(self, changes: Sequence[AccountChanged]) -> None:
        """Note those among them that were erased; `run` erases what there is of new ones."""
        kinds = {change.account_id: change.kind for change in changes if change.erased}
        if not kinds:
            return
        async with self._database.session() as session:
            new = await session.fetch(_NOTE, list(kinds), list(kinds.values()))
        if new:
            self._work.wake()

    async def run(self) -> None:
        """Erase what was noted, and once more when it is time, until cancelled."""
        await self._work.run()

    async def _is_due(self) -> bool:
        return bool(await self._due())

    async def _due(self) -> list[asyncpg.Record]:
        async with self._database.session() as session:
            rows: list[asyncpg.Record] = await session.fetch(_DUE, self._under_way_seconds)
            return rows

    async def settle(self) -> None:
        """Erase those that were noted, and those once more whose time it is.

        Raises:
            Exception: transient; what is left is still noted. One that fails otherwise waits alone.
        """
        failed: set[UUID] = set()
        while due := [row for row in await self._due() if row["account_id"] not in failed]:
            for row in due:
                try:
                    await self._erase(row["account_id"], row["kind"])
                except Exception as error:
                    if is_transient(error):
                        raise
                    failed.add(row["account_id"])
                    logger.exception("erasing failed", account_id=str(row["account_id"]))
                    continue
                async with self._database.session() as session:
                    await session.execute(_ERASED, row["account_id"], row["is_last"])
                if not row["is_last"]:
                    logger.info("an account was erased", account_id=str(row["account_id"]))
