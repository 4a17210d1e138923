"""Where a text stands in Postgres, in whatever column of whatever table."""

from collections.abc import Iterable

import asyncpg


async def tables_with(dsn: str, schema: str, texts: Iterable[str]) -> set[str]:
    """The tables of a schema in whose rows one of the texts stands, as text or as bytes."""
    patterns = [f"%{form}%" for text in texts for form in (text, text.encode().hex())]
    database = await asyncpg.connect(dsn)
    try:
        names = await database.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1", schema
        )
        return {
            name
            for (name,) in names
            if await database.fetchval(
                f'SELECT EXISTS (SELECT FROM "{schema}"."{name}" t WHERE t::text LIKE ANY ($1))',  # noqa: S608  names of the catalogue
                patterns,
            )
        }
    finally:
        await database.close()
