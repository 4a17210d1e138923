"""Postgres: one pool per service, one transaction per unit of work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosql
import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.settings import Settings

Connection = PoolConnectionProxy | asyncpg.Connection


async def _keep_session(_: asyncpg.Connection) -> None:
    """Nothing to reset: pooled connections carry no session state.

    What needs a session (advisory locks, LISTEN) has a connection of its own; asyncpg's default
    reset would cost four statements for every use.
    """


class Database:
    """The schema of one service.

    Starts without a server: connections are made when first asked for, and again after a loss.

    Args:
        settings: `postgres_dsn` and `postgres_pool_size`.
        schema: the service's schema, first on the search path.
    """

    def __init__(self, settings: Settings, schema: str) -> None:
        self._dsn = settings.postgres_dsn.get_secret_value()
        self._size = settings.postgres_pool_size
        self._session = {
            "search_path": f"{schema},public",
            "application_name": f"relevo-{schema}",
        }
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Make the pool; connects to nothing yet."""
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=self._size,
            command_timeout=60,
            timeout=5,
            max_inactive_connection_lifetime=300,
            server_settings=self._session,
            reset=_keep_session,
        )

    async def close(self) -> None:
        """Close the pool; what is under way gets five seconds, then is cut."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection, for work that is a single statement.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError: no server (all transient).
        """
        if self._pool is None:
            raise ConnectionError("the database pool is not open")
        async with self._pool.acquire(timeout=10) as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One unit of work: READ COMMITTED, committed on leaving, rolled back on an exception."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def dedicated(self) -> asyncpg.Connection:
        """A connection outside the pool, for session state (advisory lock, LISTEN)."""
        return await asyncpg.connect(
            self._dsn, timeout=5, command_timeout=60, server_settings=self._session
        )


def load_queries(path: Path) -> Any:
    """The named queries of a `queries.sql` (aiosql, asyncpg): `await queries.name(conn, a=…)`.

    Without a suffix a query returns an async iterator of records; `^` one record or None, `$` one
    value, `!` the status text.
    """
    return aiosql.from_path(path, "asyncpg", mandatory_parameters=False)


def affected(status: str) -> int:
    """The row count in a command status such as `UPDATE 3`."""
    return int(status.rsplit(" ", 1)[-1])
