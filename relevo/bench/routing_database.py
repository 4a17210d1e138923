"""A database of its own, for benches of what happens inside PostgreSQL."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from relevo.local.engines import Postgres
from relevo.operate.migrations import migrate


@asynccontextmanager
async def routing_database(sessions: int, schema: str = "routing") -> AsyncIterator[asyncpg.Pool]:
    """A migrated database with a pool on a service's schema; gone afterwards."""
    with _scratch() as folder:
        engine = Postgres(folder)
        await asyncio.to_thread(engine.start)
        try:
            admin = await asyncpg.connect(engine.dsn("postgres"))
            await admin.execute("CREATE DATABASE relevo")
            await admin.close()
            await migrate(engine.dsn())
            settings = {"search_path": f"{schema},public"}
            async with asyncpg.create_pool(
                engine.dsn(), min_size=1, max_size=sessions, server_settings=settings
            ) as pool:
                yield pool
        finally:
            await asyncio.to_thread(engine.stop)


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="relevo-bench-") as name:
        folder = Path(name)
        # PostgreSQL does not run as root, and its user has to get in.
        folder.chmod(0o755)
        yield folder
