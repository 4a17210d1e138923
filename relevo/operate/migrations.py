"""Migrations of every service's schema: Alembic, plain SQL, one version table per schema."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import services
from services import catalog

_HOME = Path(services.__file__).parent
# One at a time, whoever runs them: released with the transaction.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('relevo.operate.migrations', 0))")


def _upgrade(connection: Connection, service: str) -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(_HOME / service / "sql" / "migrations"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    applied: list[str] = []

    def steps(revision: str, _: object) -> Any:
        found = script._upgrade_revs("head", revision)  # noqa: SLF001  what alembic.command does
        applied.extend(f"{service} {step.revision.revision}" for step in found)
        return found

    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service}"))
    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(connection=connection, version_table_schema=service)
        environment.run_migrations()
    return applied


async def migrate(
    dsn: str, wait_seconds: float = 60.0, names: Sequence[str] = catalog.NAMES
) -> list[str]:
    """Bring every schema to its newest revision; the revisions applied.

    All of it is one transaction: either the whole database is new, or nothing has changed.

    Args:
        dsn: `postgresql://…` of the owner.
        wait_seconds: how long to wait for the server to come up.
        names: of the services whose schemas; all by default.

    Raises:
        OSError: no server in time.
        asyncpg.PostgresError: it refuses us (no such database, wrong password).
        sqlalchemy.exc.DBAPIError: a revision failed; nothing has changed.
    """
    await _wait_for_server(dsn, wait_seconds)
    address = make_url(dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(address, poolclass=NullPool)
    applied: list[str] = []
    try:
        async with engine.begin() as connection:
            await connection.execute(_LOCK)
            for name in names:
                applied += await connection.run_sync(_upgrade, name)
    finally:
        await engine.dispose()
    return applied


async def _wait_for_server(dsn: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=5)
        except (OSError, asyncpg.CannotConnectNowError):  # away, or still recovering
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            await connection.close()
            return
