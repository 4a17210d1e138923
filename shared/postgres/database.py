"""Postgres: two pools per service, one transaction per unit of work.

What the API only shows has sessions of its own: however many ask for lists, orders never wait for
them.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import aiosql
import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.settings import ProcessSettings

# A database session, always called `session`; a *connection* is the link of a 3PL to a store.
Session = PoolConnectionProxy | asyncpg.Connection


async def _keep_session(_: asyncpg.Connection) -> None:
    """Nothing to reset: pooled connections carry no session state.

    What needs a session (advisory locks, LISTEN) has a connection of its own; asyncpg's default
    reset would cost four statements for every use.
    """


class Database:
    """The schema of one service.

    Starts without a server: connections are made when first asked for, and again after a loss.

    Args:
        settings: `postgres_*`.
        schema: the service's schema, first on the search path.
    """

    def __init__(self, settings: ProcessSettings, schema: str) -> None:
        self._dsn = settings.postgres_dsn.get_secret_value()
        self._size = settings.postgres_pool_size
        self._read_size = settings.postgres_read_pool_size
        self._read_seconds = settings.postgres_read_seconds
        self._server_settings = {
            "search_path": f"{schema},public",
            "application_name": f"relevo-{schema}",
            # A plan is kept as long as its session. One that was made while a table was empty scans
            # it, and would scan it with a million rows: what a service writes by, it finds by an
            # index (tests/integration/shared/postgres/test_plans.py).
            "enable_seqscan": "off",
        }
        self._pool: asyncpg.Pool | None = None
        self._read_pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        """Make the pools; connects to nothing yet."""
        self._pool = await self._make_pool(self._size, self._server_settings)
        reading = {
            "enable_seqscan": "on",
            # Filters that are left out are NULL: a plan for all values at once would scan.
            "plan_cache_mode": "force_custom_plan",
            "default_transaction_read_only": "on",
            "statement_timeout": f"{self._read_seconds * 1000:.0f}",
        }
        self._read_pool = await self._make_pool(
            self._read_size, {**self._server_settings, **reading}
        )

    async def _make_pool(self, size: int, server_settings: dict[str, str]) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=size,
            command_timeout=60,
            timeout=5,
            max_inactive_connection_lifetime=300,
            server_settings=server_settings,
            reset=_keep_session,
        )

    async def close(self) -> None:
        """Close the pools; what is under way is cut."""
        for pool in (self._pool, self._read_pool):
            if pool is not None:
                pool.terminate()
        self._pool = self._read_pool = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session, for work that is a single statement.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError: no server (all transient).
        """
        async with _opened(self._pool).acquire(timeout=10) as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """A session that can only read, for what the API shows.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError: no server, no session in time, or a
                statement took longer than `postgres_read_seconds` (all transient).
        """
        try:
            async with _opened(self._read_pool).acquire(timeout=10) as session:
                yield session
        except asyncpg.QueryCanceledError as error:
            raise TimeoutError(f"a read took longer than {self._read_seconds:g} s") from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """One unit of work: READ COMMITTED, committed on leaving, rolled back on an exception."""
        async with self.session() as session, session.transaction():
            yield session

    async def dedicated(self) -> asyncpg.Connection:
        """A session outside the pool, for session state (advisory lock, LISTEN)."""
        return await asyncpg.connect(
            self._dsn, timeout=5, command_timeout=60, server_settings=self._server_settings
        )


def _opened(pool: asyncpg.Pool | None) -> asyncpg.Pool:
    if pool is None:
        raise ConnectionError("the database pool is not open")
    return pool


Row = TypeVar("Row")


def row_as(kind: type[Row], record: asyncpg.Record, **converted: object) -> Row:
    """A record as a dataclass; columns that it has no field for are left out.

    Args:
        kind: the dataclass.
        record: has a column for each field, or `converted` has.
        converted: fields that are more than the driver's value, such as an enum.
    """
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]  # any dataclass
    return kind(**{name: converted[name] if name in converted else record[name] for name in names})


class Query:
    """One named query of a `queries.sql`; parameters go by name."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    async def all(self, session: Session, **parameters: object) -> list[asyncpg.Record]:
        """Every row (a query without a suffix)."""
        return [row async for row in self._call(session, **parameters)]

    async def one(self, session: Session, **parameters: object) -> asyncpg.Record | None:
        """One row or None (a query named `…^`)."""
        row: asyncpg.Record | None = await self._call(session, **parameters)
        return row

    async def value(self, session: Session, **parameters: object) -> Any:
        """The first column of the first row, None without one (a query named `…$`)."""
        return await self._call(session, **parameters)

    async def run(self, session: Session, **parameters: object) -> int:
        """How many rows it changed (a query named `…!`)."""
        status: str = await self._call(session, **parameters)
        return int(status.rsplit(" ", 1)[-1])


class Queries:
    """The named queries of one file, each an attribute; `make check` knows which there are."""

    def __init__(self, path: Path) -> None:
        loaded = aiosql.from_path(path, "asyncpg", mandatory_parameters=False)
        # A query with a cursor of its own is listed twice; only the first name is used here.
        self._queries = {name: Query(getattr(loaded, name)) for name in loaded.available_queries}

    def __getattr__(self, name: str) -> Query:
        """The query of this name."""
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"there is no query {name!r}") from None


def load_queries(path: Path) -> Queries:
    """The named queries of a `queries.sql` (aiosql, asyncpg): `await queries.name.all(session)`."""
    return Queries(path)
