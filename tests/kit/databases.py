"""Migrated databases for tests, used again: to make one costs more than most tests.

What a test leaves is deleted, and a database whose schema is no longer that of the template goes.
"""

import secrets

import asyncpg

from tests.kit.engines import Addresses, administer

# Rows are deleted one by one up to this size; a table that grew larger is truncated.
_FEW_BYTES = 256 * 1024
_END_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = """
SELECT c.oid::regclass::text AS name, pg_relation_size(c.oid) AS bytes
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_|^information_schema$'
    AND c.relname <> 'alembic_version' AND pg_relation_size(c.oid) > 0
"""
_RESTART = """
SELECT setval(format('%I.%I', schemaname, sequencename), start_value, false) FROM pg_sequences
WHERE last_value IS NOT NULL
"""
# Everything that a test may have changed of the schema, as text.
_SCHEMA = """
WITH ours AS (
    SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'
), said AS (
    SELECT format('%s %s', nspname, nspacl) AS line FROM pg_namespace
    WHERE oid IN (SELECT * FROM ours)
    UNION ALL
    SELECT format('%s %s %s %s', oid::regclass, relkind, relacl, reloptions) FROM pg_class
    WHERE relnamespace IN (SELECT * FROM ours)
    UNION ALL
    SELECT format('%s %s %s %s %s', attrelid::regclass, attname, atttypid, attnotnull, atthasdef)
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE attnum > 0 AND c.relnamespace IN (SELECT * FROM ours)
    UNION ALL
    SELECT format('%s %s %s', conrelid::regclass, conname, convalidated) FROM pg_constraint
    WHERE connamespace IN (SELECT * FROM ours)
    UNION ALL
    SELECT format('%s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger
    WHERE NOT tgisinternal
    UNION ALL
    SELECT format('%s %s', proname, md5(prosrc)) FROM pg_proc
    WHERE pronamespace IN (SELECT * FROM ours)
    UNION ALL
    SELECT format('%s', setconfig) FROM pg_db_role_setting s
    JOIN pg_database d ON d.oid = s.setdatabase
    WHERE d.datname = current_database()
)
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM said
"""


class Databases:
    """The databases of one worker.

    Args:
        engines: where, and the template.
    """

    def __init__(self, engines: Addresses) -> None:
        self._engines = engines
        self._clean: list[str] = []
        self._schema = ""

    async def take(self) -> str:
        """The name of a migrated database without rows."""
        if self._clean:
            return self._clean.pop()
        name = f"test_{secrets.token_hex(6)}"
        await administer(self._engines, f"CREATE DATABASE {name} TEMPLATE {self._engines.template}")
        if not self._schema:
            session = await asyncpg.connect(self._engines.dsn(name))
            self._schema = await session.fetchval(_SCHEMA)
            await session.close()
        return name

    async def give_back(self, name: str) -> None:
        """Keep it for another test, if it is as it was."""
        if await self._empty(name):
            self._clean.append(name)
        else:
            await self._drop(name)

    async def close(self) -> None:
        """Drop what is left: other people's server may outlive us."""
        while self._clean:
            await self._drop(self._clean.pop())

    async def _empty(self, name: str) -> bool:
        try:
            session = await asyncpg.connect(self._engines.dsn(name))
        except asyncpg.PostgresError:
            # A test may have dropped or renamed it.
            return False
        try:
            await session.execute(_END_SESSIONS)
            if await session.fetchval(_SCHEMA) != self._schema:
                return False
            # Neither triggers nor foreign keys have a say in it.
            await session.execute("SET session_replication_role = replica")
            tables = await session.fetch(_TABLES)
            large = [row["name"] for row in tables if row["bytes"] > _FEW_BYTES]
            if large:
                await session.execute(f"TRUNCATE {', '.join(large)} CASCADE")
            if tables:
                deletes = [f"DELETE FROM {row['name']}" for row in tables]  # noqa: S608  its tables
                await session.execute(";".join(deletes))
            await session.execute(_RESTART)
        finally:
            await session.close()
        return True

    async def _drop(self, name: str) -> None:
        await administer(self._engines, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
