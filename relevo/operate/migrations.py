"""Migrations of every service's schema: Alembic, plain SQL, one version table per schema.

And who may do what there (`roles.py`): schemas and grants change together.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

import services
from relevo.operate import roles
from relevo.operate.patience import Patience, place
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
    dsn: str,
    wait_seconds: float = 60.0,
    names: Sequence[str] = catalog.NAMES,
    passwords: Mapping[str, str] = MappingProxyType({}),
    say: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Bring every schema to its newest revision; the revisions applied.

    All of it is one transaction: either the whole database is new, or nothing has changed. The
    passwords come after; a run that was cut off before them is simply run again.

    Args:
        dsn: `postgresql://…` of the owner.
        wait_seconds: how long to wait for the server to come up.
        names: of the services whose schemas; all by default.
        passwords: by service, of the roles they log in as; who is left out keeps the one it has.
        say: called with a sentence, about once a second, while it waits.

    Raises:
        OSError: no server in time.
        asyncpg.PostgresError: it refuses us (no such database, wrong password, not the owner).
        sqlalchemy.exc.DBAPIError: a revision failed; nothing has changed.
    """
    await _wait_for_server(dsn, wait_seconds, say)
    address = make_url(dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(address, poolclass=NullPool)
    applied: list[str] = []
    try:
        async with engine.begin() as connection:
            await connection.execute(_LOCK)
            for name in names:
                applied += await connection.run_sync(_upgrade, name)
            await roles.grant(await _driver(connection), names)
    finally:
        await engine.dispose()
    wanted = {name: passwords[name] for name in names if name in passwords}
    await roles.set_passwords(dsn, wanted)
    return applied


async def _driver(connection: AsyncConnection) -> asyncpg.Connection:
    """What is under SQLAlchemy, in the same transaction: it runs scripts, and its errors speak."""
    raw = await connection.get_raw_connection()
    return cast("asyncpg.Connection", raw.driver_connection)


async def _wait_for_server(dsn: str, seconds: float, say: Callable[[str], None]) -> None:
    patience = Patience(f"Postgres at {place(dsn) or 'an unknown place'}", seconds, say)
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=5)
        except (OSError, asyncpg.CannotConnectNowError) as error:  # away, or still recovering
            await patience.bear(error)
        else:
            await connection.close()
            return
