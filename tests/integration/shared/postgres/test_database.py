"""Reads of the API have sessions of their own: bounded in time, and never in the way of work."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from shared.postgres.database import Database
from shared.settings import Settings

pytestmark = pytest.mark.engines


@pytest.fixture
async def database(service_settings: dict[str, str]) -> AsyncIterator[Database]:
    settings = Settings(postgres_pool_size=2, postgres_read_pool_size=2, postgres_read_seconds=0.2)
    opened = Database(settings, "routing")
    await opened.open()
    yield opened
    await opened.close()


async def test_readers_take_no_session_from_work(database: Database) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(database.reading())
        async with database.transaction() as first, database.transaction() as second:
            assert await first.fetchval("SELECT 1") == await second.fetchval("SELECT 1")


async def test_a_reader_reads_its_schema_and_cannot_write(database: Database) -> None:
    async with database.reading() as session:
        assert await session.fetchval("SELECT count(*) FROM orders") == 0
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await session.execute("DELETE FROM orders")


async def test_a_read_over_its_time_is_a_timeout_and_its_session_serves_the_next(
    database: Database,
) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError, match="longer than"):
            async with database.reading() as session:
                await session.execute("SELECT pg_sleep(60)")
    async with database.reading() as session:
        assert await session.fetchval("SELECT 1") == 1


async def test_work_has_no_time_limit_of_reads(database: Database) -> None:
    async with database.session() as session:
        assert await session.fetchval("SHOW statement_timeout") == "0"
        assert await session.fetchval("SHOW default_transaction_read_only") == "off"
